"""The report in one click, and the export: both into new folders, which are shown when they are written."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from CardioScarMRML.exports import newFolder
from slicer.i18n import tr as _

from CardioScarPanel.run_button import RunButton


class DocumentsView:
    """The buttons below the numbers.

    :param startReport: called with a folder; returns the run, or None if the person decided against it.
    :param startExport: called with a folder and the kind of the export; the same.
    :param modelNode: called without arguments; returns the model that holds the map, or None.
    """

    def __init__(self, ui, runControl, startReport, startExport, modelNode) -> None:
        self._ui, self._startReport, self._startExport, self._modelNode = ui, startReport, startExport, modelNode
        self._parameterNode = None
        self._report = RunButton(ui.reportButton, runControl, self._onReport, self._onReported)
        self._export = RunButton(ui.exportButton, runControl, self._onExport, self._onExported)
        ui.chooseFolderButton.clicked.connect(self._onChooseFolder)

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode

    def update(self) -> None:
        """Nothing here depends on nodes alone, see `checkCanStart`."""

    def checkCanStart(self, missing: str) -> None:
        """missing: what has to be done before, in sentences."""
        self._report.update(missing)
        self._export.update(missing)

    def _folder(self, what: str) -> Path:
        chosen = self._parameterNode.outputFolder.strip()
        parent = Path(chosen).expanduser() if chosen else Path(slicer.app.defaultScenePath)
        return newFolder(parent, f"{self._modelNode().GetName()} {what}")

    def _onReport(self):
        return self._startReport(self._folder(_("report")))

    def _onExport(self):
        kind = self._parameterNode.exportKind
        return self._startExport(self._folder(kind), kind)

    def _onReported(self, written) -> str:
        if not slicer.app.testingEnabled():
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(written.files[0])))
        return self._said(_("The report was written into {folder}.").format(folder=written.files[0].parent), written)

    def _onExported(self, written) -> str:
        return self._said(
            _("{count} files were written into {folder}.").format(count=len(written.files), folder=written.files[0].parent), written
        )

    @staticmethod
    def _said(sentence: str, written) -> str:
        return "\n".join([sentence, *written.notes])

    def _onChooseFolder(self, checked=False) -> None:
        if self._parameterNode is None:
            return
        before = self._parameterNode.outputFolder or slicer.app.defaultScenePath
        chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder for reports and exports"), before)
        if chosen:
            self._parameterNode.outputFolder = chosen
