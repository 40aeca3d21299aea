"""Hands for the panel: click, choose, wait."""

from __future__ import annotations

import time

import qt


def click(button) -> None:
    qt.QTest.mouseClick(button, qt.Qt.LeftButton)
    qt.QApplication.processEvents()


def choose(comboBox, key: str) -> None:
    """Take the item with this key with the keyboard, as a person does."""
    index = comboBox.findData(key)
    assert index >= 0, f"{comboBox.name} has no item {key}"
    comboBox.setFocus()
    while comboBox.currentIndex != index:
        qt.QTest.keyClick(comboBox, qt.Qt.Key_Down if comboBox.currentIndex < index else qt.Qt.Key_Up)
    qt.QApplication.processEvents()


def chosen(comboBox) -> str:
    return comboBox.itemData(comboBox.currentIndex)


def wait_for(condition, seconds: float = 30.0) -> None:
    """Let the application live until something is the case."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds:.0f} s in vain"
        qt.QApplication.processEvents()
        time.sleep(0.005)
