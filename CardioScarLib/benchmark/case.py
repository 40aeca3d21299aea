"""A case of the benchmark: what a reconstruction is given, and the exact truth it is scored against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from zlib import crc32

import numpy as np

from CardioScarLib.benchmark.contouring import contoured
from CardioScarLib.benchmark.families import FAMILIES, Family
from CardioScarLib.benchmark.hearts import Heart
from CardioScarLib.benchmark.scanner import Scan, drawn_shifts, pictured, planned_slices, seen, slice_to_spoil
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import EvidenceSettings, OperatorSettings, ReconstructionSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.meshes import TEN_NODES_TO_EIGHT
from CardioScarLib.phantom.channel import MARGIN as CHANNEL_MARGIN
from CardioScarLib.phantom.channel import channel_is_open, has_channel, scar_with_channel
from CardioScarLib.phantom.scars import Place, Scar

DEVELOPMENT_SEEDS = range(100, 103)
FROZEN_SEEDS = range(1000, 1003)
"""Run to report, never to choose anything by."""
FINE = 1.2
"""mm between points that a channel is looked for on."""


@dataclass(frozen=True, eq=False)
class BenchmarkCase:
    """A heart with a scar, the slices taken of it, and its truth.

    wall, stack: what a reconstruction is given, LPS mm. settings: the evidence and pixel support that fit the case.
    truth: (n,) scar probability at the wall's nodes.
    myocardium: on the grid of the slices 1 for LV wall, 2 for blood in the LV: what fills most of a pixel, drawn on
        the images, so where slices are shifted it is shifted with them.
    true_shifts: (slices, 2) mm along the directions of rows and columns from the stated position of a slice to where it was
        taken; a slice is put right by moving its origin by them.
    about: plain numbers and words of how it was made.
    """

    family: str
    seed: int
    noise_seed: int
    wall: Wall
    stack: SliceStack
    truth: np.ndarray
    settings: ReconstructionSettings
    about: dict
    myocardium: SliceStack
    true_shifts: np.ndarray
    heart: Heart = field(repr=False)
    scan: Scan = field(repr=False)

    def truth_at(self, points: np.ndarray) -> np.ndarray:
        """(n,) scar probability at (n, 3) points of the wall, LPS mm."""
        return self.heart.scar(self.heart.place(points))

    def acquire(self, planes: Sequence[Slice], seed: int) -> tuple[Slice, ...]:
        """Further slices of the same heart, with the noise and breath-hold shifts of the case, with any pixels."""
        random = _random(FAMILIES[self.family].source, seed, "further slices")
        shifts = drawn_shifts(self.scan, len(planes), random)
        images = [seen(self.heart, plane, self.scan, moved) for plane, moved in zip(planes, shifts, strict=True)]
        return tuple(replace(plane, pixels=pictured(*image, self.scan, random)) for plane, image in zip(planes, images, strict=True))

    @property
    def has_channel(self) -> bool:
        return has_channel(self.heart)

    def channel_is_open(self, probability: np.ndarray | Callable[[np.ndarray], np.ndarray]) -> bool | None:
        """Whether living tissue leads through the scar's channel on a map; None where there is no channel.

        probability: (n,) at the wall's nodes, or a function of (k, 3) points, LPS mm. Nodes 2 to 3 mm apart often miss a
        channel of 2 mm even in the truth; a function is asked on cells that are cut until their edges are below `FINE`.
        """
        if not self.has_channel:
            return None
        if not callable(probability):
            return channel_is_open(self.heart, probability)
        around = _Around(self.heart, self._around_channel)
        return channel_is_open(around, probability(around.wall.nodes))

    @cached_property
    def _around_channel(self) -> Wall:
        """The cells of the wall on which a path through the channel can run, in finer pieces."""
        scar = scar_with_channel(self.heart)
        assert scar is not None  # asked for hearts with a channel only
        across, along = scar.line(self.heart.place(self.wall.nodes))
        near = (np.abs(across) < 0.5 * scar.channel + CHANNEL_MARGIN + 1) & (np.abs(along) < scar.radius)
        cells = self.wall.tetrahedra[near[self.wall.tetrahedra].any(axis=1)]
        used, cells = np.unique(cells, return_inverse=True)
        nodes, cells = self.wall.nodes[used], cells.reshape(-1, 4)
        while np.linalg.norm(nodes[cells[:, 1]] - nodes[cells[:, 0]], axis=1).mean() > FINE:
            nodes, cells = _cut_in_eight(nodes, cells)
        return Wall.from_tetrahedra(nodes, cells)


@dataclass(frozen=True, eq=False)
class _Around:
    """A heart with another mesh of its wall."""

    heart: Heart
    wall: Wall

    @property
    def scar(self) -> Scar:
        return self.heart.scar

    def place(self, points: np.ndarray) -> Place:
        return self.heart.place(points)


def make_case(family: str, seed: int, nodes: int = 20_000, noise_seed: int | None = None, **changes) -> BenchmarkCase:
    """Make one case; the same arguments give the same case.

    family: one of FAMILIES. seed: of the heart, its scar, the slices' places and their shifts. noise_seed: of the noise
    in the pixels; None takes `seed`. nodes: about how many the wall has. changes: fields of `Scan` to override.
    Raises BadSettings for unknown names.
    """
    if family not in FAMILIES:
        raise BadSettings(f"There is no benchmark family '{family}'; the families are {', '.join(FAMILIES)}.")
    unknown = sorted(set(changes) - set(Scan.__dataclass_fields__))
    if unknown:
        raise BadSettings(f"A scan has no '{unknown[0]}'; what can be changed is {', '.join(Scan.__dataclass_fields__)}.")
    noise_seed = seed if noise_seed is None else noise_seed
    chosen: Family = FAMILIES[family]
    heart, scan = chosen.make(_random(chosen.source, seed, "heart"), seed, nodes)
    scan = replace(scan, **changes)
    if scan.contour:
        heart = replace(heart, wall=contoured(heart, scan.contour, _random(chosen.source, seed, "contours")))  # type: ignore[type-var]

    random = _random(chosen.source, seed, "slices")
    planes = planned_slices(heart, scan, random)
    shifts = drawn_shifts(scan, len(planes), random)
    images = [seen(heart, plane, scan, moved) for plane, moved in zip(planes, shifts, strict=True)]
    spoiled = None
    if scan.one_slice_shift:
        spoiled = slice_to_spoil([mean for mean, _ in images[: len(images) - scan.long_axes]], random)
        angle = random.uniform(-np.pi, np.pi)
        shifts[spoiled] += scan.one_slice_shift * np.array([np.cos(angle), np.sin(angle)])
        images[spoiled] = seen(heart, planes[spoiled], scan, shifts[spoiled])

    random = _random(chosen.source, noise_seed, "noise")
    stack = SliceStack(tuple(replace(plane, pixels=pictured(*image, scan, random)) for plane, image in zip(planes, images, strict=True)))
    labels = stack.with_pixels([label for _, label in images])
    settings = ReconstructionSettings(OperatorSettings(scan.pixel_support), EvidenceSettings("values"))
    truth = heart.scar(heart.place(heart.wall.nodes))
    about = {**described(heart, scan, truth), "slices": len(planes), "shifted_slice": spoiled}
    return BenchmarkCase(family, seed, noise_seed, heart.wall, stack, truth, settings, about, labels, shifts, heart, scan)


def described(heart: Heart, scan: Scan, truth: np.ndarray) -> dict:
    """Plain numbers and words of a heart and how it is scanned. truth: (n,) at the nodes of its wall."""
    measure = heart.wall.node_measure
    return {
        **asdict(scan),
        "nodes": len(truth),
        "wall_ml": float(measure.sum() / 1000),
        "scar_share": float(np.average(truth, weights=measure)),
        "scar": type(heart.scar).__name__,
        "channel": float(channel.channel) if (channel := scar_with_channel(heart)) else None,
    }


def _random(name: str, seed: int, purpose: str) -> np.random.Generator:
    """One stream of random numbers per purpose, so that noise can change without the heart."""
    return np.random.default_rng([seed, crc32(name.encode()), crc32(purpose.encode())])


def _cut_in_eight(nodes: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tetrahedra cut at the middles of their edges."""
    ends = np.sort(cells[:, [[0, 1], [1, 2], [0, 2], [0, 3], [1, 3], [2, 3]]].reshape(-1, 2), axis=1)
    edges, number = np.unique(ends, axis=0, return_inverse=True)
    ten = np.column_stack([cells, len(nodes) + number.reshape(-1, 6)])
    return np.vstack([nodes, nodes[edges].mean(axis=1)]), ten[:, TEN_NODES_TO_EIGHT].reshape(-1, 4)
