"""What touches MRML nodes: reading them, writing results onto them, showing the results.

Nodes are in RAS mm, the library in LPS mm; they meet in `reading` and `phantoms` and nowhere else.
"""

from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.display import setThreshold, showBinary, showScarProbability, showUncertainty
from CardioScarMRML.phantoms import addPhantomNodes
from CardioScarMRML.reading import stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.writing import writeReconstruction

__all__ = [
    "CardioScarCase",
    "addPhantomNodes",
    "setThreshold",
    "showBinary",
    "showScarProbability",
    "showUncertainty",
    "stackFromVolumeNode",
    "wallFromModelNode",
    "writeReconstruction",
]
