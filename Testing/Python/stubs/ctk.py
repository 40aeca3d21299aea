"""Stand-in for the part of CTK that the panel uses."""

from __future__ import annotations

import qt
from PySide6.QtCore import Property, QEvent, Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QDoubleSpinBox, QHBoxLayout, QSlider, QStylePainter, QWidget


@qt.register_custom_widget
class ctkCollapsibleButton(QAbstractButton):
    """A titled box whose content folds away; what is shown or hidden meanwhile is so when it unfolds."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent=None, /):
        super().__init__(parent)
        self._collapsed, self._folding, self._collapsedHeight = False, False, 10
        self._hidden: set[str] = set()
        self.setContentsMargins(0, 18, 0, 0)

    def _get_collapsed(self) -> bool:
        return self._collapsed

    def setCollapsed(self, collapsed: bool) -> None:
        isNew, self._collapsed = self._collapsed != bool(collapsed), bool(collapsed)
        self.setMaximumHeight(24 + self._collapsedHeight if collapsed else 16_777_215)
        for child in self.children():
            if child.isWidgetType():
                self._fold(child)
        if isNew:
            self.contentsCollapsed.emit(self._collapsed)

    def setCollapsedHeight(self, height: int) -> None:
        self._collapsedHeight = height
        self.setCollapsed(self._collapsed)

    def _fold(self, child) -> None:
        self._folding = True
        child.visible = not self._collapsed and child.name not in self._hidden
        self._folding = False

    def childEvent(self, event) -> None:
        if event.type() == QEvent.Type.ChildAdded and event.child().isWidgetType():
            event.child().installEventFilter(self)

    def eventFilter(self, child, event) -> bool:
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent) and not self._folding:
            (self._hidden.add if event.type() == QEvent.Type.HideToParent else self._hidden.discard)(child.name)
            if self._collapsed:
                self._fold(child)
        return False

    def mouseReleaseEvent(self, event) -> None:
        if event.position().y() < 18:
            self.setCollapsed(not self._collapsed)

    collapsed = Property(bool, _get_collapsed, setCollapsed)
    collapsedHeight = Property(int, lambda self: self._collapsedHeight, setCollapsedHeight)

    def sizeHint(self):
        return self.layout().sizeHint() if self.layout() else super().sizeHint()

    def paintEvent(self, event) -> None:
        painter = QStylePainter(self)
        painter.drawText(6, 16, ("▸ " if self._collapsed else "▾ ") + self.text)


@qt.register_custom_widget
class ctkSliderWidget(QWidget):
    """A slider with a number beside it."""

    valueChanged = Signal(float)

    def __init__(self, parent=None, /):
        super().__init__(parent)
        self._slider, self._spinBox = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox()
        self._slider.setObjectName("Slider")
        self._spinBox.setObjectName("SpinBox")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._spinBox)
        self._spinBox.valueChanged.connect(self._spin_box_moved)
        self._slider.valueChanged.connect(self._slider_moved)
        self._fit_slider()

    def _fit_slider(self) -> None:
        """One step of the slider is one single step of the number."""
        step = self._spinBox.singleStep or 1.0
        blocked = self._slider.blockSignals(True)
        self._slider.setRange(0, round((self._spinBox.maximum - self._spinBox.minimum) / step))
        self._slider.setValue(round((self._spinBox.value - self._spinBox.minimum) / step))
        self._slider.blockSignals(blocked)

    def _slider_moved(self, steps: int) -> None:
        self._spinBox.value = self._spinBox.minimum + steps * self._spinBox.singleStep

    def _spin_box_moved(self, value: float) -> None:
        self._fit_slider()
        self.valueChanged.emit(value)

    def _passed_on(kind, name: str):  # noqa: N805
        def write(self, value):
            if getattr(self._spinBox, name) == value:  # else what is being typed would be formatted
                return
            setattr(self._spinBox, name, value)
            self._fit_slider()

        return Property(kind, lambda self: getattr(self._spinBox, name), write)

    value = _passed_on(float, "value")
    minimum = _passed_on(float, "minimum")
    maximum = _passed_on(float, "maximum")
    singleStep = _passed_on(float, "singleStep")
    decimals = _passed_on(int, "decimals")
    suffix = _passed_on(str, "suffix")
    pageStep = Property(float, lambda self: 10 * self._spinBox.singleStep, lambda self, value: None)
    tracking = Property(bool, lambda self: True, lambda self, value: None)

    def setValue(self, value: float) -> None:
        self.value = value

    def setRange(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum
