"""Stand-ins for Slicer's MRML widgets, as far as the panel and its parameter node use them."""

from __future__ import annotations

import qt
from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget
from shiboken6 import isValid
from slicer_core import vtkMRMLNode, vtkMRMLScene

__all__ = ["qMRMLNodeComboBox", "qMRMLWidget"]


@qt.register_custom_widget
class qMRMLWidget(QWidget):
    mrmlSceneChanged = Signal(object)

    def __init__(self, parent=None, /):
        super().__init__(parent)
        self._scene = None

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)


def _stored(kind, name: str, default):
    """A Qt property that is only kept."""
    return Property(kind, lambda self: self._kept.get(name, default), lambda self, value: self._kept.__setitem__(name, value))


@qt.register_custom_widget
class qMRMLNodeComboBox(QWidget):
    """A selector of the visible nodes of some classes in a scene.

    Without `noneEnabled` the first node is selected by itself, and when the selected node is removed the item before it
    is, as in Slicer.
    """

    currentNodeChanged = Signal(object)
    addEnabled = _stored(bool, "addEnabled", True)
    removeEnabled = _stored(bool, "removeEnabled", True)
    renameEnabled = _stored(bool, "renameEnabled", False)
    editEnabled = _stored(bool, "editEnabled", False)
    showHidden = _stored(bool, "showHidden", False)

    def __init__(self, parent=None, /):
        super().__init__(parent)
        self._kept: dict = {}
        self._types: list[str] = []
        self._children_too, self._none, self._none_display = True, False, "None"
        self._scene, self._observers, self._node = None, [], None
        self._combo = QComboBox()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self._combo.activated.connect(lambda index: self.setCurrentNode(self._listed()[index]))

    def _set_types(self, types) -> None:
        self._types = list(types)
        self._refresh()

    nodeTypes = Property("QStringList", lambda self: tuple(self._types), _set_types)

    def _set_children_too(self, value: bool) -> None:
        self._children_too = value
        self._refresh()

    showChildNodeTypes = Property(bool, lambda self: self._children_too, _set_children_too)

    def _set_none(self, value: bool) -> None:
        self._none = value
        self._refresh()

    noneEnabled = Property(bool, lambda self: self._none, _set_none)

    def _set_none_display(self, text: str) -> None:
        self._none_display = text
        self._refresh()

    noneDisplay = Property(str, lambda self: self._none_display, _set_none_display)

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        for watched, tag in self._observers:
            watched.RemoveObserver(tag)
        self._scene = scene
        events = () if scene is None else (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent)
        self._observers = [(scene, scene.AddObserver(event, self._scene_changed)) for event in events]
        self._refresh()

    def _scene_changed(self, caller, event) -> None:
        if isValid(self):  # the scene may outlive the panel
            self._refresh()

    def currentNode(self):
        return self._node

    def nodeCount(self) -> int:
        return sum(node is not None for node in self._listed())

    def setCurrentNode(self, node: vtkMRMLNode | None) -> None:
        if node is not None and not isinstance(node, vtkMRMLNode):
            raise TypeError(f"setCurrentNode takes a node or None, not {type(node).__name__}")
        listed = self._listed()
        self._show(node if node in listed else None)

    def _listed(self) -> list:
        nodes = []
        for name in self._types if self._scene else ():
            found = [self._scene.GetNthNodeByClass(number, name) for number in range(self._scene.GetNumberOfNodesByClass(name))]
            nodes += [node for node in found if (self._children_too or node.GetClassName() == name) and not node.GetHideFromEditors()]
        return [None, *nodes] if self._none else nodes

    def _refresh(self) -> None:
        listed, row = self._listed(), self._combo.currentIndex
        self._combo.clear()
        for node in listed:
            self._combo.addItem(self._none_display if node is None else node.GetName())
        if self._node in listed:
            self._show(self._node)
        else:
            self._show(listed[min(len(listed), max(row, 1)) - 1] if listed else None)

    def _show(self, node) -> None:
        listed = self._listed()
        self._combo.setCurrentIndex(listed.index(node) if node in listed else -1)
        if node is not self._node:
            self._node = node
            self.currentNodeChanged.emit(node)
