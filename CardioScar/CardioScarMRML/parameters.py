"""What a person chooses in the panel, saved with the scene."""

from typing import Annotated

from slicer import vtkMRMLModelNode, vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper

from CardioScarLib.settings import MODELS, PRESETS, ModelSettings


@parameterNodeWrapper
class CardioScarParameterNode:
    """
    lgeVolume - The stack of slices.
    lvModel - The LV wall; results are written onto it.
    model - How the field between the slices is found.
    preset - How much time it may take.
    """

    lgeVolume: vtkMRMLScalarVolumeNode
    lvModel: vtkMRMLModelNode
    model: Annotated[str, Choice(MODELS)] = ModelSettings().model
    preset: Annotated[str, Choice(PRESETS)] = ModelSettings().preset
