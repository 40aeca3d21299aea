"""Real label stacks as cases: the labeled pixels of the wall, each scar or not, on a wall made from the same labels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from CardioScarLib.benchmark.real.places import WallPlaces
from CardioScarLib.core.errors import BadSettings, BadStack, CardioScarError
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import SliceOperator, slice_operator
from CardioScarLib.io.images import read_stack
from CardioScarLib.wall import LABEL_ORDERS, build_wall, label_names, shape_from_labels
from CardioScarLib.wall.coordinates import wall_coordinates
from CardioScarLib.wall.labels import WALL_NAMES
from CardioScarLib.wall.surfaces import WallSurfaces

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha")
SCAR_NAMES = ("scar", "infarct", "no-reflow")
EDGE_LENGTH = 2.5
"""mm, of the wall's tetrahedra."""
FEWEST_SLICES = 4
"""With labeled wall: leaving out every second one leaves two."""
MOST_OPEN = 0.25
"""Share of a cavity's edge that may lie outside of the wall: labels leave the outflow tract open. On real stacks the right order
leaves 0 to .03, a wrong one .41 to .65."""
MOST_VALUES = 12
"""An image with more values than this is no label map."""


@dataclass(frozen=True, eq=False)
class RealCase:
    """One labeled heart.

    name: of its file. sha: of the file's content, the first digits. wall: made from the labels, LPS mm. places: its coordinates.
    operator: slice operator of the p pixels that the labels call myocardium or scar; its stack shows the labeled wall, not
    the scar. scar: (p,) bool, which of them are scar. slices: numbers of the slices that have such pixels, in their order
    along the normal. gap: mm between slices. notes: on reading and on the wall.
    """

    name: str
    sha: str
    wall: Wall
    places: WallPlaces
    operator: SliceOperator
    scar: np.ndarray
    slices: tuple[int, ...]
    gap: float
    notes: tuple[str, ...] = ()

    @property
    def evidence(self) -> Evidence:
        """1 for scar, 0 for myocardium; weight = the share of the pixel that the wall fills."""
        return Evidence(self.scar.astype(np.float64), self.operator.pixels.cover.copy())


def find_cases(folders: Sequence[Path], say: Callable[[str], None] = print) -> list[RealCase]:
    """Every label map with myocardium and scar below these folders, in the order of their names, each file once.

    say: told which images are left out, and why. Raises BadSettings for a folder that is not there, or if there is no case at all.
    """
    cases: list[RealCase] = []
    for path in _images(folders):
        try:
            case = read_case(path)
        except CardioScarError as problem:
            say(f"Note: {path.name} is left out: {problem}")
            continue
        same = next((other.name for other in cases if other.sha == case.sha), None)
        if same:
            say(f"Note: {path.name} is left out: it is the same file as {same}.")
        elif any(other.name == case.name for other in cases):
            cases.append(replace(case, name=f"{path.parent.name}/{case.name}"))
        else:
            cases.append(case)
    if not cases:
        raise BadSettings(
            f"No label map with myocardium and scar was found in {', '.join(folder.name for folder in folders)}; "
            f"the label orders with scar are {', '.join(_orders_with_scar())}."
        )
    return cases


def read_case(path: Path) -> RealCase:
    """The case of one label map, NIfTI, NRRD or MHA. Raises BadStack where it is none, or BadContours where its labels make no wall."""
    stack = read_stack([path])
    return make_case(_name(path), stack, hashlib.sha256(path.read_bytes()).hexdigest()[:12])


def make_case(name: str, stack: SliceStack, sha: str = "") -> RealCase:
    """The case of a stack of labels, LPS mm, in one of the LABEL_ORDERS that have scar. Raises as `read_case` does."""
    order, settings = _order(stack), WallSettings(edge_length=EDGE_LENGTH)
    built = build_wall(shape_from_labels(stack, order, settings), settings)
    names = label_names(order)
    in_wall = [value for name in WALL_NAMES for value in names.get(name, ())]
    of_scar = [value for name in SCAR_NAMES for value in names.get(name, ())]
    stack = stack.select(stack.parallel_groups()[0])
    shown = stack.with_pixels([np.isin(one.pixels, in_wall).astype(np.float64) for one in stack])
    operator = slice_operator(built.wall, shown)
    operator = operator.rows(operator.pixels.values(shown) > 0)
    seen = tuple(np.unique(operator.pixels.slices).tolist())
    if len(seen) < FEWEST_SLICES:
        raise BadStack(f"only {len(seen)} of its slices show labeled wall, and {FEWEST_SLICES} are needed.")
    heights = np.array([stack.slices[number].center @ stack.slices[0].normal for number in seen])
    surfaces = WallSurfaces(built.wall.nodes, built.triangles, built.triangle_region)
    return RealCase(
        name, sha, built.wall, WallPlaces(built.wall, wall_coordinates(built.wall, surfaces)), operator,
        np.isin(operator.pixels.values(stack), of_scar), seen, float(np.median(np.diff(heights))), (*stack.notes, *built.notes),
    )  # fmt: skip


def _images(folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise BadSettings(f"There is no folder {folder.name}; give a folder of label maps.")
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.name.lower().endswith(ENDINGS) and path.is_file()]


def _name(path: Path) -> str:
    return next(path.name[: -len(ending)] for ending in sorted(ENDINGS, key=len, reverse=True) if path.name.lower().endswith(ending))


def _orders_with_scar() -> list[str]:
    return [name for name, values in LABEL_ORDERS.items() if set(values) & set(SCAR_NAMES)]


def _order(stack: SliceStack) -> str:
    """The order that a stack's labels are in. Orders share values; in the right one blood touches the wall alone."""
    values = _values(stack)
    open_share = {}
    for order in _orders_with_scar():
        names = LABEL_ORDERS[order]
        scar = {names[name] for name in SCAR_NAMES if name in names}
        if values <= {0, *names.values()} and values & scar and names["myocardium"] in values:
            wall = [names[name] for name in WALL_NAMES if name in names]
            open_share[order] = _open_share(stack, names["cavity"], wall)
    best = min(open_share, key=open_share.__getitem__, default=None)
    if best is None:
        raise BadStack("its labels have no scar in an order that is known.")
    if open_share[best] > MOST_OPEN:
        raise BadStack("no label in it is a cavity that the myocardium surrounds, in an order that has scar.")
    return best


def _open_share(stack: SliceStack, cavity: int, wall: Sequence[int]) -> float:
    """Share of the edges of the cavity's pixels, of those that are shared with something else, that are not shared with the wall."""
    edges, outside = 0, 0
    for one in stack:
        labels = np.pad(np.rint(one.pixels), 1)
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            beside = np.roll(labels, step, axis=axis)[labels == cavity]
            edges += int(np.count_nonzero(beside != cavity))
            outside += int(np.count_nonzero(~np.isin(beside, (cavity, *wall))))
    return outside / edges if edges else 1.0


def _values(stack: SliceStack) -> set[int]:
    found: set[float] = set()
    for one in stack:
        found.update(np.unique(one.pixels).tolist())
        if len(found) > MOST_VALUES or any(value != round(value) for value in found):
            raise BadStack("it is no label map.")
    return {int(value) for value in found}
