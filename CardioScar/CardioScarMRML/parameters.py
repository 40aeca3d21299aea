"""What a person chooses in the panel, saved with the scene, and what it means for a run."""

from typing import Annotated

from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLModelNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import (
    DEVICES,
    EVIDENCE_METHODS,
    LGE_TYPES,
    MODELS,
    PIXEL_SUPPORTS,
    PRESETS,
    RECIPES,
    SLICE_PROFILES,
    EvidenceSettings,
    ModelSettings,
    NetworkSettings,
    OperatorSettings,
    ReconstructionSettings,
    WallSettings,
)

SLICE_SELECTIONS = ("all", "range", "list")
PLACEMENTS = ("replace", "keep", "copy")
ALIGNMENT_SOURCES = ("none", "segmentation", "labelmap", "image")
DISPLAYS = ("probability", "uncertainty", "binary")
LAST_SLICE = 9999


@parameterNodeWrapper
class CardioScarParameterNode:
    """
    lgeVolume - The stack of slices.
    lvModel - The LV wall.
    resultModel - What the last run wrote its map onto: the LV model, or a copy of it.
    scarSegmentation, scarSegmentID - Where the scar is drawn on the slices; without a segmentation, intensities tell.
    wallSegmentation, wallMyocardiumID, wallCavityID - What an LV wall is made from; an empty ID is found by its name.
    wallBaseIsSet, wallBaseAt - Whether it ends so many mm above the last complete contour, or where it is found to end.
    alignmentSource, alignmentSegmentation, alignmentSegmentID, alignmentLabelMap - What shows the myocardium on the slices.
    shifts, useShifts - Shifts of slices that were found (JSON, see `CardioScarMRML.shifts`), and whether they are used.
    sliceThickness - In mm; 0 takes what the volume tells.
    sliceSelection - "all", "range" (from sliceRangeMinimum to sliceRangeMaximum), or "list" (sliceList, as in "2,5,8").
    nSd - Threshold of the evidence method "nsd".
    placement - "replace" earlier scar arrays of the model, "keep" them under the suffix, or write onto a "copy" of the model.
    display, binaryThreshold - How the result is shown.
    All others are the fields of `CardioScarLib.core.settings` with the same name.
    """

    lgeVolume: vtkMRMLScalarVolumeNode
    lvModel: vtkMRMLModelNode
    resultModel: vtkMRMLModelNode
    scarSegmentation: vtkMRMLSegmentationNode
    scarSegmentID: str = ""
    wallSegmentation: vtkMRMLSegmentationNode
    wallMyocardiumID: str = ""
    wallCavityID: str = ""
    wallBaseIsSet: bool = False
    wallBaseAt: Annotated[float, WithinRange(-100.0, 50.0)] = 0.0
    alignmentSource: Annotated[str, Choice(ALIGNMENT_SOURCES)] = "none"
    alignmentSegmentation: vtkMRMLSegmentationNode
    alignmentSegmentID: str = ""
    alignmentLabelMap: vtkMRMLLabelMapVolumeNode
    shifts: str = ""
    useShifts: bool = False
    sliceThickness: Annotated[float, WithinRange(0.0, 50.0)] = 0.0
    sliceSelection: Annotated[str, Choice(SLICE_SELECTIONS)] = "all"
    sliceRangeMinimum: Annotated[int, WithinRange(0, LAST_SLICE)] = 0
    sliceRangeMaximum: Annotated[int, WithinRange(0, LAST_SLICE)] = LAST_SLICE
    sliceList: str = ""
    evidenceMethod: Annotated[str, Choice(EVIDENCE_METHODS)] = EvidenceSettings().method
    nSd: Annotated[float, WithinRange(1.0, 10.0)] = EvidenceSettings().n_sd
    lgeType: Annotated[str, Choice(LGE_TYPES)] = EvidenceSettings().lge_type
    pixelSupport: Annotated[str, Choice(PIXEL_SUPPORTS)] = OperatorSettings().pixel_support
    sliceProfile: Annotated[str, Choice(SLICE_PROFILES)] = OperatorSettings().slice_profile
    model: Annotated[str, Choice(MODELS)] = ModelSettings().model
    preset: Annotated[str, Choice(PRESETS)] = ModelSettings().preset
    device: Annotated[str, Choice(DEVICES)] = NetworkSettings().device
    recipe: Annotated[str, Choice(RECIPES)] = NetworkSettings().recipe
    samples: Annotated[int, WithinRange(2, 1000)] = ModelSettings().samples
    seed: Annotated[int, WithinRange(0, 999_999)] = ModelSettings().seed
    placement: Annotated[str, Choice(PLACEMENTS)] = "replace"
    suffix: str = "_earlier"
    display: Annotated[str, Choice(DISPLAYS)] = "probability"
    binaryThreshold: Annotated[float, WithinRange(0.01, 0.99)] = 0.5


def settingsFrom(parameters: CardioScarParameterNode) -> ReconstructionSettings:
    """The settings of a run. The threshold is always given, so that the panel can show the map as scar and no scar."""
    return ReconstructionSettings(
        OperatorSettings(parameters.pixelSupport, parameters.sliceProfile),
        EvidenceSettings(parameters.evidenceMethod, parameters.lgeType, parameters.nSd),
        ModelSettings(
            parameters.model,
            parameters.preset,
            parameters.samples,
            parameters.seed,
            NetworkSettings(recipe=parameters.recipe, device=parameters.device),
        ),
        threshold=parameters.binaryThreshold,
    )


def wallSettingsFrom(parameters: CardioScarParameterNode) -> WallSettings:
    """The settings of a wall that is made from a segmentation."""
    return WallSettings(base_at=parameters.wallBaseAt if parameters.wallBaseIsSet else None)


def sliceIndices(parameters: CardioScarParameterNode) -> "list[int] | None":
    """Numbers along k of the slices to use; None takes all.

    :raises BadSettings: none is left, or the list cannot be read.
    """
    if parameters.lgeVolume is None or parameters.lgeVolume.GetImageData() is None:
        return None
    last = parameters.lgeVolume.GetImageData().GetDimensions()[2] - 1
    if parameters.sliceSelection == "range":
        chosen = list(range(parameters.sliceRangeMinimum, min(parameters.sliceRangeMaximum, last) + 1))
    elif parameters.sliceSelection == "list":
        try:
            listed = {int(number) for number in parameters.sliceList.split(",") if number.strip()}
        except ValueError:
            raise BadSettings(f"The list of slices is '{parameters.sliceList}'; it has to be numbers such as 2,5,8.") from None
        chosen = sorted(number for number in listed if 0 <= number <= last)
    else:
        return None
    if not chosen:
        raise BadSettings("No slice is chosen; choose at least one.")
    return chosen
