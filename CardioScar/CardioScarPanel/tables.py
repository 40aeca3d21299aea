"""Tables of slices, planes and the like: a row per thing, a click shows it."""

from __future__ import annotations

import qt

GRAY = 128


class RowTable:
    """A table whose cells cannot be edited, one row per thing; the last column takes the room that is left.

    :param columns: (title, tooltip) of each.
    :param onShow: called with the number of a row that was clicked or chosen by keys.
    """

    def __init__(self, table, columns, onShow) -> None:
        self._table, self._onShow = table, onShow
        table.setColumnCount(len(columns))
        table.setHorizontalHeaderLabels([title for title, _toolTip in columns])
        for number, (_title, toolTip) in enumerate(columns):
            table.horizontalHeaderItem(number).setToolTip(toolTip)
        table.horizontalHeader().setStretchLastSection(True)
        table.verticalHeader().setVisible(False)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.itemSelectionChanged.connect(self._onSelected)  # by a click or by keys
        table.cellClicked.connect(lambda row, column: onShow(row))  # a selected row can be clicked again after the views were moved

    def fill(self, rows) -> None:
        """rows: of each the texts of its cells, its tooltip, and whether it is grayed."""
        self._table.blockSignals(True)
        self._table.setRowCount(len(rows))
        for number, (texts, toolTip, isGray) in enumerate(rows):
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(toolTip)
                if isGray:
                    item.setForeground(qt.QBrush(qt.QColor(GRAY, GRAY, GRAY)))
                self._table.setItem(number, column, item)
        self._table.resizeColumnsToContents()
        self._table.setColumnWidth(self._table.columnCount - 1, 0)  # takes what the others leave
        self._table.blockSignals(False)

    def _onSelected(self) -> None:
        selected = self._table.selectedItems()
        if selected:
            self._onShow(selected[0].row())
