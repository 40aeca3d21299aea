"""Stand-in for the part of CTK that the panel uses."""

from __future__ import annotations

import qt
from PySide6.QtCore import Property
from PySide6.QtWidgets import QAbstractButton, QStylePainter


@qt.register_custom_widget
class ctkCollapsibleButton(QAbstractButton):
    """A titled box whose content folds away; here only its content's visibility follows."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._collapsed = False
        self.setContentsMargins(0, 18, 0, 0)

    def _get_collapsed(self) -> bool:
        return self._collapsed

    def setCollapsed(self, collapsed: bool) -> None:
        self._collapsed = bool(collapsed)
        for child in self.children():
            if child.isWidgetType():
                child.visible = not self._collapsed

    collapsed = Property(bool, _get_collapsed, setCollapsed)

    def sizeHint(self):
        return self.layout().sizeHint() if self.layout() else super().sizeHint()

    def paintEvent(self, event) -> None:
        painter = QStylePainter(self)
        painter.drawText(6, 16, ("▸ " if self._collapsed else "▾ ") + self.text)
