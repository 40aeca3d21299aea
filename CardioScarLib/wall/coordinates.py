"""Wall coordinates: transmural, apicobasal and circumferential, from Laplace problems on the tetrahedra.

After Bayer et al. 2018 (universal ventricular coordinates) and Schuler et al. 2021 (Cobiveco): harmonic functions give
the direction of paths, and lengths along the paths give the position on them, so that equal steps of a coordinate are
equal steps in mm (Yezzi & Prince 2003, for the thickness).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.threads import one_thread
from CardioScarLib.core.wall import Wall
from CardioScarLib.wall.laplace import LinearElements, unit
from CardioScarLib.wall.surfaces import BASE, ENDO, EPI, WallSurfaces, wall_surfaces

FARTHEST_ZERO = 20.0
"""mm from the wall beyond which a point for the zero of the angle is refused."""
TOUCHING = 3.0
"""mm between the epicardium and points of the right ventricle that touch it."""
PATIENT_RIGHT, PATIENT_FRONT = np.array([-1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0])
"""LPS."""


@dataclass(frozen=True, eq=False)
class WallCoordinates:
    """Coordinates of each node of a wall.

    transmural: (n,) 0 at the endocardium, 1 at the epicardium; share of the path through the wall.
    apicobasal: (n,) 0 at the apex, 1 at the base; share of the path along the wall.
    circumferential: (n,) radians in [0, 2 pi), counterclockwise as seen from the apex, the way AHA segments are
        numbered: from the anterior insertion of the right ventricle through the septum. Undefined at the apex itself.
    thickness: (n,) mm, length of the path from endocardium to epicardium through the node.
    axis: (2, 3) LPS mm, apex and middle of the base.
    notes: sentences about what was assumed.
    """

    transmural: np.ndarray
    apicobasal: np.ndarray
    circumferential: np.ndarray
    thickness: np.ndarray
    axis: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def circle(self) -> np.ndarray:
        """(n, 2) cosine and sine of the angle, which do not jump at zero."""
        return np.column_stack([np.cos(self.circumferential), np.sin(self.circumferential)])

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """float32 per node, by the name it has on a mesh; thickness in mm, the angle in radians."""
        names = ("transmural", "apicobasal", "circumferential", "thickness")
        return {f"wall_{name}": getattr(self, name).astype(np.float32) for name in names}


@one_thread()
def wall_coordinates(
    wall: Wall,
    surfaces: WallSurfaces | None = None,
    zero_at: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    step: Callable[[int, int], None] = lambda done, steps: None,
) -> WallCoordinates:
    """Coordinates on a tetrahedral wall, LPS mm.

    surfaces: its skin in regions; None finds them.
    zero_at: (3,) a point at or near the wall where the angle is zero, such as the anterior insertion of the right
        ventricle. right_ventricle: (k, 3) points of the right ventricle, as of its label; without `zero_at` the angle
        is zero where their contact with the epicardium begins. Without either it is zero towards the patient's right,
        with a note.
    step: called with (done, steps).

    Raises BadWall for surfaces and points, and where endocardium and epicardium cannot be distinguished.
    """
    step(0, 5)
    whole, (wall, surfaces, elements, number, notes) = wall, _parts(wall, surfaces)
    endo = surfaces.part_nodes(ENDO)
    epi = np.setdiff1d(surfaces.part_nodes(EPI), endo)
    step(1, 5)
    transmural, thickness = _share_of_paths(elements, endo, epi)
    step(2, 5)
    base, apical_opening = _ends(surfaces, endo)
    middle = wall.nodes[base].mean(axis=0)
    to_apex: np.ndarray | float
    away: np.ndarray | None
    if len(apical_opening):
        apex, at_apex, to_apex, away = wall.nodes[apical_opening].mean(axis=0), apical_opening, 0.0, None
        notes.append("The wall is open at the apex; the rim there was taken as apex.")
    else:
        line = _apex_line(elements, surfaces, base)
        apex = line.mean(axis=0)
        at_apex, to_apex, away = _near_line(elements, line, base)
    step(3, 5)
    apicobasal, _ = _share_of_paths(elements, at_apex, base, to_apex, away)
    step(4, 5)
    cavity = _cavity_center(surfaces)
    right, front = _across(unit((apex - cavity)[None])[0])
    angle, start = _angle(elements, cavity, right, front, thickness)
    if zero_at is not None:
        start = _angle_at(wall.nodes, angle, np.asarray(zero_at, dtype=np.float64))
    else:
        contact, reason = None, "No insertion of the right ventricle was given"
        if right_ventricle is not None:
            contact, _, reason = contact_angles(wall.nodes[epi], angle[epi], apicobasal[epi], np.asarray(right_ventricle, dtype=np.float64))
        if contact is None:
            notes.append(f"{reason}; the angle around the wall starts where it faces the patient's right.")
        start = start if contact is None else contact
    angle = np.mod(angle - start, 2 * np.pi)
    step(5, 5)
    missing = number < 0
    number[missing] = cKDTree(wall.nodes).query(whole.nodes[missing])[1]
    ends = np.array([apex, middle])
    return WallCoordinates(transmural[number], apicobasal[number], angle[number], thickness[number], ends, tuple(notes))


def wall_axis(wall: Wall) -> np.ndarray:
    """(2, 3) apex and middle of the base of a tetrahedral wall, LPS mm: `WallCoordinates.axis` without the coordinates.

    Raises BadWall as `wall_coordinates` does.
    """
    wall, surfaces, elements, _, _ = _parts(wall, None)
    base, apical_opening = _ends(surfaces, surfaces.part_nodes(ENDO))
    if len(apical_opening):
        return np.array([wall.nodes[apical_opening].mean(axis=0), wall.nodes[base].mean(axis=0)])
    return np.array([_apex_line(elements, surfaces, base).mean(axis=0), wall.nodes[base].mean(axis=0)])


def _parts(wall: Wall, surfaces: WallSurfaces | None) -> tuple[Wall, WallSurfaces, LinearElements, np.ndarray, list[str]]:
    """The largest piece of a wall, its skin in regions, its elements, and the last two of `_one_piece`."""
    if wall.kind != "volume":
        raise BadWall("Wall coordinates need a wall of volume cells, and the LV model has none; make a tetrahedral wall from it first.")
    wall, number, notes = _one_piece(wall)
    surfaces = wall_surfaces(wall) if surfaces is None else _on_nodes(surfaces, wall.nodes, number)
    endo, epi = surfaces.part_nodes(ENDO), surfaces.part_nodes(EPI)
    if not len(endo) or not len(np.setdiff1d(epi, endo)):
        raise BadWall(f"No part of the LV model's surface is labeled {'epicardium' if len(endo) else 'endocardium'}.")
    return wall, surfaces, LinearElements(wall.nodes, wall.tetrahedra), number, notes


def _one_piece(wall: Wall) -> tuple[Wall, np.ndarray, list[str]]:
    """The largest connected piece, with nodes at one place made one.

    Also (n,) the number that each node of the whole wall has in it, or -1, and a note about the rest.
    """
    _, first, same = np.unique(wall.nodes, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)  # as in the file, whose neighbors in number are often neighbors in space: that is faster
    places, same = wall.nodes[first[order]], np.argsort(order)[same.ravel()]
    cells = same[wall.tetrahedra]
    ends = np.vstack([cells[:, [0, 1]], cells[:, [1, 2]], cells[:, [2, 3]]])
    graph = sparse.csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (len(places), len(places)))
    label = connected_components(graph, directed=False)[1]
    main = np.argmax(np.bincount(label[cells[:, 0]], wall.volumes))
    kept = cells[label[cells[:, 0]] == main]
    used, kept_cells = np.unique(kept, return_inverse=True)
    number = np.full(len(places), -1)
    number[used] = np.arange(len(used))
    notes = []
    if len(kept) < len(cells):
        notes.append(
            f"{len(cells) - len(kept)} cells of the LV model are not connected to the main piece; they get the coordinates of the "
            "closest place on it."
        )
    return Wall(places[used], kept_cells.reshape(-1, 4), np.empty((0, 3)), "volume"), number[same], notes


def _on_nodes(surfaces: WallSurfaces, nodes: np.ndarray, number: np.ndarray) -> WallSurfaces:
    """Surfaces of the whole wall on other nodes; number: what each node of the whole wall is called there, or -1."""
    triangles = number[surfaces.triangles]
    there = np.all(triangles >= 0, axis=1)
    return WallSurfaces(nodes, triangles[there], surfaces.region[there])


def _share_of_paths(
    elements: LinearElements, start: np.ndarray, end: np.ndarray, before: np.ndarray | float = 0.0, away: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the path from start to end that lies behind each node, and the path's length in mm.

    Paths follow the gradient of the harmonic function that is 0 at `start` and 1 at `end`. Where the nodes of `start`
    fill a volume, so that it has no gradient there, their paths have come `before` mm and run on `away`, unit vectors.
    """
    fixed = np.concatenate([start, end])
    potential = elements.harmonic(fixed, np.repeat([0.0, 1.0], [len(start), len(end)]))
    onward = elements.directions(potential)
    if away is not None:
        onward[start] = away
        potential[start] = before - np.max(before)  # rising away from the line, below all others
    behind = elements.path_lengths(-onward, potential, start, before)
    ahead = elements.path_lengths(onward, -potential, end)
    length = behind + ahead
    return behind / np.where(length > 0, length, 1.0), length


def _ends(surfaces: WallSurfaces, endo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes of the base, and of an opening at the apex (usually none)."""
    triangles = surfaces.part(BASE)
    if not len(triangles):  # endocardium and epicardium meet in an edge
        rim = np.intersect1d(endo, surfaces.part_nodes(EPI))
        if not len(rim):
            raise BadWall("The LV model has no base: neither a surface between endocardium and epicardium nor an edge where they meet.")
        return rim, np.empty(0, dtype=np.int64)
    count = len(surfaces.nodes)
    ends = np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    label = connected_components(sparse.csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count)), directed=False)[1]
    piece = label[triangles[:, 0]]
    area = np.linalg.norm(surfaces.area_vectors[surfaces.region == BASE], axis=1)
    largest = np.argmax(np.bincount(piece, area))
    middle = surfaces.nodes.mean(axis=0)
    up = surfaces.nodes[np.unique(triangles[piece == largest])].mean(axis=0) - middle
    base: list[np.ndarray] = []
    apical: list[np.ndarray] = []
    for number in np.unique(piece):
        nodes = np.unique(triangles[piece == number])
        (base if (surfaces.nodes[nodes].mean(axis=0) - middle) @ up > 0 else apical).append(nodes)
    return np.concatenate(base), np.concatenate(apical) if apical else np.empty(0, dtype=np.int64)


def _apex_line(elements: LinearElements, surfaces: WallSurfaces, base: np.ndarray) -> np.ndarray:
    """(2, 3) the apex on the endocardium and on the epicardium, LPS mm.

    It is where something that spreads evenly in the wall and leaves through the base is densest: the place that is far
    from the base on all sides. Unlike the lowest point it is well defined on blunt apexes.
    """
    density = elements.solve(elements.laplacian, elements.node_volumes, base, 0.0)
    # On a surface the density falls from its top by a quarter of the squared distance; the middle of the cap around the
    # top is the top, and does not jump from node to node.
    fall = 0.25 * (3 * _edge_length(elements)) ** 2
    tips = []
    for region in (ENDO, EPI):
        nodes = surfaces.part_nodes(region)
        weight = np.maximum(density[nodes] - density[nodes].max() + fall, 0)
        tips.append(weight @ elements.nodes[nodes] / weight.sum())
    return np.array(tips)


def _edge_length(elements: LinearElements) -> float:
    """mm, of a regular tetrahedron of the mean volume."""
    return float((elements.volumes.mean() * 6 * np.sqrt(2)) ** (1 / 3))


def _near_line(elements: LinearElements, line: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes around a line through the wall, their distance from it in mm, and unit vectors away from it."""
    along = line[1] - line[0]
    offset = elements.nodes - line[0]
    share = np.clip(offset @ along / max(along @ along, 1e-12), 0, 1)
    from_line = offset - share[:, None] * along
    distance = np.linalg.norm(from_line, axis=1)
    other = np.setdiff1d(np.arange(len(distance)), base)
    edge = _edge_length(elements)
    # A wall with a hole at the apex has no node near the line; the rim of the hole comes first, as far from it as it is.
    near = other[distance[other] < max(1.5 * edge, float(distance[other].min(initial=np.inf)) + 0.5 * edge)]
    away, anywhere = from_line[near], _across(unit(along[None])[0])[0]
    away[distance[near] < 1e-3] = anywhere
    return near, distance[near], unit(away)


def _cavity_center(surfaces: WallSurfaces) -> np.ndarray:
    """(3,) area-weighted center of the endocardium."""
    chosen = surfaces.region == ENDO
    area = np.linalg.norm(surfaces.area_vectors[chosen], axis=1)
    return area @ surfaces.nodes[surfaces.triangles[chosen]].mean(axis=1) / area.sum()


def _across(to_apex: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two perpendicular unit vectors, right-handed with the one towards the apex; the first points most to the patient's right."""
    towards = PATIENT_RIGHT if abs(to_apex @ PATIENT_RIGHT) < 0.9 else PATIENT_FRONT
    first = unit((towards - (towards @ to_apex) * to_apex)[None])[0]
    return first, np.cross(to_apex, first)


def _angle(elements: LinearElements, center: np.ndarray, first: np.ndarray, second: np.ndarray, thickness: np.ndarray):
    """(n,) radians, harmonic around the wall, and the angle that it has towards `first`.

    The flux around a ring is the same all along it, and it is conductivity times thickness times slope; with a
    conductivity of one over the thickness the angle grows evenly along the wall, also where it is thin. One turn is put
    in by the plain angle around the axis, whose jump is taken out cell by cell; the few cells that the axis pierces, at
    the apex, conduct nothing.
    """
    offset = elements.nodes - center
    plain = np.arctan2(offset @ second, offset @ first)
    corners = plain[elements.tetrahedra]
    turned = corners[:, :1] + _wrapped(corners - corners[:, :1])
    whole = np.all(np.abs(turned[:, [1, 2, 3]] - turned[:, [2, 3, 1]]) < np.pi, axis=1)
    slope = np.einsum("tid,ti->td", elements.slopes, turned)
    typical = np.median(thickness)
    conductivity = whole / np.clip(thickness[elements.tetrahedra].mean(axis=1) / typical, 0.2, 5.0)
    per_corner = -np.einsum("tid,td->ti", elements.slopes, slope) * (elements.volumes * conductivity)[:, None]
    load = np.bincount(elements.tetrahedra.ravel(), per_corner.ravel(), len(plain))
    bend = elements.solve(elements.stiffness(conductivity), load, np.empty(0, dtype=np.int64), np.empty(0))
    mean = np.exp(1j * bend) @ elements.node_volumes
    return plain + bend, float(np.angle(mean))


def _wrapped(angle: np.ndarray) -> np.ndarray:
    return np.mod(angle + np.pi, 2 * np.pi) - np.pi


def _angle_at(nodes: np.ndarray, angle: np.ndarray, point: np.ndarray) -> float:
    """Angle at a point near the wall, from the nodes around it."""
    if point.shape != (3,) or not np.all(np.isfinite(point)):
        raise BadWall("The point where the angle around the wall starts must be three finite numbers, LPS mm.")
    distance, nearest = cKDTree(nodes).query(point, k=min(8, len(nodes)))
    if distance[0] > FARTHEST_ZERO:
        raise BadWall(f"The point where the angle around the wall starts lies {distance[0]:.0f} mm away from the wall; check its frame.")
    return float(np.angle(np.exp(1j * angle[nearest]) @ (1 / (distance**2 + 1e-6))))


def contact_angles(
    nodes: np.ndarray, angle: np.ndarray, apicobasal: np.ndarray, right_ventricle: np.ndarray
) -> tuple[float | None, float | None, str]:
    """Angles at which the contact of the epicardium with the right ventricle begins and ends, in the upper two thirds of the wall.

    nodes: (n, 3) of the epicardium, mm. angle: (n,) radians. apicobasal: (n,) 0 to 1. right_ventricle: (k, 3) points, mm.
    None, and why, if they cannot be determined.
    """
    upper = (apicobasal > 0.33) & (apicobasal < 0.95)
    distance = cKDTree(right_ventricle).query(nodes[upper])[0]
    place = np.mod(np.round(np.degrees(angle[upper])).astype(int), 360)
    # One value per degree; the kernel bridges degrees without a node.
    kernel = np.exp(-0.5 * (np.minimum(np.arange(360), 360 - np.arange(360)) / 6.0) ** 2)
    counts = [np.bincount(place, weight, 360) for weight in (distance < TOUCHING, np.ones(len(place)))]
    contact, all_nodes = (np.fft.irfft(np.fft.rfft(count) * np.fft.rfft(kernel), 360) for count in counts)
    share = contact / np.maximum(all_nodes, 1e-9)
    touched = share > 0.5 * share.max()
    if not np.any(distance < TOUCHING):
        return None, None, f"The right ventricle comes no closer to the wall than {distance.min():.0f} mm"
    if touched.all():
        return None, None, "The right ventricle surrounds the wall"
    first = int(np.argmin(touched))  # somewhere outside the contact
    edges = np.diff(np.concatenate([[0], np.roll(touched, -first).astype(int), [0]]))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    longest = np.argmax(stops - starts)
    return float(np.radians(first + starts[longest])), float(np.radians(first + stops[longest])), ""
