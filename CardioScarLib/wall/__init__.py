"""The LV wall from label maps, contours or surfaces: curves -> level sets -> tetrahedra."""

from CardioScarLib.wall.build import LVWall, build_wall
from CardioScarLib.wall.contours import SliceContours, shape_from_contours
from CardioScarLib.wall.from_surfaces import shape_from_surfaces
from CardioScarLib.wall.labels import LABEL_ORDERS, label_names
from CardioScarLib.wall.shape import WallShape
from CardioScarLib.wall.tracing import shape_from_labels

__all__ = [
    "LABEL_ORDERS",
    "LVWall",
    "SliceContours",
    "WallShape",
    "build_wall",
    "label_names",
    "shape_from_contours",
    "shape_from_labels",
    "shape_from_surfaces",
]
