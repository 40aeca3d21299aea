"""Tables of slices, planes and the like: a row per thing, a click shows it."""

from __future__ import annotations

import qt

GRAY = 128
MOST_ROWS = 8
"""That are seen at once."""


class RowTable:
    """A table whose cells cannot be edited, one row per thing; the last column takes the room that is left.

    :param columns: (title, tooltip) of each.
    It is as tall as its rows need, up to MOST_ROWS.

    :param onShow: called with the number of a row that was clicked or chosen by keys.
    :param detailLabel: shows the detail of the chosen row, where a column is too narrow to read it.
    """

    def __init__(self, table, columns, onShow, detailLabel) -> None:
        self._table, self._onShow, self._detailLabel = table, onShow, detailLabel
        self._details: list[str] = []
        table.setColumnCount(len(columns))
        table.setHorizontalHeaderLabels([title for title, _toolTip in columns])
        for number, (_title, toolTip) in enumerate(columns):
            table.horizontalHeaderItem(number).setToolTip(toolTip)
        table.horizontalHeader().setStretchLastSection(True)
        table.verticalHeader().setVisible(False)
        self._headerHeight = table.fontMetrics().height() + 8  # set, because a header that was not shown yet does not know it
        table.horizontalHeader().setFixedHeight(self._headerHeight)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.itemSelectionChanged.connect(self._onSelected)  # by a click or by keys
        table.setVerticalScrollBarPolicy(qt.Qt.ScrollBarAsNeeded)
        detailLabel.visible = False
        table.cellClicked.connect(lambda row, column: onShow(row))  # a selected row can be clicked again after the views were moved

    def fill(self, rows) -> None:
        """rows: of each the texts of its cells, its tooltip, whether it is grayed, and its detail."""
        self._details = [detail for *_texts, detail in rows]
        self._table.blockSignals(True)
        self._table.setRowCount(len(rows))
        for number, (texts, toolTip, isGray, _detail) in enumerate(rows):
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(toolTip)
                if isGray:
                    item.setForeground(qt.QBrush(qt.QColor(GRAY, GRAY, GRAY)))
                self._table.setItem(number, column, item)
        self._table.resizeColumnsToContents()
        self._table.setColumnWidth(self._table.columnCount - 1, 0)  # takes what the others leave
        self._table.blockSignals(False)
        self._table.setFixedHeight(self._height(len(rows)))
        self._tellDetail()

    def _height(self, rows: int) -> int:
        """Of the header, of as many rows as are seen at once, and of the frame."""
        perRow = self._table.verticalHeader().defaultSectionSize
        return self._headerHeight + max(1, min(rows, MOST_ROWS)) * perRow + 2 * self._table.frameWidth

    def _tellDetail(self) -> None:
        selected = self._table.selectedItems()
        text = self._details[selected[0].row()] if selected else ""
        self._detailLabel.text = text
        self._detailLabel.visible = bool(text)

    def _onSelected(self) -> None:
        selected = self._table.selectedItems()
        self._tellDetail()
        if selected:
            self._onShow(selected[0].row())
