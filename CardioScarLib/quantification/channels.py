"""Channels: corridors found on each joint sample and matched across samples, with their probability of existing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.wall import Wall
from CardioScarLib.quantification.burden import AT_DENSITY, GRAM
from CardioScarLib.quantification.corridors import Corridor, Layer
from CardioScarLib.quantification.draws import Fields
from CardioScarLib.quantification.pieces import LEAST_AREA, border_length, count_pieces
from CardioScarLib.quantification.shells import Shell, wall_shell
from CardioScarLib.wall.coordinates import WallCoordinates

LAYERS = {"endocardial": 1 / 6, "mid-wall": 1 / 2, "epicardial": 5 / 6}
"""Depth in the middle of each third of the wall. A channel through scar that is not transmural is one within its layer."""
MIDDLE = 1
"""Number of the layer in the middle of the wall."""
EDGE = 1.4
"""mm between points on which corridors are looked for."""
SAME = 0.5
"""Share of the smaller of two corridors that lies in the other one, from which on they are one channel."""
LEAST = 0.05
"""Probability below which a channel is not told."""
TOUCHED = 0.1
"""Share of a channel in a segment, or of its samples in a layer, from which on it is told."""
HOW = "corridors between core and core or the base, at most 12 mm wide, in three layers of each joint sample"


@dataclass(frozen=True, eq=False)
class Channel:
    """probability: share of the joint samples that have it. quantities: of the samples that have it.

    centerline: (p, 3) LPS mm from mouth to mouth, in the sample that is most like the others. layers: of LAYERS. segments: AHA,
    1 to 17; empty where they are unknown.
    """

    probability: float
    quantities: tuple[Quantity, ...]
    centerline: np.ndarray
    layers: tuple[str, ...]
    segments: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "probability": self.probability,
            "quantities": {one.name: one.as_dict() for one in self.quantities},
            "layers": list(self.layers),
            "aha_segments": list(self.segments),
            "mouths_lps_mm": self.centerline[[0, -1]].round(2).tolist(),
            "centerline_lps_mm": self.centerline.round(2).tolist(),
        }


@dataclass(frozen=True, eq=False)
class Channels:
    """found: the most probable first. quantities: of all channels together, and how scattered the core between them is.

    arrays: channel_probability, (n,) float32: the share of the samples in which a node lies in a channel. masses: (d,) g of all
    channels in each sample.
    """

    found: tuple[Channel, ...]
    quantities: tuple[Quantity, ...]
    arrays: dict[str, np.ndarray]
    masses: np.ndarray


@dataclass(frozen=True, eq=False)
class _Seen:
    """A corridor in sample `draw` and layer number `layer`. places: numbers of the points of the middle layer that it covers."""

    draw: int
    layer: int
    corridor: Corridor
    places: np.ndarray


def find_channels(
    wall: Wall,
    coordinates: WallCoordinates,
    posterior: Posterior | np.ndarray,
    core: float,
    count: int,
    level: float,
    segments: np.ndarray | None = None,
) -> Channels:
    """Channels of a volume wall.

    posterior: joint samples are drawn from it; or (n,) a map at the nodes, which is then the only sample. core: scar fraction from
    which on tissue is core. count: of samples. segments: (n,) AHA segments of the nodes.
    """
    # The map of a model without samples travels with the nodes; the posterior is asked at the points themselves.
    plain = posterior if isinstance(posterior, np.ndarray) else np.zeros(len(wall.nodes))
    arrays = {"thickness": coordinates.thickness, "map": plain}
    shells = [wall_shell(wall, coordinates.transmural, depth, arrays, EDGE) for depth in LAYERS.values()]
    layers = [Layer(one, one.arrays["thickness"] / len(LAYERS)) for one in shells]
    middle = cKDTree(shells[MIDDLE].points)
    onto = [middle.query(one.points)[1] for one in shells]
    seen: list[_Seen] = []
    often = [np.zeros(len(one.points)) for one in shells]
    fields = Fields(np.empty((0, 0)), False)
    scattered: tuple[Quantity, ...] = ()
    for number, (shell, layer) in enumerate(zip(shells, layers, strict=True)):
        if isinstance(posterior, np.ndarray):
            fields = Fields(shell.arrays["map"][None], False, level)
        else:
            fields = Fields.at(posterior, shell.points, count, level)
        if number == MIDDLE:
            scattered = _scattered(fields, layer, core)
        for draw, field in enumerate(fields.values):
            for corridor in layer.corridors(field, core):
                often[number][corridor.points] += 1
                seen.append(_Seen(draw, number, corridor, np.unique(onto[number][corridor.points])))
    draws = len(fields.values)
    blank = Fields(np.empty((draws, 0)), fields.sampled, level)
    total = np.zeros(draws)
    for one in seen:
        total[one.draw] += GRAM * one.corridor.volume
    quantities = (
        blank.quantity("channel_mass_g", "Channel mass", total, "g", HOW),
        Quantity("channel_any_percent", "Probability of a channel", float(100 * np.mean(total > 0)), "%", f"{HOW}, {blank.how}"),
        *scattered,
    )
    found = [_channel(leader, members, draws, blank, shells, wall, segments) for leader, members in _matched(seen, middle.n)]
    kept = tuple(sorted((one for one in found if one.probability >= LEAST), key=lambda one: -one.probability))
    return Channels(kept, quantities, {"channel_probability": _on_nodes(wall, coordinates, shells, often, draws)}, total)


def _scattered(fields: Fields, layer: Layer, core: float) -> tuple[Quantity, ...]:
    """How scattered the core is in the middle of the wall."""
    pieces = np.array([count_pieces(layer.graph, layer.shell.area, one, core) for one in fields.values], dtype=np.float64)
    length = np.array([border_length(layer.shell, one, core) for one in fields.values])
    where = "in the middle of the wall"
    return (
        fields.quantity("core_pieces", "Pieces of core", pieces, "", f"connected pieces of {LEAST_AREA:g} mm^2 or more {where}", core),
        fields.quantity("core_border_length_mm", "Border length of the core", length, "mm", f"length of the border of core {where}", core),
    )


def _matched(seen: list[_Seen], places: int) -> list[tuple[_Seen, list[_Seen]]]:
    """Corridors that are one channel, led by the one that is most like the others."""
    if not seen:
        return []
    sizes = np.array([len(one.places) for one in seen])
    rows = np.repeat(np.arange(len(seen)), sizes)
    covers = sparse.csr_array(
        (np.ones(len(rows), dtype=np.float32), (rows, np.concatenate([one.places for one in seen]))), shape=(len(seen), places)
    )
    shared = (covers @ covers.T).toarray()
    alike = shared / np.minimum(sizes[:, None], sizes)
    close = shared / (sizes[:, None] + sizes - shared)
    free, groups = np.ones(len(seen), dtype=bool), []
    while free.any():
        support = np.where(free, close[:, free].sum(axis=1), -1)
        leader = int(np.argmax(support))
        # One that follows another leader already belongs to this one, too, only if it runs along this channel as well.
        members = np.flatnonzero(np.where(free, alike[leader], shared[leader] / sizes[leader]) >= SAME)
        groups.append((seen[leader], [seen[one] for one in members]))
        free[members] = False
        free[leader] = False
    return groups


def _channel(
    leader: _Seen,
    members: list[_Seen],
    draws: int,
    blank: Fields,
    shells: list[Shell],
    wall: Wall,
    segments: np.ndarray | None,
) -> Channel:
    by_draw: dict[int, list[_Seen]] = {}
    for one in members:
        by_draw.setdefault(one.draw, []).append(one)
    groups = [[one.corridor for one in group] for group in by_draw.values()]
    fields = Fields(np.empty((len(groups), 0)), blank.sampled, blank.level)

    def told(name: str, label: str, unit: str, method: str, number: Callable[[list[Corridor]], float]) -> Quantity:
        return fields.quantity(name, label, np.array([number(group) for group in groups]), unit, method)

    across = "border to border across the centerlines"
    quantities = (
        told(
            "length_mm", "Length", "mm", "mouth to mouth, in the layer where it is longest", lambda group: max(one.length for one in group)
        ),
        told("width_mean_mm", "Mean width", "mm", across, lambda group: float(np.concatenate([one.widths for one in group]).mean())),
        told("width_least_mm", "Least width", "mm", across, lambda group: min(one.widths.min() for one in group)),
        told("channel_mass_g", "Mass", "g", f"of all layers, {AT_DENSITY}", lambda group: GRAM * sum(one.volume for one in group)),
    )
    share = [np.mean([any(one.layer == number for one in group) for group in by_draw.values()]) for number in range(len(LAYERS))]
    points = shells[leader.layer].points
    touched: tuple[int, ...] = ()
    if segments is not None:
        labels = segments[cKDTree(wall.nodes).query(points[leader.corridor.points])[1]]
        touched = tuple(int(one) for one in np.unique(labels) if np.mean(labels == one) >= TOUCHED)
    names = tuple(name for name, one in zip(LAYERS, share, strict=True) if one >= TOUCHED)
    return Channel(len(groups) / draws, quantities, points[leader.corridor.path], names, touched)


def _on_nodes(wall: Wall, coordinates: WallCoordinates, shells: list[Shell], often: list[np.ndarray], draws: int) -> np.ndarray:
    """(n,) share of the samples in which each node's nearest point of its own third of the wall lies in a corridor."""
    third = np.minimum((coordinates.transmural * len(shells)).astype(int), len(shells) - 1)
    share = np.zeros(len(wall.nodes), dtype=np.float32)
    for number, (shell, counts) in enumerate(zip(shells, often, strict=True)):
        here = np.flatnonzero(third == number)
        share[here] = counts[cKDTree(shell.points).query(wall.nodes[here])[1]] / draws
    return share
