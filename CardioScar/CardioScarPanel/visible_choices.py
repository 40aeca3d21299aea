"""Which controls have a meaning with the present choices; the others are hidden or disabled."""

from __future__ import annotations


def showWhatMatters(ui, parameters) -> None:
    """parameters: the parameter node."""
    fromIntensities, isNetwork = parameters.scarSegmentation is None, parameters.model.model == "network"
    for shown, widgets in (
        (not fromIntensities, (ui.scarSegmentComboBox,)),
        (fromIntensities and parameters.evidence.method == "nsd", (ui.evidenceThresholdLabel, ui.evidenceThresholdSlider)),
        (parameters.sliceSelection == "range", (ui.sliceRangeFrame,)),
        (parameters.model.model == "field", (ui.presetLabel, ui.presetComboBox)),
        (isNetwork or parameters.model.model == "field", (ui.deviceTitleLabel, ui.deviceFrame)),
        (isNetwork, (ui.recipeLabel, ui.recipeComboBox)),
        (parameters.placement == "keep", (ui.suffixLabel, ui.suffixLineEdit)),
        (parameters.alignmentSource == "segmentation", (ui.alignmentSegmentationLabel, ui.alignmentSegmentationFrame)),
        (parameters.alignmentSource == "labelmap", (ui.alignmentLabelMapLabel, ui.alignmentLabelMapSelector)),
    ):
        for widget in widgets:
            widget.visible = shown
    for one in (ui.evidenceMethodComboBox, ui.lgeTypeComboBox, ui.biasFieldComboBox, ui.remoteRegionSelector):
        one.enabled = fromIntensities
    ui.samplesSpinBox.enabled = parameters.model.model in ("field", "network")
