"""Where the nodes of a wall are: depth, level, and angle from the insertions of the right ventricle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadSettings, BadWall, OtherCase
from CardioScarLib.core.wall import Wall
from CardioScarLib.wall.coordinates import FARTHEST_ZERO, WallCoordinates, contact_angles, wall_axis

SEPTUM, TURN = 120.0, 360.0
"""Degrees that the septum has of the turn in the AHA's scheme."""
LEAST_SEPTUM, MOST_SEPTUM = 60.0, 200.0
"""Degrees around the wall from the anterior to the inferior insertion; anything else is two points in the wrong order."""
OUTER = 0.01
"""Transmural coordinate from the epicardium up to which a node lies on it."""
NAMES = ("transmural", "apicobasal", "circumferential", "thickness")
SAME_PLACE = 1e-3
"""mm between nodes of two files of one mesh."""


@dataclass(frozen=True, eq=False)
class Septum:
    """Angles of the insertions of the right ventricle, degrees of the circumferential coordinate.

    inferior: None where only the anterior one is known; the septum then has a third of the turn.
    """

    anterior: float
    inferior: float | None = None

    def turned(self, circumferential: np.ndarray) -> np.ndarray:
        """(n,) degrees from the anterior insertion on, through the septum, in [0, 360): its end is at 120.

        With both insertions the septum and the free wall are each stretched to their share: the attachments of the right
        ventricle separate the septum from the free wall (Cerqueira et al. 2002).
        """
        angle = np.mod(np.degrees(circumferential) - self.anterior, TURN)
        if self.inferior is None:
            return angle
        width = float(np.mod(self.inferior - self.anterior, TURN))
        return np.where(angle < width, angle / width * SEPTUM, SEPTUM + (angle - width) / (TURN - width) * (TURN - SEPTUM))


def septum_at(wall: Wall, circumferential: np.ndarray, points: np.ndarray) -> Septum:
    """The septum between one or two insertions of the right ventricle, the anterior one first.

    points: (1 or 2, 3) LPS mm. Raises BadSettings for points far from the wall or in the wrong order.
    """
    names = ("anterior", "inferior")[: len(points)]
    angles = [_angle_at(wall, circumferential, point, name) for point, name in zip(points, names, strict=True)]
    if len(angles) == 1:
        return Septum(angles[0])
    width = float(np.mod(angles[1] - angles[0], TURN))
    if not LEAST_SEPTUM <= width <= MOST_SEPTUM:
        raise BadSettings(
            f"Between the insertions of the right ventricle the septum would span {width:.0f} degrees; give the anterior one first, then "
            "the inferior one, in LPS mm."
        )
    return Septum(angles[0], angles[1])


def septum_touching(wall: Wall, coordinates: WallCoordinates, right_ventricle: np.ndarray) -> Septum:
    """The septum where the epicardium touches the right ventricle.

    right_ventricle: (k, 3) points all over it, LPS mm, as of its label. Raises BadSettings where the contact is no septum.
    """
    outer = coordinates.transmural >= 1 - OUTER
    angle, level = coordinates.circumferential[outer], coordinates.apicobasal[outer]
    start, end, reason = contact_angles(wall.nodes[outer], angle, level, right_ventricle)
    if start is None or end is None:
        raise BadSettings(f"The septum cannot be found from the label of the right ventricle: {reason}.")
    width = float(np.mod(np.degrees(end - start), TURN))
    if not LEAST_SEPTUM <= width <= MOST_SEPTUM:
        raise BadSettings(
            f"The label of the right ventricle touches the wall over {width:.0f} degrees, which is no septum; give its insertions."
        )
    return Septum(float(np.degrees(start)), float(np.degrees(end)))


def stored_coordinates(wall: Wall, arrays: Mapping[str, np.ndarray], nodes: np.ndarray | None = None) -> WallCoordinates:
    """Coordinates from the point arrays wall_transmural, wall_apicobasal, wall_circumferential and wall_thickness of a mesh.

    nodes: (k, 3) of the mesh that has them, LPS mm; None where it is the wall's own. Raises OtherCase for another mesh, and
    BadWall where an array is missing or is no coordinate.
    """
    missing = [f"wall_{name}" for name in NAMES if f"wall_{name}" not in arrays]
    if missing:
        raise BadWall(f"The mesh has no point array {missing[0]}; make it with cardioscar coordinates.")
    if nodes is not None and (nodes.shape != wall.nodes.shape or np.abs(nodes - wall.nodes).max() > SAME_PLACE):
        raise OtherCase("The mesh with the coordinates has other points than the map; make the coordinates on the mesh of the map.")
    found = {name: np.asarray(arrays[f"wall_{name}"], dtype=np.float64) for name in NAMES}
    for name, values in found.items():
        if values.shape != (len(wall.nodes),) or not np.all(np.isfinite(values)):
            raise BadWall(f"wall_{name} is not one finite number per point.")
    for name in ("transmural", "apicobasal"):
        if found[name].min() < -1e-3 or found[name].max() > 1 + 1e-3:
            raise BadWall(f"wall_{name} lies outside 0 to 1, so it is no coordinate of a wall.")
    return WallCoordinates(found["transmural"], found["apicobasal"], found["circumferential"], found["thickness"], wall_axis(wall))


def known_coordinates(wall: Wall, arrays: Mapping[str, np.ndarray]) -> WallCoordinates | None:
    """Coordinates from the arrays of the wall's own mesh; None if it has not all of them. Raises BadWall."""
    return stored_coordinates(wall, arrays) if all(f"wall_{name}" in arrays for name in NAMES) else None


def _angle_at(wall: Wall, circumferential: np.ndarray, point: np.ndarray, name: str) -> float:
    distance, nearest = cKDTree(wall.nodes).query(point, k=min(8, len(wall.nodes)))
    if not distance[0] <= FARTHEST_ZERO:
        raise BadSettings(f"The {name} insertion of the right ventricle lies {distance[0]:.0f} mm away from the wall; check its frame.")
    return float(np.degrees(np.angle(np.exp(1j * circumferential[nearest]) @ (1 / (distance**2 + 1e-6)))))
