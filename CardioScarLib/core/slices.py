"""Image slices with their place in the patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from CardioScarLib.core.errors import BadStack

PERPENDICULAR = 1e-3
"""Cosine between rows and columns that is rounding: the place of a pixel is off by less than 0.2 mm."""
PARALLEL = float(np.cos(np.radians(2.0)))
"""Slices whose normals have a cosine above this count as parallel."""
ONE_PLANE = 0.1
"""Parallel slices closer than this share of their thickness, and than half a pixel, lie in one plane."""
ONE_PLACE = 0.5
"""Slices in one plane show one place if they share more than this of the smaller one's rectangle."""


@dataclass(frozen=True)
class SliceSource:
    """The DICOM image that a slice comes from, so that results can point to it; an identifier that is not known is empty.

    These lead to a patient: they are kept with images only, never printed, logged or written into a report.
    """

    study_uid: str = ""
    series_uid: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    frame: int = 1


@dataclass(frozen=True, eq=False)
class Slice:
    """One image plane with its place in the patient.

    pixels: (rows, columns) float array, evidence or intensity.
    origin: (3,) center of the first pixel, LPS mm.
    row_step, column_step: (3,) vectors to the next row and column, mm; orthogonal.
    thickness: extent along the normal, mm. Not the distance to the next slice.
    label: where it comes from, for messages ("slice 4").
    source: the DICOM image it was read from; None where there is none.
    """

    pixels: np.ndarray
    origin: np.ndarray
    row_step: np.ndarray
    column_step: np.ndarray
    thickness: float
    label: str = "slice"
    source: SliceSource | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels, dtype=np.float64)
        if pixels.ndim != 2 or pixels.size == 0:
            raise BadStack(f"{self.label} is not a 2D image: its array has shape {pixels.shape}.")
        vectors = {name: np.asarray(getattr(self, name), dtype=np.float64) for name in ("origin", "row_step", "column_step")}
        for name, vector in vectors.items():
            if vector.shape != (3,):
                raise BadStack(f"The {name} of {self.label} has the shape {vector.shape}; it must be three numbers.")
            if not np.all(np.isfinite(vector)):
                raise BadStack(f"The {name} of {self.label} is not a vector of three finite numbers: {vector}.")
        row_length, column_length = (np.linalg.norm(vectors[name]) for name in ("row_step", "column_step"))
        if row_length == 0 or column_length == 0:
            raise BadStack(f"The pixel spacing of {self.label} is zero; check the image header.")
        skew = abs(vectors["row_step"] @ vectors["column_step"]) / (row_length * column_length)
        if skew > PERPENDICULAR:
            raise BadStack(f"The rows and columns of {self.label} are not perpendicular (cosine {skew:.3f}); resample the image first.")
        if not (np.isfinite(self.thickness) and self.thickness > 0):
            raise BadStack(f"The thickness of {self.label} is {self.thickness} mm; it must be greater than zero.")
        object.__setattr__(self, "pixels", pixels)
        for name, vector in vectors.items():
            object.__setattr__(self, name, vector)

    @property
    def normal(self) -> np.ndarray:
        """(3,) unit vector, column direction x row direction (as in DICOM)."""
        normal = np.cross(self.column_step, self.row_step)
        return normal / np.linalg.norm(normal)

    @property
    def spacing(self) -> tuple[float, float]:
        """Distance between rows, and between columns, mm."""
        return float(np.linalg.norm(self.row_step)), float(np.linalg.norm(self.column_step))

    @property
    def center(self) -> np.ndarray:
        """(3,) center of the image rectangle, LPS mm."""
        rows, columns = self.pixels.shape
        return self.origin + 0.5 * (rows - 1) * self.row_step + 0.5 * (columns - 1) * self.column_step

    def to_index(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm -> (n, 3) continuous row, continuous column, signed distance to the plane in mm.

        Pixel centers are at whole numbers.
        """
        offset = np.asarray(points, dtype=np.float64) - self.origin
        along_row, along_column = self.row_step / (self.row_step @ self.row_step), self.column_step / (self.column_step @ self.column_step)
        return offset @ np.column_stack([along_row, along_column, self.normal])

    def to_points(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Continuous (n,) rows and columns -> (n, 3) LPS mm in the plane."""
        return self.origin + np.outer(rows, self.row_step) + np.outer(columns, self.column_step)

    def corners(self) -> np.ndarray:
        """(8, 3) corners of the slab this slice covers (pixel edges, both faces), LPS mm."""
        rows, columns = self.pixels.shape
        corner_rows, corner_columns = np.array([-0.5, -0.5, rows - 0.5, rows - 0.5]), np.array([-0.5, columns - 0.5, -0.5, columns - 0.5])
        plane = self.to_points(corner_rows, corner_columns)
        half = 0.5 * self.thickness * self.normal
        return np.vstack([plane - half, plane + half])

    def window(self, rows: range, columns: range) -> Slice:
        """The part of the slice with these rows and columns, in its place."""
        origin = self.to_points(np.array([rows.start]), np.array([columns.start]))[0]
        return replace(self, pixels=self.pixels[rows.start : rows.stop, columns.start : columns.stop], origin=origin)

    def transformed(self, matrix: np.ndarray) -> Slice:
        """The slice moved by a 4x4 rigid (or uniformly scaling) transform, LPS to LPS."""
        rotation = np.asarray(matrix, dtype=np.float64)[:3, :3]
        return replace(
            self,
            origin=rotation @ self.origin + matrix[:3, 3],
            row_step=rotation @ self.row_step,
            column_step=rotation @ self.column_step,
            thickness=self.thickness * abs(np.linalg.det(rotation)) ** (1 / 3),
        )


@dataclass(frozen=True, eq=False)
class SliceStack:
    """All slices of a case: short- and long-axis, one series or many, in any order.

    notes: sentences about what was assumed when they were read ("The slice thickness ... was taken ...").
    """

    slices: tuple[Slice, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "slices", tuple(self.slices))
        if not self.slices:
            raise BadStack("The stack contains no slices.")

    def __len__(self) -> int:
        return len(self.slices)

    def __iter__(self) -> Iterator[Slice]:
        return iter(self.slices)

    @classmethod
    def from_volume(
        cls,
        array: np.ndarray,
        ijk_to_lps: np.ndarray,
        thickness: float,
        slice_axis: int = 2,
        notes: Sequence[str] = (),
        label: str = "slice",
    ) -> SliceStack:
        """Cut a volume into its slices.

        array: (k, j, i), as numpy sees SimpleITK images and Slicer volumes.
        ijk_to_lps: 4x4, voxel index (i, j, k) to LPS mm at voxel centers.
        thickness: mm.
        slice_axis: the index axis that runs across slices: 0 = i, 1 = j, 2 = k.
        """
        array = np.asarray(array)
        if array.ndim != 3:
            raise BadStack(f"The image has {array.ndim} dimensions; a 3D scalar volume is needed.")
        matrix = np.asarray(ijk_to_lps, dtype=np.float64)
        row_axis, column_axis = {2: (1, 0), 1: (2, 0), 0: (2, 1)}[slice_axis]
        planes = np.moveaxis(array, 2 - slice_axis, 0)
        slices = tuple(
            Slice(
                pixels=plane,
                origin=matrix[:3, 3] + number * matrix[:3, slice_axis],
                row_step=matrix[:3, row_axis],
                column_step=matrix[:3, column_axis],
                thickness=thickness,
                label=f"{label} {number}",
            )
            for number, plane in enumerate(planes)
        )
        return cls(slices, tuple(notes))

    @classmethod
    def joined(cls, stacks: Iterable[SliceStack]) -> SliceStack:
        stacks = tuple(stacks)
        return cls(
            tuple(one for stack in stacks for one in stack),
            tuple(dict.fromkeys(note for stack in stacks for note in stack.notes)),
        )

    def select(self, indices: Sequence[int]) -> SliceStack:
        """The slices with these numbers, counted from 0 in the order of the file."""
        wrong = [index for index in indices if not 0 <= index < len(self)]
        if wrong:
            raise BadStack(f"Slice {wrong[0]} does not exist; the stack has slices 0 to {len(self) - 1}.")
        if len(set(indices)) != len(indices) or not indices:
            raise BadStack("The list of slices is empty or names a slice twice.")
        return replace(self, slices=tuple(self.slices[index] for index in indices))

    def transformed(self, matrix: np.ndarray) -> SliceStack:
        return replace(self, slices=tuple(one.transformed(matrix) for one in self))

    def with_pixels(self, pixels: Sequence[np.ndarray]) -> SliceStack:
        """The same planes with other pixels (one (rows, columns) array per slice)."""
        return replace(self, slices=tuple(replace(one, pixels=values) for one, values in zip(self, pixels, strict=True)))

    def with_thickness(self, thickness: float) -> SliceStack:
        return replace(self, slices=tuple(replace(one, thickness=thickness) for one in self))

    def bounds(self) -> np.ndarray:
        """(2, 3) lowest and highest corner of all slabs, LPS mm."""
        corners = np.vstack([one.corners() for one in self])
        return np.array([corners.min(axis=0), corners.max(axis=0)])

    def parallel_groups(self) -> list[list[int]]:
        """Indices of slices with a common normal (within 2 degrees), each group sorted by position along it.

        Groups come with the largest first; positions run along the normal of the group's first slice in file order.
        """
        groups: list[list[int]] = []
        for index, one in enumerate(self):
            for group in groups:
                if abs(one.normal @ self.slices[group[0]].normal) > PARALLEL:
                    group.append(index)
                    break
            else:
                groups.append([index])
        for group in groups:
            normal = self.slices[group[0]].normal
            group.sort(key=lambda index: float(self.slices[index].center @ normal))
        return sorted(groups, key=len, reverse=True)

    def repeated(self) -> list[tuple[int, int]]:
        """Pairs of slices that show one place, such as magnitude and phase-sensitive images, phases, or a file given twice."""
        pairs = []
        for group in self.parallel_groups():
            normal = self.slices[group[0]].normal
            height = np.array([self.slices[number].center @ normal for number in group])
            for place, number in enumerate(group):
                for other in group[place + 1 : np.searchsorted(height, height[place] + self.slices[number].thickness, side="right")]:
                    if _show_one_place(self.slices[number], self.slices[other]):
                        pairs.append((min(number, other), max(number, other)))
        return sorted(pairs)

    def check_repeated(self) -> None:
        """Raise BadStack where two slices show one place: averaging them would mix what must not be mixed."""
        pairs = self.repeated()
        if pairs:
            one, other = (self.slices[number].label for number in pairs[0])
            more = f" (and {len(pairs) - 1} more pairs)" if len(pairs) > 1 else ""
            raise BadStack(
                f"Two images show the same place: {one} and {other}{more}. They may be magnitude and phase-sensitive images, "
                "phases, series of one place, or one file given twice; choose one set."
            )


def _show_one_place(one: Slice, other: Slice) -> bool:
    nearest = min(ONE_PLANE * min(one.thickness, other.thickness), 0.5 * min(*one.spacing, *other.spacing))
    if max(abs((other.center - one.center) @ plane.normal) for plane in (one, other)) > nearest:
        return False
    rows, columns = other.pixels.shape
    corners = other.to_points(np.array([-0.5, -0.5, rows - 0.5, rows - 0.5]), np.array([-0.5, columns - 0.5, -0.5, columns - 0.5]))
    index = one.to_index(corners)[:, :2]
    low = np.maximum(index.min(axis=0), -0.5)
    high = np.minimum(index.max(axis=0), np.array(one.pixels.shape) - 0.5)
    shared = float(np.prod(np.maximum(high - low, 0.0) * one.spacing))
    areas = [float(np.prod(plane.spacing) * plane.pixels.size) for plane in (one, other)]
    return shared > ONE_PLACE * min(areas)
