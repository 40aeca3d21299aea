"""Simple walls, stacks and changes of frame that tests of the library share."""

from __future__ import annotations

import signal
from dataclasses import replace
from functools import cache
from itertools import permutations

import numpy as np
from scipy.spatial.transform import Rotation

from CardioScarLib.core.case import Case
from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom import Phantom, phantom_case
from CardioScarLib.pipeline import reconstruct

NO_CELLS = np.empty((0, 4))
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def rigid(seed: int, reach: float = 200.0) -> np.ndarray:
    """4x4: any rotation, shifted by up to `reach` mm along each axis."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    matrix[:3, 3] = np.random.default_rng(seed).uniform(-reach, reach, 3)
    return matrix


def shift(x: float, y: float, z: float) -> np.ndarray:
    """4x4."""
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def applied(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


# Walls

KUHN = tuple(
    tuple(np.cumsum([np.zeros(3, int), *(np.eye(3, dtype=int)[axis] for axis in order)], axis=0).tolist())
    for order in permutations(range(3))
)


def a_block(low, high, cells, mirrored: bool = False) -> Wall:
    """A box of `cells` hexahedra along x, y and z, each split into six tetrahedra along one diagonal, or along another."""
    low, high, cells = np.array(low, float), np.array(high, float), np.array(cells)
    grid = np.stack(np.meshgrid(*(np.arange(count + 1) for count in cells), indexing="ij"), -1).reshape(-1, 3)
    number = np.arange(len(grid)).reshape(cells + 1)
    first = np.stack(np.meshgrid(*(np.arange(count) for count in cells), indexing="ij"), -1).reshape(-1, 3)
    corners = np.array(KUHN)
    if mirrored:
        corners = corners * [-1, 1, 1] + [1, 0, 0]
    place = first[:, None, None] + corners[None]
    return Wall.from_tetrahedra(low + grid * (high - low) / cells, number[tuple(np.moveaxis(place, -1, 0))].reshape(-1, 4))


def a_tube(inner, outer, layers: int = 4, between: int = 4) -> Wall:
    """The space between two lists of rings, (n, 3) each, one pair per height: straight lines from inner point i to outer point i.

    layers: cells through the wall. between: cells from one pair of rings to the next. All around, a cell per point.
    """
    inner, outer = np.asarray(inner, float), np.asarray(outer, float)
    up, depth = np.linspace(0, len(inner) - 1, between * (len(inner) - 1) + 1), np.linspace(0, 1, layers + 1)
    below = np.minimum(up.astype(int), len(inner) - 2)
    share = (up - below)[:, None, None]
    inside, outside = ((1 - share) * rings[below] + share * rings[below + 1] for rings in (inner, outer))
    nodes = inside[:, None] + depth[:, None, None] * (outside - inside)[:, None]
    cells = np.array([len(up) - 1, layers, inner.shape[1]])
    number = np.arange(nodes[..., 0].size).reshape(nodes.shape[:3])
    number = np.concatenate([number, number[..., :1]], axis=2)  # the last cell around ends where the first begins
    first = np.stack(np.meshgrid(*(np.arange(count) for count in cells), indexing="ij"), -1).reshape(-1, 3)
    place = first[:, None, None] + np.array(KUHN)[None]
    return Wall.from_tetrahedra(nodes.reshape(-1, 3), number[tuple(np.moveaxis(place, -1, 0))].reshape(-1, 4))


def a_cloud(points) -> Wall:
    return Wall(np.array(points, float), NO_CELLS, np.empty((0, 3)), "points")


def the_skin_of(block: Wall) -> Wall:
    """The closed surface of a tetrahedral wall."""
    faces = np.vstack([np.delete(block.tetrahedra, corner, axis=1) for corner in range(4)])
    _, first, count = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    used, triangles = np.unique(faces[first[count == 1]], return_inverse=True)
    return Wall(block.nodes[used], NO_CELLS, triangles.reshape(-1, 3), "closed_surface")


def a_sheet(width: float, height: float, cells: int) -> Wall:
    """A flat shell in the plane y = 0, from (0, 0, 0) to (width, 0, height)."""
    x, z = np.meshgrid(np.linspace(0, width, cells + 1), np.linspace(0, height, cells + 1), indexing="ij")
    number = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    a, b, c, d = number[:-1, :-1].ravel(), number[1:, :-1].ravel(), number[1:, 1:].ravel(), number[:-1, 1:].ravel()
    nodes = np.column_stack([x.ravel(), np.zeros(x.size), z.ravel()])
    return Wall(nodes, NO_CELLS, np.vstack([np.column_stack([a, b, c]), np.column_stack([a, c, d])]), "shell")


# Stacks


def a_stack(heights, thickness, pixel=2.0, shape=(12, 12), first=(1.0, 1.0), pixels=None) -> SliceStack:
    """Slices across z with the first pixel's center at (x, y) = first; rows run along y, columns along x.

    pixels: one value or array per slice; zeros without.
    """
    values = [0.0] * len(heights) if pixels is None else pixels
    return SliceStack(
        tuple(
            Slice(np.zeros(shape) + value, [*first, height], [0, pixel, 0], [pixel, 0, 0], thickness, f"slice {number}")
            for number, (height, value) in enumerate(zip(heights, values, strict=True))
        )
    )


def with_rows_flipped(stack: SliceStack) -> SliceStack:
    return SliceStack(
        tuple(
            replace(one, pixels=one.pixels[::-1], origin=one.to_points([len(one.pixels) - 1], [0])[0], row_step=-one.row_step)
            for one in stack
        )
    )


def transposed(stack: SliceStack) -> SliceStack:
    return SliceStack(tuple(replace(one, pixels=one.pixels.T, row_step=one.column_step, column_step=one.row_step) for one in stack))


def with_columns_flipped(stack: SliceStack) -> SliceStack:
    return transposed(with_rows_flipped(transposed(stack)))


def in_another_order(stack: SliceStack, seed: int = 0) -> SliceStack:
    order = np.random.default_rng(seed).permutation(len(stack))
    return SliceStack(tuple(stack.slices[number] for number in order))


def renumbered(wall: Wall, seed: int = 0) -> tuple[Wall, np.ndarray]:
    """The wall with its nodes, its cells and the corners of each cell in another order; new node i is old node order[i]."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(wall.nodes))
    cells = np.argsort(order)[wall.tetrahedra]
    return Wall(wall.nodes[order], random.permuted(random.permutation(cells), axis=1), wall.triangles, wall.kind), order


# Phantoms, each made and fitted once per test run


def the_phantom(kind: str, seed: int = 1, pixel: float | None = None, nodes: int = 4000) -> Phantom:
    """A small phantom. A larger pixel makes a fit as much faster as there are fewer pixels."""
    return _made(kind, seed, pixel, nodes)


@cache
def _made(kind: str, seed: int, pixel: float | None, nodes: int) -> Phantom:
    return phantom_case(kind, seed, nodes, **({"pixel": pixel} if pixel else {}))


def reconstructed(case: Phantom, preset: str = "preview", stack: SliceStack | None = None, wall: Wall | None = None, **model) -> Result:
    """A reconstruction of the case, or of the same case told in another way."""
    settings = replace(case.settings, model=ModelSettings(preset=preset, **model))
    return reconstruct(Case(stack or case.stack, wall or case.wall), settings)


def the_map(kind: str, preset: str = "standard", pixel: float | None = None) -> Result:
    return _mapped(kind, preset, pixel)


@cache
def _mapped(kind: str, preset: str, pixel: float | None) -> Result:
    return reconstructed(the_phantom(kind, pixel=pixel), preset)


def rms(difference) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(difference, dtype=np.float64)))))


def heed_ctrl_c() -> None:
    """For a child process, before it starts: processes started in the background of a shell are made deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
