"""`cardioscar reconstruct`: files in, files out."""

from __future__ import annotations

import json

import click

from CardioScarLib.cli.arguments import Integers, setting
from CardioScarLib.cli.console import progress_bars, say_notes
from CardioScarLib.errors import BadSettings
from CardioScarLib.settings import (
    EVIDENCE_METHODS,
    LGE_TYPES,
    MODELS,
    PIXEL_SUPPORTS,
    PRESETS,
    SLICE_PROFILES,
    EvidenceSettings,
    ModelSettings,
    OperatorSettings,
    ReconstructionSettings,
)


@click.command()
@click.option("--mesh-vtk", "mesh", required=True, metavar="FILE", help="LV wall: .vtk .vtu .vtp .ply .stl, openCARP .pts/.elem.")
@click.option("--image", "images", required=True, multiple=True, metavar="FILE...", help="LGE slices: NRRD, NIfTI, MHA, DICOM folder, VTK layers.")
@click.option("--mask", "masks", multiple=True, metavar="FILE...", help="Segmentation on the image's own grid, used instead of its intensities.")
@click.option("--output", required=True, metavar="FILE", help="The mesh with the results: .vtu .vtk .vtp, openCARP .pts.")
@click.option("--volume", metavar="FILE", help="Also write the probability as a volume: .nrrd, .nii.gz.")
@setting("--model", ModelSettings, "model", type=click.Choice(MODELS), help="The field, or a baseline.")
@setting("--preset", ModelSettings, "preset", type=click.Choice(PRESETS), help="Effort of the field.")
@setting("--evidence", EvidenceSettings, "method", type=click.Choice(EVIDENCE_METHODS), help="From pixels to scar evidence.")
@setting("--n-sd", EvidenceSettings, "n_sd", type=float, help="Standard deviations above remote myocardium, for nsd.")
@setting("--scar-labels", EvidenceSettings, "scar_labels", type=Integers(), metavar='"3,4"', help="Labels that mean scar.")
@setting("--lge-type", EvidenceSettings, "lge_type", type=click.Choice(LGE_TYPES), help="Kind of LGE image.")
@setting("--null-level", EvidenceSettings, "null_level", type=float, help="Intensity of nulled signal in PSIR; estimated if not given.")
@setting("--pixel-support", OperatorSettings, "pixel_support", type=click.Choice(PIXEL_SUPPORTS), help="What a pixel averages.")
@setting("--slice-profile", OperatorSettings, "slice_profile", type=click.Choice(SLICE_PROFILES), help="Sensitivity through the slice.")
@click.option("--slice-axis", type=click.Choice(["x", "y", "z"]), default="z", show_default=True, help="Index axis of the image across slices.")
@click.option("--slice-indices", type=Integers(), metavar='"2,5,8"', help="Use these slices only, counted from 0.")
@click.option("--slice-thickness", type=float, metavar="MM", help="Slice thickness, if the file does not know it.")
@click.option("--mesh-frame", type=click.Choice(["auto", "lps", "ras"]), default="auto", show_default=True, help="Frame of the mesh.")
@click.option("--mesh-unit", type=click.Choice(["auto", "mm", "um", "m"]), default="auto", show_default=True, help="Length unit of the mesh.")
@click.option("--vtk-scalar-field", default="ScalarValue", show_default=True, metavar="NAME", help="Array to read from VTK layers.")
@setting("--threshold", ReconstructionSettings, "threshold", type=float, help="Also write scar_binary: probability at least this.")
@setting("--samples", ModelSettings, "samples", type=int, help="Joint samples behind the uncertainty.")
@setting("--seed", ModelSettings, "seed", type=int, help="Of everything random.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def reconstruct(
    mesh, images, masks, output, volume, model, preset, evidence, n_sd, scar_labels, lge_type, null_level, pixel_support, slice_profile,
    slice_axis, slice_indices, slice_thickness, mesh_frame, mesh_unit, vtk_scalar_field, threshold, samples, seed, overwrite, as_json,
) -> None:  # fmt: skip
    """Reconstruct scar probability and uncertainty on an LV wall from a stack of LGE slices."""
    if masks:
        if evidence not in ("auto", "labels"):
            raise BadSettings(f"--mask replaces the intensities, so --evidence {evidence} has nothing to work on; leave one of the two out.")
        evidence = "labels"
    settings = ReconstructionSettings(
        OperatorSettings(pixel_support, slice_profile),
        EvidenceSettings(evidence, lge_type, n_sd, null_level, scar_labels),
        ModelSettings(model, preset, samples, seed),
        threshold,
    )
    raise NotImplementedError(json.dumps(settings.as_dict()) and str((progress_bars, say_notes)))
