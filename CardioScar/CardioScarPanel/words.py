"""Plain words for the choices of the panel and for the stages of a run."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _


def nameChoices(ui) -> None:
    """Replace the keys in the combo boxes by words, each with a tooltip; the keys become the items' data.

    To be called after the parameter node was connected, which fills the boxes with keys.
    """
    for name, words in _choices().items():
        comboBox = getattr(ui, name)
        for index in range(comboBox.count):
            key = comboBox.itemText(index)
            label, toolTip = words[key]
            comboBox.setItemText(index, label)
            comboBox.setItemData(index, key)
            comboBox.setItemData(index, toolTip, qt.Qt.ToolTipRole)


def stageInWords(stage: str) -> str:
    """What a run is doing; stages without words of ours are shown as they are."""
    return {
        "start": _("Starting"),
        "geometry": _("Finding the pixels in the wall"),
        "evidence": _("Reading the scar on the slices"),
        "fit": _("Fitting the scar between the slices"),
        "map": _("Computing the map on the model"),
        "shape": _("Finding the outline of the wall"),
        "mesh": _("Filling the wall with tetrahedra"),
        "shifts": _("Comparing the slices with the wall"),
        "audit": _("Predicting each slice from the others"),
        "next slice": _("Trying planes for a next slice"),
        "coordinates": _("Finding depth, height and angle in the wall"),
        "quality": _("Checking the cells of the wall"),
        "write": _("Storing the result"),
    }.get(stage, stage)


def durationInWords(seconds: float) -> str:
    """As in 0:07 or 1:02:03."""
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _choices() -> dict[str, dict[str, tuple[str, str]]]:
    """By combo box and key: (label, tooltip)."""
    return {
        "sliceSelectionComboBox": {
            "all": (_("All"), _("Every slice of the volume is used.")),
            "range": (_("A range"), _("The slices between two numbers are used, these two included.")),
            "list": (_("Those checked below"), _("The slices with a check mark in the table are used.")),
        },
        "alignmentSourceComboBox": {
            "none": (_("Nothing"), _("The slices are taken to lie where the volume says.")),
            "segmentation": (_("A segmentation"), _("A segment of the myocardium, drawn on the LGE volume.")),
            "labelmap": (_("A label map"), _("A label map of the myocardium, drawn on the LGE volume.")),
            "image": (_("The image itself"), _("The borders of the myocardium as they are seen in the LGE volume.")),
        },
        "evidenceMethodComboBox": {
            "auto": (_("Found by itself"), _("Looks at the image: a label map, values between 0 and 1, or intensities that are weighted.")),
            "values": (_("Values between 0 and 1"), _("The pixels hold the fraction of scar already.")),
            "labels": (_("Label map"), _("The pixels hold labels, one of which means scar.")),
            "weighted": (_("Weighted intensity"), _("A pixel counts by its brightness from remote to scar; partial volumes are kept.")),
            "nsd": (_("Standard deviations above remote"), _("A pixel is scar if it is so many SD brighter than remote myocardium.")),
            "fwhm": (_("Half of the maximum (FWHM)"), _("A pixel is scar if it is brighter than half of the brightest scar.")),
            "otsu": (_("Otsu's threshold"), _("The threshold that splits the intensities in the wall best into two groups.")),
            "gmm": (_("Two-component mixture"), _("The probability of the brighter of two groups of intensities.")),
        },
        "modelComboBox": {
            "field": (_("Field (recommended)"), _("A small network of position, fitted to what each pixel averages; with uncertainty.")),
            "network": (_("Neural network with dropout"), _("The network of Sen et al. 2025; needs PyTorch, faster with a GPU.")),
            "nearest": (_("Nearest slice"), _("Each point takes the value of the nearest slice; to compare with. Without uncertainty.")),
            "linear": (_("Linear between slices"), _("Linear interpolation of neighboring slices; to compare with. Without uncertainty.")),
            "logodds": (_("Log-odds between slices"), _("Interpolation of the scar's outline; to compare with. Without uncertainty.")),
        },
        "presetComboBox": {
            "preview": (_("Preview"), _("A first look, in about a second.")),
            "standard": (_("Standard"), _("Takes several seconds.")),
            "fine": (_("Fine"), _("Takes longer; for small scars and narrow channels.")),
        },
        "deviceComboBox": {
            "auto": (_("Auto"), _("A GPU where there is one that PyTorch can use, else the CPU.")),
            "cpu": (_("CPU"), _("Only the CPU.")),
            "cuda": (_("GPU"), _("Only the GPU; the run stops with a message if there is none.")),
        },
        "lgeTypeComboBox": {
            "auto": (_("Found by itself"), _("Decided by looking at the intensities.")),
            "magnitude": (_("Magnitude"), _("Intensities without a sign: nulled signal is 0.")),
            "psir": (_("Phase-sensitive (PSIR)"), _("Intensities with a sign or an offset: nulled signal is not 0.")),
        },
        "pixelSupportComboBox": {
            "wall": (_("The wall inside it"), _("A pixel at the border of the wall shows the part of it that is wall.")),
            "prism": (_("All of it"), _("A pixel at the border of the wall is darkened by what is not wall.")),
        },
        "sliceProfileComboBox": {
            "box": (_("Even"), _("A slice sees its whole thickness alike.")),
            "gaussian": (_("Gaussian"), _("A slice sees its middle best; the thickness is its full width at half maximum.")),
        },
        "recipeComboBox": {
            "modern": (_("Modern"), _("More accurate in less time.")),
            "original": (_("As in the original"), _("As Sen et al. 2025 train it.")),
        },
        "placementComboBox": {
            "replace": (_("On the LV model"), _("The LV model gets the scar arrays; those of an earlier run are replaced.")),
            "keep": (_("On the LV model, keeping earlier maps"), _("The scar arrays of an earlier run stay under names with a suffix.")),
            "copy": (_("On a copy of the LV model"), _("A new model beside it gets the scar arrays; the LV model stays as it is.")),
        },
    }
