"""Stand-in for slicer.parameterNodeWrapper: the types and widgets that the panel uses, stored as Slicer stores them.

Types: MRML nodes (None allowed), bool, int, float, str, and packs of them; annotations Choice and WithinRange. Anything else is
refused.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass

import ctk
import slicer
import vtk
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox

__all__ = ["Choice", "WithinRange", "isParameterPack", "nestedParameterNames", "parameterNodeWrapper", "parameterPack"]


class Choice:
    def __init__(self, choices):
        self.choices = choices

    def validate(self, value) -> None:
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


class WithinRange:
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass
class Default:
    value: typing.Any


@dataclass
class ParameterInfo:
    """What `allParameters` tells; Slicer's has a serializer, too."""

    basename: str
    default: Default
    unalteredType: typing.Any


class _Parameter:
    """A value of the parameter node."""

    def __init__(self, name: str, annotation, default):
        self.name = name
        self.validators = [extra for extra in getattr(annotation, "__metadata__", ())]
        self.type = getattr(annotation, "__origin__", annotation)
        self.is_node = isinstance(self.type, type) and issubclass(self.type, slicer.vtkMRMLNode)
        if not self.is_node and self.type not in (bool, int, float, str):
            raise TypeError(f"The stand-in of parameterNodeWrapper does not know {self.type} ({name}).")
        if any(not hasattr(validator, "validate") for validator in self.validators):
            raise TypeError(f"The stand-in of parameterNodeWrapper does not know the annotations of {name}.")
        self.default = default if default is not None or self.is_node else self.type()
        if not self.is_node:
            self.check(self.default)

    def is_in(self, node) -> bool:
        return node.HasParameter(self.name)

    def read(self, node):
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        return text == "True" if self.type is bool else self.type(text)

    def check(self, value) -> None:
        if not isinstance(value, (int, float) if self.type is float else self.type):
            raise TypeError(f"Value must be of type '{self.type}', is type '{type(value)}'")
        for validator in self.validators:
            validator.validate(value)

    def write(self, node, value) -> None:
        if self.is_node:
            if value is not None and not isinstance(value, self.type):
                raise TypeError(f"Value must be of type '{self.type}', is type '{type(value)}'")
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, None if value is None else value.GetID())
            return
        self.check(value)
        node.SetParameter(self.name, str(value))


class _Pack:
    """Several values of the parameter node, or packs of them, under one name."""

    def __init__(self, name: str, kind: type):
        self.name, self.kind, self.is_node = name, kind, False
        self.parts = {part: _made(f"{name}.{part}", info.unalteredType, info.default) for part, info in kind.allParameters.items()}

    def is_in(self, node) -> bool:
        """As Slicer's: where the first value is, the others are taken to be, too."""
        return next(iter(self.parts.values())).is_in(node)

    @property
    def default(self):
        return self.kind()

    def read(self, node):
        for part in self.parts.values():
            value = part.read(node)
            if isinstance(part, _Parameter):
                part.check(value)
        return _ObservedPack(self, node)

    def write(self, node, value) -> None:
        with slicer.util.NodeModify(node):
            for name, part in self.parts.items():
                part.write(node, getattr(value, name))


class _ObservedPack:
    """What reading a pack gives: what is set on it is written to the parameter node."""

    def __init__(self, pack: _Pack, node):
        vars(self).update(_pack=pack, _node=node)

    def __getattr__(self, name: str):
        if name.startswith("_") or name not in self._pack.parts:
            raise AttributeError(f"'{self._pack.kind.__name__}' has no attribute '{name}'")
        return self._pack.parts[name].read(self._node)

    def __setattr__(self, name: str, value) -> None:
        if name not in self._pack.parts:
            raise AttributeError(f"'{self._pack.kind.__name__}' has no attribute '{name}' and attributes cannot be added")
        self._pack.parts[name].write(self._node, value)

    @property
    def allParameters(self):
        return self._pack.kind.allParameters

    def getValue(self, name: str):
        top, _, below = name.partition(".")
        _check_top(self._pack.kind, top)
        value = getattr(self, top)
        return value.getValue(below) if below else value

    def setValue(self, name: str, value) -> None:
        top, _, below = name.partition(".")
        _check_top(self._pack.kind, top)
        if below:
            getattr(self, top).setValue(below, value)
        else:
            setattr(self, top, value)

    def dataType(self, name: str):
        return self._pack.kind.dataType(name)


def _check_top(kind: type, name: str) -> None:
    if name not in kind.allParameters:
        raise ValueError(f"{kind} has no member '{name}'")


def _made(name: str, annotation, default):
    kind = getattr(annotation, "__origin__", annotation)
    return _Pack(name, kind) if isParameterPack(kind) else _Parameter(name, annotation, default)


def isParameterPack(obj) -> bool:
    return getattr(obj, "_is_parameterPack", False)


def nestedParameterNames(kind) -> list[str]:
    names = []
    for name, info in kind.allParameters.items():
        inner = getattr(info.unalteredType, "__origin__", info.unalteredType)
        names += [f"{name}.{below}" for below in nestedParameterNames(inner)] if isParameterPack(inner) else [name]
    return names


def parameterPack(cls):
    hints = typing.get_type_hints(cls, include_extras=True)
    if not hints:
        raise ValueError("Unable to find any members in parameterPack")
    for reserved in ("allParameters", "_is_parameterPack", "getValue", "setValue", "dataType"):
        if hasattr(cls, reserved):
            raise ValueError(f"Cannot use reserved name '{reserved}' in a parameterPack")
    defaults = {}
    for name, annotation in hints.items():
        made = _made(name, annotation, getattr(cls, name, None))
        defaults[name] = made.default
        if hasattr(cls, name):
            delattr(cls, name)
    cls.allParameters = {name: ParameterInfo(name, defaults[name], hints[name]) for name in hints}  # the bare default, as Slicer's packs
    cls._is_parameterPack = True

    def construct(self, **values):
        unknown = set(values) - set(hints)
        if unknown:
            raise TypeError(f"__init__() got an unexpected keyword argument '{unknown.pop()}'")
        for name, annotation in hints.items():
            value = values.get(name, defaults[name])
            made = _made(name, annotation, defaults[name])
            if isinstance(made, _Parameter):
                made.check(value)
            setattr(self, name, value)

    def data_type(name: str):
        top, _, below = name.partition(".")
        _check_top(cls, top)
        annotation = hints[top]
        return getattr(annotation, "__origin__", annotation).dataType(below) if below else annotation

    cls.__init__, cls.dataType = construct, staticmethod(data_type)
    return cls


class _Connector:
    """One widget bound to one parameter; exact widget types, as in Slicer."""

    def __init__(self, widget, parameter: _Parameter):
        self.widget, self.kind = widget, type(widget)
        if isinstance(parameter, _Pack):
            raise RuntimeError(f"Unable to create GUI connector from a pack ({parameter.name}) to {self.kind}")
        self.choices = next((extra.choices for extra in parameter.validators if isinstance(extra, Choice)), None)
        if parameter.is_node and self.kind is slicer.qMRMLNodeComboBox:
            self.signal = widget.currentNodeChanged
            widget.nodeTypes = [parameter.type.__name__]
        elif self.kind is QCheckBox and parameter.type is bool:
            self.signal = widget.stateChanged
        elif (self.kind, parameter.type) in ((QSpinBox, int), (QDoubleSpinBox, float), (ctk.ctkSliderWidget, float)):
            self.signal = widget.valueChanged
            if not parameter.validators:  # Slicer then takes the limits away that were set in the .ui file, and refuses sliders
                raise RuntimeError(f"{parameter.name} is shown as a number and has no limits.")
            for limits in parameter.validators:
                widget.minimum, widget.maximum = limits.minimum, limits.maximum
        elif self.kind is QLineEdit and parameter.type is str:
            self.signal = widget.textChanged
        elif self.kind is QComboBox and self.choices is not None:
            self.signal = widget.currentIndexChanged
            widget.clear()
            for choice in self.choices:
                widget.addItem(str(choice))
        else:
            raise RuntimeError(f"Unable to create GUI connector from {parameter.type} ({parameter.name}) to {self.kind}")

    def read(self):
        if self.kind is slicer.qMRMLNodeComboBox:
            return self.widget.currentNode()
        if self.kind is QComboBox:
            return self.choices[self.widget.currentIndex]
        return getattr(self.widget, {QCheckBox: "checked", QLineEdit: "text"}.get(self.kind, "value"))

    def write(self, value) -> None:
        if self.kind is slicer.qMRMLNodeComboBox:
            self.widget.setCurrentNode(value)
        elif self.kind is QComboBox:
            self.widget.currentIndex = list(self.choices).index(value)
        else:
            setattr(self.widget, {QCheckBox: "checked", QLineEdit: "text"}.get(self.kind, "value"), value)


def _initialize(self, parameterNode):
    self.parameterNode = parameterNode
    self._bindings = {}
    self._updating = False
    for parameter in self._parameters.values():
        if not parameter.is_in(parameterNode):
            parameter.write(parameterNode, parameter.default)
        parameter.read(parameterNode)  # what cannot be read is an error now


def _connect_gui(self, gui) -> int:
    """Returns what `disconnectGui` takes, as since Slicer 5.10."""
    named = {widget.property("SlicerParameterName"): widget for widget in gui.__dict__.values()}
    return _connect_parameters_to_gui(self, {name: widget for name, widget in named.items() if name})


def _connect_parameters_to_gui(self, widgets) -> int:
    bound = []
    for name, widget in widgets.items():
        parameter = _found(self, name)
        connector = _Connector(widget, parameter)
        connector.write(parameter.read(self.parameterNode))

        def to_node(*_, parameter=parameter, connector=connector):
            if not self._updating:
                parameter.write(self.parameterNode, connector.read())

        connector.signal.connect(to_node)
        bound.append((parameter, connector, to_node))

    def to_gui(caller, event):
        if self._updating:
            return
        self._updating = True
        for parameter, connector, _ in bound:
            connector.write(parameter.read(self.parameterNode))
        self._updating = False

    tag = len(self._bindings)
    self._bindings[tag] = (bound, self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, to_gui))
    return tag


def _disconnect_gui(self, tag) -> None:
    bound, observer = self._bindings.pop(tag, ((), None))
    for _, connector, to_node in bound:
        connector.signal.disconnect(to_node)
    if observer is not None:
        self.parameterNode.RemoveObserver(observer)


def _found(wrapper, name: str):
    """The parameter of this name, which may lie in packs."""
    top, *below = name.split(".")
    if top not in wrapper._parameters:
        raise ValueError(f"Cannot find a param with the given name: {top}")
    parameter = wrapper._parameters[top]
    for part in below:
        if not isinstance(parameter, _Pack):
            raise ValueError(f"{parameter.type} is not a parameter pack but expects to have '{part}'")
        _check_top(parameter.kind, part)
        parameter = parameter.parts[part]
    return parameter


def _data_type(wrapper, name: str):
    _found(wrapper, name)
    top, _, below = name.partition(".")
    annotation = wrapper.allParameters[top].unalteredType
    return getattr(annotation, "__origin__", annotation).dataType(below) if below else annotation


def parameterNodeWrapper(cls):
    hints = typing.get_type_hints(cls, include_extras=True)
    cls._parameters = {name: _made(name, annotation, getattr(cls, name, None)) for name, annotation in hints.items()}
    cls.allParameters = {name: ParameterInfo(name, Default(one.default), hints[name]) for name, one in cls._parameters.items()}
    for name, parameter in cls._parameters.items():
        read = lambda self, parameter=parameter: parameter.read(self.parameterNode)  # noqa: E731
        write = lambda self, value, parameter=parameter: parameter.write(self.parameterNode, value)  # noqa: E731
        setattr(cls, name, property(read, write))
    cls.__init__ = _initialize
    cls.connectGui, cls.connectParametersToGui, cls.disconnectGui = _connect_gui, _connect_parameters_to_gui, _disconnect_gui
    cls.getValue = lambda self, name: _found(cls, name).read(self.parameterNode)
    cls.setValue = lambda self, name, value: _found(cls, name).write(self.parameterNode, value)
    cls.dataType = staticmethod(lambda name: _data_type(cls, name))
    cls.StartModify = lambda self: self.parameterNode.StartModify()
    cls.EndModify = lambda self, wasModified: self.parameterNode.EndModify(wasModified)
    cls.AddObserver = lambda self, event, callback, priority=0.0: self.parameterNode.AddObserver(event, callback, priority)
    cls.RemoveObserver = lambda self, tag: self.parameterNode.RemoveObserver(tag)
    return cls
