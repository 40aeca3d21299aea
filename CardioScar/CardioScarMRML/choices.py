"""What a person can choose in the panel beside the settings of the library, and which settings the panel has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from CardioScarLib.core.choices import Choice, Settings, choice, choices_of
from CardioScarLib.core.perfusion_settings import PerfusionSettings
from CardioScarLib.core.settings import AdviceSettings, AlignmentSettings, QuantifySettings, ReconstructionSettings, WallSettings

LAST_SLICE = 9999
PLAIN_THRESHOLD = 0.5
"""The panel can always show a map as scar and no scar, so the threshold of a run is always given."""
USE = "use_"
"""Begins the name of the parameter that says whether a choice that may be left open is made."""


def _(text: str) -> str:
    """Marks words for translation: the panel shows them in the user's language."""
    return text


@dataclass(frozen=True)
class PanelChoices(Settings):
    """Choices that have a meaning in Slicer only: which slices, and where results go and how they are shown."""

    sliceThickness: float = choice(
        0.0,
        _("Slice thickness"),
        _(
            "Thickness of a slice, which is not the distance to the next slice. Unless set here, it is taken from the DICOM headers "
            "of the volume, where they are available."
        ),
        limits=(0.0, 50.0),
        unit="mm",
    )
    sliceSelection: str = choice(
        "all",
        _("Slices"),
        _("Which slices are used."),
        options={
            "all": (_("All"), _("Use every slice of the volume.")),
            "range": (_("Range"), _("Use the slices between two numbers, both included.")),
            "list": (_("Checked below"), _("Use the slices with a check mark in the table.")),
        },
    )
    sliceRangeMinimum: int = choice(0, _("First slice"), _("Number of the first slice to use, counted from 0."), limits=(0, LAST_SLICE))
    sliceRangeMaximum: int = choice(LAST_SLICE, _("Last slice"), _("Number of the last slice to use."), limits=(0, LAST_SLICE))
    sliceList: str = choice("", _("Checked slices"), _("Numbers of the slices to use, as in 2,5,8."))
    alignmentSource: str = choice(
        "none",
        _("Myocardium from"),
        _("What shows the myocardium on each slice, for comparison with the LV model. The scar alone is never used."),
        options={
            "none": (_("Nothing"), _("The slices are assumed to lie where the volume says.")),
            "segmentation": (_("Segmentation"), _("A segment of the myocardium, drawn on the LGE volume.")),
            "labelmap": (_("Label map"), _("A label map of the myocardium, drawn on the LGE volume.")),
            "image": (_("LGE image"), _("The borders of the myocardium as they appear in the LGE volume.")),
        },
    )
    useShifts: bool = choice(
        False,
        _("Use these shifts"),
        _("Move each slice by its shift in the next map, audit or advice. The volume itself is not moved."),
    )
    placement: str = choice(
        "replace",
        _("Scar map"),
        _("Where the result goes. The model's own arrays and its geometry never change."),
        options={
            "replace": (_("On the LV model"), _("The LV model gets the scar arrays; those of a previous run are replaced.")),
            "keep": (_("On the LV model, keep previous maps"), _("The scar arrays of a previous run are kept under names with a suffix.")),
            "copy": (_("On a copy of the LV model"), _("A new model gets the scar arrays; the LV model does not change.")),
        },
    )
    suffix: str = choice(
        "_earlier",
        _("Suffix for previous maps"),
        _("Appended to the names of the previous scar arrays, as in scar_probability_earlier; numbered if that name is taken."),
    )
    showResult: bool = choice(
        True,
        _("Show the result"),
        _("Color the model by its new map and turn the 3D views to the scar. Otherwise the map is written and the views stay."),
    )
    spectWall: str = choice(
        "network",
        _("Wall"),
        _("Along which wall perfusion is measured."),
        options={
            "network": (_("Found by the network"), _("The wall that a network finds on the SPECT volume.")),
            "model": (_("LV model"), _("The LV model, moved onto the SPECT volume as a rigid body, with a check.")),
        },
    )
    outputFolder: str = choice(
        "",
        _("Folder"),
        _("Where reports and exports go, each into a new folder of its own. If empty, the folder in which Slicer saves scenes is used."),
    )
    exportKind: str = choice(
        "mesh",
        _("Export as"),
        _("The format in which the map is exported."),
        options={
            "mesh": (_("Mesh (VTK)"), _("The model with all its arrays, as .vtu in LPS mm.")),
            "opencarp": (_("openCARP mesh"), _("Points in micrometers and elements with the tags 1 healthy, 2 border zone and 3 core.")),
            "nrrd": (_("Volumes (NRRD)"), _("Probability, uncertainty and labels on the pixels of the slices.")),
            "nifti": (_("Volumes (NIfTI)"), _("Probability, uncertainty and labels on the pixels of the slices.")),
            "dicom": (
                _("DICOM"),
                _("Parametric Maps, Segmentations and a structured report on the slices, with pseudonyms; needs highdicom."),
            ),
        },
    )
    display: str = choice(
        "probability", _("Show"), _("How the result is shown."), options=("probability", "uncertainty", "binary", "channels")
    )


DESCRIBED: tuple[tuple[type, str], ...] = (
    (PanelChoices, ""),
    (ReconstructionSettings, ""),
    (WallSettings, "wall"),
    (AlignmentSettings, "alignment"),
    (AdviceSettings, "advice"),
    (QuantifySettings, "numbers"),
    (PerfusionSettings, "perfusion"),
)
"""Which choices the parameter node keeps: dataclasses of choices, and the parameter pack that holds them, if it is not the node."""


def describedChoices(described: tuple[tuple[type, str], ...] = DESCRIBED) -> Iterator[tuple[str, str, Choice]]:
    """All choices: name of the parameter, with dots as Slicer's parameter packs want them; context of its words for translators."""
    for kind, pack in described:
        context = ".".join(kind.__module__.split(".")[-2:])  # as lupdate calls the file with the words
        for one in choices_of(kind):
            yield ".".join((pack, *one.path) if pack else one.path), context, one
