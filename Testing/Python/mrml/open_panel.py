"""Open the panel in a process of its own, as the first thing it does; print the processor time that took, and what it imported."""

import json
import sys
import tempfile
import time

import conftest
import qt
import slicer
from CardioScarMRML import addPhantomNodes

from CardioScarLib.phantom import phantom_case

application = qt.QApplication(["CardioScar"])
scene = conftest.new_scene(tempfile.gettempdir())
addPhantomNodes(scene, phantom_case("B", seed=1, nodes=3000, noise=0.0))
before = time.process_time()
from CardioScar import CardioScarWidget  # noqa: E402

imported = time.process_time()
parent = slicer.qMRMLWidget()
parent.setLayout(qt.QVBoxLayout())
widget = CardioScarWidget(parent)
widget.setup()
widget.enter()
parent.show()
application.processEvents()
opened = time.process_time()
heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "matplotlib", "pandas", "rich", "click", "pydicom"})
own = [module.__file__ for name, module in sys.modules.items() if name.startswith("CardioScar")]
print(json.dumps({"import_ms": 1000 * (imported - before), "open_ms": 1000 * (opened - imported), "heavy": heavy, "own": own}))
widget.cleanup()
