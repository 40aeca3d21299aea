"""A combo box of the segments of a segmentation."""

from __future__ import annotations


class SegmentChoice:
    """Keeps a combo box, the segments of one segmentation, and the chosen ID in the parameter node alike.

    segmentationName, segmentIDName: the parameters. noneText: an item for no segment of the user's own choice, or None if
    there is no such item; then the first segment is chosen until the user takes another one.
    """

    def __init__(self, comboBox, segmentationName: str, segmentIDName: str, noneText: str | None = None):
        self._comboBox = comboBox
        self._segmentationName, self._segmentIDName, self._noneText = segmentationName, segmentIDName, noneText
        self._parameterNode = None
        self._filling = False
        comboBox.currentIndexChanged.connect(self._onChosen)

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        self.update()

    def update(self) -> None:
        """Show the segments there are now. A chosen one that is gone makes room for the first item."""
        items = self._items()
        if self._parameterNode is None:
            return
        chosen = self._parameterNode.getValue(self._segmentIDName)
        identifiers = [identifier for identifier, name in items]
        index = identifiers.index(chosen) if chosen in identifiers else 0
        self._filling = True
        self._comboBox.clear()
        for identifier, name in items:
            self._comboBox.addItem(name, identifier)
        self._comboBox.currentIndex = index if items else -1
        self._comboBox.enabled = bool(items)
        self._filling = False
        self._onChosen()

    def _items(self) -> list[tuple[str, str]]:
        segmentationNode = self._parameterNode.getValue(self._segmentationName) if self._parameterNode else None
        if segmentationNode is None:
            return []
        segmentation = segmentationNode.GetSegmentation()
        identifiers = [segmentation.GetNthSegmentID(number) for number in range(segmentation.GetNumberOfSegments())]
        items = [(identifier, segmentation.GetSegment(identifier).GetName()) for identifier in identifiers]
        return items if self._noneText is None else [("", self._noneText), *items]

    def _onChosen(self, index=None) -> None:
        if not self._filling and self._parameterNode is not None and self._comboBox.count:
            chosen = self._comboBox.itemData(self._comboBox.currentIndex)
            if chosen != self._parameterNode.getValue(self._segmentIDName):
                self._parameterNode.setValue(self._segmentIDName, chosen)
