"""The steps of `cardioscar reconstruct` between reading and the last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.errors import BadStack, BadWall, UnwritableOutput
from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.io.files import check_writable
from CardioScarLib.io.meshes import MeshFile, check_output_name, write_mesh
from CardioScarLib.io.volumes import VOLUME_SUFFIXES, grid_around, write_probability_volume
from CardioScarLib.pipeline import Reconstruction
from CardioScarLib.pipeline import reconstruct as run  # noqa: F401  (the step in the middle)
from CardioScarLib.provenance import provenance, write_provenance
from CardioScarLib.quantification.burden import scar_burden
from CardioScarLib.settings import ReconstructionSettings

GRID_TOLERANCE = 1e-2
"""mm: a mask whose pixels lie further than this from the image's is on another grid."""


@dataclass(frozen=True)
class Targets:
    """Where results go. output: the mesh; its provenance lies beside it as `<output>.json`. volume: optional."""

    output: Path
    volume: Path | None = None

    @property
    def record(self) -> Path:
        return self.output.with_name(self.output.name + ".json")

    def check_names(self, images: Sequence[Path], overwrite: bool) -> None:
        """Raise UnwritableOutput for what can be known before anything is read. images: never overwritten."""
        for path in filter(None, (self.output, self.record, self.volume)):
            if path.exists() and any(image.exists() and path.samefile(image) for image in images):
                raise UnwritableOutput(f"{path.name} is one of the images that are read and was kept; choose another name for the result.")
            check_writable(path, overwrite)
        if self.volume and not self.volume.name.lower().endswith(VOLUME_SUFFIXES):
            raise UnwritableOutput(f"{self.volume.name} is not a name for a volume; use one of {', '.join(VOLUME_SUFFIXES)}.")

    def check_for(self, mesh_file: MeshFile, settings: ReconstructionSettings, overwrite: bool) -> None:
        """Raise for what depends on the mesh, before the long work."""
        if check_output_name(mesh_file, self.output) == ".dat":
            names = ["scar_probability", "scar_observed"]
            names += ["scar_uncertainty"] if settings.model.model in ("field", "network") else []
            names += ["scar_binary"] if settings.threshold is not None else []
            for name in names:
                check_writable(self.output.with_name(f"{self.output.stem}_{name}.dat"), overwrite)
        if self.volume and mesh_file.wall.kind not in ("volume", "closed_surface"):
            raise BadWall(f"--volume needs a wall that encloses a volume; {mesh_file.path.name} is an open surface or points.")


def with_mask(stack: SliceStack, mask: SliceStack) -> SliceStack:
    """The stack with the mask's labels as its pixels. Raises BadStack unless both are on the same grid."""
    if len(mask) != len(stack):
        raise BadStack(f"The mask has {len(mask)} slices and the image {len(stack)}; they have to be on the same grid.")
    for image, labels in zip(stack, mask, strict=True):
        if labels.pixels.shape != image.pixels.shape:
            sizes = [f"{columns} x {rows}" for rows, columns in (labels.pixels.shape, image.pixels.shape)]
            raise BadStack(f"The mask has slices of {sizes[0]} pixels and the image of {sizes[1]}; they have to be on the same grid.")
        apart = float(np.linalg.norm(labels.corners() - image.corners(), axis=1).max())
        if apart > GRID_TOLERANCE:
            raise BadStack(f"The mask lies up to {apart:.3g} mm from the image's pixels ({image.label}); they have to be on the same grid.")
    return stack.with_pixels([labels.pixels for labels in mask])


def write(
    result: Reconstruction,
    mesh_file: MeshFile,
    targets: Targets,
    images: Sequence[Path],
    reading: Mapping,
    spacing: float,
    overwrite: bool,
) -> dict:
    """Write mesh, volume and provenance, all or nothing; returns what `--json` prints.

    images: the files the slices came from. reading: how they and the mesh were read, for the provenance.
    spacing: of the volume's voxels, mm.
    """
    record = provenance(result.settings, (mesh_file.path, *images), result.seconds, result.summary, result.notes)
    record["reading"] = {**reading, "mesh_frame": mesh_file.frame, "mesh_unit": mesh_file.unit}
    there_before = {path for target in (targets.output, targets.volume) if target for path in target.parent.iterdir()}
    written: list[Path] = []
    try:
        if targets.volume:
            grid = grid_around(result.wall, spacing)
            written.append(write_probability_volume(result.posterior.mean, result.wall, grid, targets.volume, overwrite))
        written += write_mesh(mesh_file, result.arrays, targets.output, overwrite)
        written.append(write_provenance(record, targets.output, overwrite))
    except BaseException:
        for path in set(written) - there_before:
            path.unlink(missing_ok=True)
        raise
    scar = scar_burden(result.wall, result.arrays["scar_probability"].astype(np.float64))
    return {"outputs": [str(path) for path in written], "scar": scar, **record}


SHARE_OF = {"volume": "wall", "closed_surface": "wall's surface", "shell": "wall's surface", "points": "wall's points"}
"""What the percentage of scar is a share of, by kind of wall: without cells inside, it is not one of the volume."""


def in_words(report: dict) -> str:
    """The last words of a run, for a person."""
    scar, summary = report["scar"], report["summary"]
    amount = f"{scar['scar_ml']:.1f} mL, {scar['scar_g']:.1f} g, " if "scar_ml" in scar else ""
    lines = [f"Scar   {amount}{scar['scar_percent']:.1f} % of the {SHARE_OF[summary['wall']]} (expected amount)"]
    if beyond := summary["nodes_beyond_the_stack"]:
        share = f"{beyond / summary['nodes']:.0%}"
        lines.append(f"Beyond {share} of the nodes lie beyond the slices, where the map is a guess (scar_observed 0)")
    if found := summary.get("audit"):
        lines.append(f"Audit  {found['light'].upper()}: {found['sentence']}")
        lines += [f"       {one['sentence']}" for one in (*found["claims"], *found["suspects"])]
    lines += [f"{'Wrote' if number == 0 else '':<7}{path}" for number, path in enumerate(report["outputs"])]
    lines.append(f"Time   {sum(report['seconds'].values()):.1f} s")
    return "\n".join(lines)
