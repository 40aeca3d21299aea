"""Results in files: the map on its mesh, a record, the field itself, and the case it was made from.

    map.vtu             the mesh with the arrays of the map
    map.vtu.json        quantities, summary, audit and provenance, for people and programs
    map.vtu.field.npz   posterior, evidence and settings: what audit, advice and reports start from; no images
    map.vtu.case.npz    the slices and masks, and which DICOM images they came from; readable by their owner alone

The last two are read back by `read_result`, bit for bit. How a posterior is named in a file is given by the caller's table of
variants (see `core.packing`), so that this room knows no models.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.alignment import Alignment
from CardioScarLib.core.case import Case, LabelMap, ScarShares
from CardioScarLib.core.errors import BadWall, UnreadableFile, UnwritableOutput
from CardioScarLib.core.fingerprints import StackFingerprint, WallFingerprint
from CardioScarLib.core.packing import Variants, pack, unpack
from CardioScarLib.core.pseudonyms import pseudonymous
from CardioScarLib.core.result import Reconstruction, Result
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.version import __version__
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.files import PRIVATE, atomic_paths, check_not_read, check_readable, check_writable, clear_leftovers, one_step
from CardioScarLib.io.json_files import refused_as
from CardioScarLib.io.meshes import MeshFile, check_output_name, mesh_of_wall, read_wall, without_arrays, write_mesh
from CardioScarLib.io.npz import read_npz, write_npz
from CardioScarLib.io.opencarp import read_dat
from CardioScarLib.io.volumes import VOLUME_SUFFIXES, grid_around, write_probability_volume

FIELD_SCHEMA, CASE_SCHEMA = "cardioscar-field 1", "cardioscar-case 1"
OF_MAPS = (
    "scar_probability", "scar_uncertainty", "scar_observed", "scar_binary", "scar_lower", "scar_upper", "channel_probability",
)  # fmt: skip
"""Arrays that say something of one map: those of an earlier one must not lie beside a new one."""


@dataclass(frozen=True)
class Targets:
    """The files of a result. output: the mesh; the other files lie next to it. volume: optional."""

    output: Path
    volume: Path | None = None

    @property
    def record(self) -> Path:
        return beside(self.output, ".json")

    @property
    def field(self) -> Path:
        return beside(self.output, ".field.npz")

    @property
    def case(self) -> Path:
        return beside(self.output, ".case.npz")

    def check_names(self, inputs: Sequence[Path], overwrite: bool) -> None:
        """Raise UnwritableOutput for names that cannot be used, before anything is read. inputs: never overwritten."""
        outputs = (self.output, self.record, self.field, self.case, self.volume)
        check_not_read(outputs, inputs)
        for path in filter(None, outputs):
            check_writable(path, overwrite)
        if self.volume and not self.volume.name.lower().endswith(VOLUME_SUFFIXES):
            raise UnwritableOutput(f"{self.volume.name} is not a name for a volume; use one of {', '.join(VOLUME_SUFFIXES)}.")

    def check_for(self, mesh: MeshFile, arrays: Sequence[str], overwrite: bool) -> None:
        """Raise for what depends on the mesh, before the long work. arrays: names of those that will be written."""
        if check_output_name(mesh, self.output) == ".dat":
            for name in arrays:
                check_writable(self.output.with_name(f"{self.output.stem}_{name}.dat"), overwrite)
        if self.volume and mesh.wall.kind not in ("volume", "closed_surface"):
            raise BadWall(f"--volume needs a wall that encloses a volume; {mesh.path.name} is an open surface or points.")


def beside(output: Path, suffix: str) -> Path:
    """The name of a file that belongs to a result."""
    return output.with_name(output.name + suffix)


@dataclass(frozen=True, eq=False)
class StoredField:
    """A reconstruction without its arrays, and the fingerprints of its wall and slices. cardioscar: version that wrote it."""

    cardioscar: str
    wall: WallFingerprint
    stack: StackFingerprint
    found: Reconstruction


@dataclass(frozen=True, eq=False)
class StoredCase:
    """A case without its wall, which the mesh holds."""

    stack: SliceStack
    scar: LabelMap | None
    myocardium: LabelMap | None
    alignment: Alignment | None
    reading: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[dict[str, Any], ...] = ()
    shares: ScarShares | None = None


def array_names(model_has_spread: bool, threshold: float | None) -> list[str]:
    """Of the arrays that a reconstruction will have."""
    spread, binary = ["scar_uncertainty"] * model_has_spread, ["scar_binary"] * (threshold is not None)
    return ["scar_probability", *spread, "scar_observed", *binary]


def write_result(result: Result, targets: Targets, posteriors: Variants, overwrite: bool = False, keep_names: bool = False) -> list[Path]:
    """Write all files of a result, all or nothing, and return them: volume, mesh, record, field, case.

    posteriors: table of the classes that stand for a posterior. keep_names: of the inputs, in place of their pseudonyms.
    Raises UnwritableOutput, or BadWall for a volume of an open wall.
    """
    mesh = without_arrays(result.case.mesh or mesh_of_wall(result.case.wall, targets.output), OF_MAPS)
    targets.check_for(mesh, list(result.arrays), overwrite)
    written: list[Path] = []
    with one_step(targets.output):
        if targets.volume:
            grid = grid_around(result.case.wall, min(min(one.spacing) for one in result.case.stack))
            written.append(write_probability_volume(result.posterior.mean, result.case.wall, grid, targets.volume, overwrite))
        written += write_mesh(mesh, result.arrays, targets.output, overwrite)
        with atomic_paths([targets.record, targets.field, targets.case], overwrite) as (record, field_file, case_file):
            text = json.dumps(record_of_result(result, keep_names), indent=2, ensure_ascii=False)
            record.write_text(text + "\n", encoding="utf-8")
            field_file.write_bytes(field_bytes(result, posteriors, keep_names))
            _write_case(result.case, case_file, keep_names)
        written += [targets.record, targets.field, targets.case]
    return written


def read_result(path: Path, posteriors: Variants, case: Case | None = None) -> Result:
    """The result whose map is the mesh at `path`.

    case: the case of the map, if its file was not kept; refused if it is another one.
    Raises UnreadableFile, or OtherCase where map, field and case do not belong together.
    """
    targets = Targets(Path(path))
    clear_leftovers(targets.output.parent)
    if not targets.field.is_file():
        if not targets.output.is_file() and targets.output.suffix.lower() != ".dat":
            raise UnreadableFile(f"There is no file {targets.output.name}; check the path.")
        raise UnreadableFile(
            f"There is no {targets.field.name}, which holds the field, next to {targets.output.name}; make the map again, or keep the "
            "files of a result together."
        )
    with refused_as(f"The files of {targets.output.name} are damaged, or do not belong together; make the map again."):
        return _read_together(targets, posteriors, case)


def _read_together(targets: Targets, posteriors: Variants, case: Case | None) -> Result:
    stored = stored_field(targets.field, posteriors)
    if case is None:
        if targets.output.suffix.lower() == ".dat":
            raise UnreadableFile(f"{targets.output.name} holds numbers without their mesh; give the images and the mesh again.")
        if not targets.case.is_file():
            raise UnreadableFile(
                f"There is no {targets.case.name}, which holds the slices, next to {targets.output.name}; give images and mesh again."
            )
        case = _read_case(targets, stored.found.provenance.reading)
    stored.wall.check(case.wall)
    stored.stack.check(case.observed_stack)
    names = {name: values.dtype for name, values in stored.found.arrays.items()}
    arrays = (
        _arrays_of_dat(targets.output, names) if targets.output.suffix.lower() == ".dat" else _arrays(targets.output, case, list(names))
    )
    return Result.of(case, replace(stored.found, arrays=arrays))


def record_of_result(result: Result, keep_names: bool = False) -> dict[str, Any]:
    """What `.json` holds."""
    record = result.record()
    return record if keep_names else pseudonymous(record, result.provenance.inputs)


def field_bytes(result: Result, posteriors: Variants, keep_names: bool = False) -> bytes:
    """What `.field.npz` holds; also kept where there are no files, such as in a scene."""
    found = Reconstruction(**{name: value for name, value in vars(result).items() if name != "case"})
    # Of the arrays their names are kept: the values are on the mesh.
    found = replace(found, arrays={name: np.empty(0, values.dtype) for name, values in result.arrays.items()})
    case = result.case
    stored = StoredField(__version__, WallFingerprint.of(case.wall), StackFingerprint.of(case.observed_stack), found)
    buffer = BytesIO()
    values, arrays = pack(stored, posteriors)
    write_npz(buffer, FIELD_SCHEMA, values if keep_names else pseudonymous(values, result.provenance.inputs), arrays)
    return buffer.getvalue()


def result_from_bytes(content: bytes, case: Case, arrays: dict[str, np.ndarray], posteriors: Variants) -> Result:
    """The result from its `field_bytes`. Raises UnreadableFile, or OtherCase for another case."""
    with refused_as("The field of the map is damaged; make the map again."):
        stored = unpack(StoredField, *read_npz(content, FIELD_SCHEMA, "The field of the map"), posteriors)
        stored.wall.check(case.wall)
        stored.stack.check(case.observed_stack)
        return Result.of(case, replace(stored.found, arrays=arrays))


def stored_field(path: Path, posteriors: Variants) -> StoredField:
    """What `.field.npz` at `path` holds. Raises UnreadableFile."""
    try:
        return unpack(StoredField, *read_npz(check_readable(path), FIELD_SCHEMA, path.name), posteriors)
    except UnreadableFile as problem:
        raise UnreadableFile(f"{path.name} cannot be used: {problem}") from problem


def _write_case(case: Case, path: Path, keep_names: bool) -> None:
    stored = StoredCase(case.stack, case.scar, case.myocardium, case.alignment, dict(case.reading), case.inputs, case.shares)
    values, arrays = pack(stored)
    path.touch(mode=PRIVATE)
    with path.open("wb") as file:
        values = values if keep_names else pseudonymous(values, case.inputs)
        write_npz(file, CASE_SCHEMA, values, {name: _smaller(one) for name, one in arrays.items()})
    os.chmod(path, PRIVATE)


def _read_case(targets: Targets, reading: dict[str, Any]) -> Case:
    stored = unpack(StoredCase, *read_npz(check_readable(targets.case), CASE_SCHEMA, targets.case.name))
    regions = reading.get("mesh_regions")
    mesh = read_wall(targets.output, reading.get("mesh_frame") or "auto", reading.get("mesh_unit") or "auto", regions)
    return Case(
        stored.stack,
        Wall(mesh.wall.nodes, mesh.wall.tetrahedra, mesh.wall.triangles, mesh.wall.kind),
        stored.scar, stored.myocardium, stored.alignment, stored.reading, stored.inputs, mesh, stored.shares,
    )  # fmt: skip


def _arrays(path: Path, case: Case, names: list[str]) -> dict[str, np.ndarray]:
    """The arrays of the map, from the mesh that was just read, or from the file."""
    mesh = case.mesh if case.mesh is not None and case.mesh.path == path else read_wall(path)
    data = mesh.dataset.GetPointData()
    missing = [name for name in names if not data.HasArray(name)]
    if missing:
        raise UnreadableFile(f"{path.name} has no array {missing[0]}; the files next to it belong to another map.")
    return {name: np.array(vtk_to_numpy(data.GetArray(name))) for name in names}  # type: ignore[no-untyped-call]


def _arrays_of_dat(path: Path, names: dict[str, np.dtype]) -> dict[str, np.ndarray]:
    """The arrays of a map for openCARP: one file each."""
    return {name: read_dat(path.with_name(f"{path.stem}_{name}.dat"), dtype) for name, dtype in names.items()}


def _smaller(values: np.ndarray) -> np.ndarray:
    """The same numbers in fewer bytes, where none is lost: slices turn them into double precision again."""
    if values.dtype != np.float64 or values.ndim != 2:
        return values
    for kind in (np.uint8, np.int16, np.uint16, np.float32):
        with np.errstate(invalid="ignore", over="ignore"):
            narrow = values.astype(kind)
        if np.array_equal(narrow, values, equal_nan=True) and not np.any(np.signbit(values) & (values == 0)):
            return narrow
    return values
