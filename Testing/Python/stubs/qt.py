"""Stand-in for Slicer's `qt` module (PythonQt) on PySide6.

Imitates what a scripted module relies on: all Qt classes in one module, Qt properties as attributes
(`button.text`, never `button.text()`), and signals connected with `signal.connect(slot)`. Stricter than PythonQt
where it differs: setting an attribute that Qt does not have raises AttributeError on every Qt object. As in PythonQt,
constructors take no keywords.
"""

from __future__ import annotations

import inspect
import xml.etree.ElementTree as ElementTree

import PySide6.QtCore
import PySide6.QtGui
import PySide6.QtTest
import PySide6.QtUiTools
import PySide6.QtWidgets
from PySide6.QtCore import Property, QBuffer, QByteArray, QObject

for _module in (PySide6.QtCore, PySide6.QtGui, PySide6.QtWidgets, PySide6.QtTest):
    globals().update({_name: getattr(_module, _name) for _name in dir(_module) if _name[:1] == "Q" or _name == "Signal"})

# An instance of its own, so that loading the panel does not change what Qt's own loader knows.
_custom_widgets: dict[str, type] = {}


def register_custom_widget(cls: type) -> type:
    """Make a stand-in known to `QUiLoader`, which refuses classes it does not know."""
    _custom_widgets[cls.__name__] = cls
    return cls


class QUiLoader:
    """Loads a .ui file; connections of the scene are made as Slicer makes them, others are refused."""

    def load(self, file, parent=None):
        tree = ElementTree.fromstring(bytes(file.readAll()))
        wanted = {node.findtext("class") for node in tree.iter("customwidget")}
        unknown = wanted - set(_custom_widgets)
        if unknown:
            raise RuntimeError(f"The .ui file uses widgets without a stand-in: {sorted(unknown)}")
        connections = tree.find("connections")
        wires = [] if connections is None else [
            tuple(wire.findtext(part) for part in ("sender", "signal", "receiver", "slot")) for wire in connections
        ]  # fmt: skip
        if connections is not None:
            tree.remove(connections)
        loader = PySide6.QtUiTools.QUiLoader(parent)
        for name in wanted:
            loader.registerCustomWidget(_custom_widgets[name])
        buffer = QBuffer()
        buffer.setData(QByteArray(ElementTree.tostring(tree)))
        buffer.open(QBuffer.OpenModeFlag.ReadOnly)
        top = loader.load(buffer, parent)
        for sender, signal, receiver, slot in wires:
            if (signal, slot) != ("mrmlSceneChanged(vtkMRMLScene*)", "setMRMLScene(vtkMRMLScene*)"):
                raise RuntimeError(f"The stand-ins do not know the connection {signal} -> {slot}.")
            source = top if top.name == sender else top.findChild(QObject, sender)
            source.mrmlSceneChanged.connect(top.findChild(QObject, receiver).setMRMLScene)
        return top


def _subclasses(cls: type):
    yield cls
    for below in cls.__subclasses__():
        yield from _subclasses(below)


def _as_attribute(name: str, setter: str):
    def write(self, value):
        if hasattr(self, setter):
            getattr(self, setter)(value)
        else:
            self.setProperty(name, value)

    return property(lambda self: QObject.property(self, name), write)


def _set_attribute(self, name, value):
    """As PySide6 sets them, but those that Qt does not have only on classes written in Python.

    It has to be given to each class: PySide6's have a function of their own for this, and none of them can be called from here.
    """
    attribute = inspect.getattr_static(type(self), name, None)
    if isinstance(attribute, Property):
        attribute.fset(self, value)
    elif hasattr(type(attribute), "__set__"):
        attribute.__set__(self, value)
    elif attribute is None and type(self).__module__.startswith("PySide6"):
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")
    else:
        vars(self)[name] = value


def _properties_as_attributes() -> None:
    for cls in _subclasses(QObject):
        if not hasattr(cls, "staticMetaObject"):
            continue
        meta = cls.staticMetaObject
        for index in range(meta.propertyOffset(), meta.propertyCount()):
            name = meta.property(index).name()
            if name in ("sizeHint", "minimumSizeHint"):  # virtual: Qt would take the attribute for an override of itself
                continue
            setattr(cls, name, _as_attribute(name, f"set{name[0].upper()}{name[1:]}"))
    QObject.name = QObject.objectName
    QObject.className = lambda self: self.metaObject().className()


def _without_keywords(cls: type) -> None:
    """PySide6's constructors take properties and signals by keyword."""
    construct = cls.__init__

    def __init__(self, *values, **keywords):
        if keywords:
            raise TypeError(f"{cls.__name__}() takes no keyword arguments, but got {', '.join(keywords)}")
        construct(self, *values)

    cls.__init__ = __init__


_properties_as_attributes()
for _cls in {_cls for _name, _cls in globals().items() if _name[:1] == "Q" and type(_cls) is type(QObject)}:
    _without_keywords(_cls)
    if issubclass(_cls, QObject):
        _cls.__setattr__ = _set_attribute
