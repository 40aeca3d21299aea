"""What only a real Slicer can tell: the panel opens, its buttons work, the self test passes there.

    Slicer --no-splash --testing --additional-module-paths CardioScar --python-script Testing/Slicer/check_in_slicer.py OUTPUT

Works with --no-main-window, too. Prints a line per check, saves pictures of the panel into the folder OUTPUT, and exits
with 0 only if every check has passed. Exceptions in slots do not reach this script; so it looks at effects alone.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import unittest

import slicer

OPENING_MS = 300
LONGEST_BLOCK_MS = 100
PATIENCE_S = 300


class Checks:
    """Each method `check...` is given the panel and asserts what it finds. In the order of their names."""

    def __init__(self, widget, output: str):
        self.widget, self.ui, self.output = widget, widget.ui, output

    def check1_NothingHeavyWasImported(self):
        heavy = sorted({"torch", "matplotlib", "pandas"} & set(sys.modules))
        assert not heavy, heavy

    def check2_ApplySaysWhatIsMissing(self):
        assert not self.ui.applyButton.enabled and self.ui.applyButton.toolTip

    def check3_ExampleIsLoadedByItsButton(self):
        self.ui.loadExampleButton.click()
        settle()
        assert self.ui.lgeVolumeSelector.currentNode() is not None and self.ui.lvModelSelector.currentNode() is not None
        assert self.ui.applyButton.enabled, self.ui.applyButton.toolTip

    def check4_CancelLeavesTheSceneAlone(self):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.ui.applyButton.click()
        settle(1.0)
        start = time.monotonic()
        self.ui.applyButton.click()
        settle()
        assert time.monotonic() - start < 2, time.monotonic() - start
        assert not self.hasMap() and slicer.mrmlScene.GetNumberOfNodes() == nodes

    def check5_RunColorsTheModelAndTheWindowLives(self):
        self.ui.presetComboBox.currentIndex = self.ui.presetComboBox.findData("preview")
        self.ui.applyButton.click()
        gaps, last, end = [], time.monotonic(), time.monotonic() + PATIENCE_S
        while not self.hasMap() and time.monotonic() < end:
            slicer.app.processEvents()
            gaps.append(time.monotonic() - last)
            last = time.monotonic()
            time.sleep(0.01)
        settle()
        assert self.hasMap(), self.ui.statusLabel.text
        longest = 1000 * max(gaps[:-1])  # the last one reads the result
        print(f"    longest turn of the window: {longest:.0f} ms (goal {LONGEST_BLOCK_MS} ms)")
        assert longest < 10 * LONGEST_BLOCK_MS  # a fit in this process would take seconds; a busy machine some 100 ms
        self.picture("panel.png")

    def check6_SampleDataModuleOffersTheExamples(self):
        sources = getattr(slicer.modules, "sampleDataSources", {}).get("CardioScar", [])
        assert len(sources) == 2, sources

    def check7_ReloadKeepsThePanelWorking(self):
        self.widget.onReload()
        settle()
        self.ui = slicer.modules.CardioScarWidget.ui
        assert self.ui.applyButton.enabled, self.ui.applyButton.toolTip

    def check8_SelfTestPasses(self):
        module = importlib.import_module("CardioScar")
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(
            unittest.defaultTestLoader.loadTestsFromTestCase(module.CardioScarTest)
        )
        assert result.wasSuccessful() and result.testsRun >= 4

    def hasMap(self) -> bool:
        node = self.ui.lvModelSelector.currentNode()
        return bool(node and node.GetMesh().GetPointData().HasArray("scar_probability"))

    def picture(self, name: str) -> None:
        path = os.path.join(self.output, name)
        assert self.widget.parent.grab().save(path), path


def settle(seconds: float = 0.3) -> None:
    """Let the application work for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.01)


def run(checks: Checks) -> int:
    """The number of checks that failed."""
    failed = 0
    for name in sorted(name for name in dir(checks) if name.startswith("check")):
        try:
            getattr(checks, name)()
            print(f"passed  {name}", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
    return failed


def main() -> int:
    output = sys.argv[1] if len(sys.argv) > 1 else os.getcwd()
    os.makedirs(output, exist_ok=True)
    start = time.monotonic()
    slicer.modules.cardioscar.widgetRepresentation()
    opening = 1000 * (time.monotonic() - start)
    print(f"Slicer {slicer.app.applicationVersion}: the panel opened in {opening:.0f} ms (goal {OPENING_MS} ms)", flush=True)
    widget = slicer.modules.CardioScarWidget
    if slicer.util.mainWindow() is not None:
        slicer.util.selectModule("CardioScar")
    else:  # shown, because sections fold their content away only then
        widget.parent.show()
        widget.enter()
    settle()
    return run(Checks(widget, output))


if __name__ == "__main__":
    slicer.util.exit(1 if main() else 0)
