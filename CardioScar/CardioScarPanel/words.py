"""Plain words for the choices of the panel and for the stages of a run."""

from __future__ import annotations

import qt
from CardioScarMRML.choices import DESCRIBED, USE, describedChoices
from slicer.i18n import tr as _
from slicer.i18n import translate


def nameChoices(ui, described=DESCRIBED) -> None:
    """Give bound widgets the tooltips of their choices, and the items of combo boxes words; their keys become the items' data.

    To be called after the parameter node was connected, which fills the boxes with keys.

    :param described: as `CardioScarMRML.choices.DESCRIBED`.
    """
    words = {name: (context, one.description) for name, context, one in describedChoices(described)}
    for widget in vars(ui).values():
        name = widget.property("SlicerParameterName")
        pack, dot, last = (name or "").rpartition(".")
        named = name if name in words else f"{pack}{dot}{last.removeprefix(USE)}"
        if named not in words:
            continue
        context, description = words[named]
        if name == named or not widget.toolTip:  # a switch says in the form what happens without it, or nothing of its own
            widget.toolTip = translate(context, description.help)
        if type(widget) == qt.QComboBox:  # noqa: E721 - as PythonQt wants it
            for index, (key, (label, help)) in enumerate(description.options.items()):
                widget.setItemText(index, translate(context, label))
                widget.setItemData(index, key)
                widget.setItemData(index, translate(context, help), qt.Qt.ToolTipRole)


def stageInWords(stage: str) -> str:
    """What a run is doing; stages without words of ours are shown as they are."""
    return {
        "start": _("Starting"),
        "geometry": _("Finding the pixels in the myocardium"),
        "evidence": _("Reading the scar on the slices"),
        "fit": _("Fitting the scar between the slices"),
        "map": _("Computing the map on the model"),
        "weights": _("Reading the network"),
        "heart": _("Finding the heart"),
        "segmentation": _("Segmenting the slices"),
        "wall": _("Finding the LV wall on the SPECT volume"),
        "registration": _("Bringing the LV model to the SPECT volume"),
        "gates": _("Measuring the cavity in each gate"),
        "intervals": _("Measuring perfusion again and again"),
        "shape": _("Finding the outlines of the myocardium"),
        "mesh": _("Filling the LV wall with tetrahedra"),
        "shifts": _("Comparing the slices with the LV model"),
        "audit": _("Predicting each slice from the others"),
        "next slice": _("Evaluating planes for a further slice"),
        "coordinates": _("Computing the wall coordinates"),
        "quality": _("Checking the quality of the mesh"),
        "numbers": _("Computing the numbers of the map"),
        "signal": _("Fitting the signal intensity between the slices"),
        "report": _("Drawing the report"),
        "write": _("Storing the result"),
    }.get(stage, stage)


def durationInWords(seconds: float) -> str:
    """As in 0:07 or 1:02:03."""
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
