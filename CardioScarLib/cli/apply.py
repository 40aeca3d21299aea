"""`cardioscar apply`: make a map from a trained network and a mesh."""

from __future__ import annotations

import time
from pathlib import Path

import click

from CardioScarLib.cli.console import say, say_notes
from CardioScarLib.cli.options import keep_names_option
from CardioScarLib.cli.training import SEED
from CardioScarLib.core.interrupts import hold_interrupts


@click.command(short_help="Make a scar map from a network and a mesh.")
@click.option("--model", required=True, type=Path, metavar="FILE", help="The network: .safetensors, or the original's .pth.")
@click.option("--mesh", required=True, type=Path, metavar="FILE", help="LV wall: VTK, PLY, STL, OBJ, openCARP.")
@click.option("--output", required=True, type=Path, metavar="FILE", help="The mesh with the results: .vtu .vtk .vtp, openCARP .dat.")
@click.option("--mc-samples", type=int, default=10, show_default=True, metavar="N", help="Number of dropout samples.")
@click.option("--batch-size", type=int, metavar="N", help="Nodes per batch. [default: 50000 on a GPU, 4096 on a CPU]")
@click.option("--threshold", type=float, metavar="T", help="Also write scar_binary: 1 at T or more.")
@click.option("--seed", type=int, default=SEED, show_default=True, metavar="N", help="Random seed.")
@click.option("--cpu", is_flag=True, help="Do not use a GPU. [default: a GPU if available]")
@click.option("--mesh-frame", default="auto", metavar="auto|lps|ras", help="Frame of the mesh.")
@click.option("--mesh-unit", default="auto", metavar="auto|mm|um|cm|m", help="Length unit of the mesh.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@keep_names_option
def apply(model, mesh, output, mc_samples, batch_size, threshold, seed, cpu, mesh_frame, mesh_unit, overwrite, keep_names) -> None:
    """Predict scar probability and uncertainty at the nodes of a mesh."""
    from CardioScarLib.core.provenance import Provenance, plain
    from CardioScarLib.core.pseudonyms import pseudonymous
    from CardioScarLib.io.checkpoints import read_checkpoint
    from CardioScarLib.io.files import check_not_read, check_writable, one_step
    from CardioScarLib.io.meshes import check_output_name, read_wall, write_mesh
    from CardioScarLib.io.records import input_files, write_record
    from CardioScarLib.original.apply import apply as run
    from CardioScarLib.reconstruction.dropout.device import require_torch

    require_torch()
    check_not_read((output, output.with_name(output.name + ".json")), (mesh, model))
    check_writable(output, overwrite)
    check_writable(output.with_name(output.name + ".json"), overwrite)
    checkpoint = read_checkpoint(model)
    mesh_file = read_wall(mesh, mesh_frame, mesh_unit)
    check_output_name(mesh_file, output)
    started = time.perf_counter()
    result = run(checkpoint, mesh_file.wall, mc_samples, seed, "cpu" if cpu else "auto", batch_size, threshold)
    seconds = {"apply": time.perf_counter() - started}
    say_notes(result.notes)
    means = {name: float(values.mean()) for name, values in result.arrays.items()}
    settings = {"model": {"model": "network", "samples": mc_samples, "seed": seed}, "threshold": threshold, "training": checkpoint.settings}
    reading = {"mesh_frame": mesh_file.frame, "mesh_unit": mesh_file.unit}
    provenance = Provenance.now(settings, seconds, input_files((model, mesh_file.path)), reading, result.notes)
    summary = {"nodes": len(mesh_file.wall.nodes), "device": result.device, "means": means}
    record = plain({"summary": summary, "provenance": provenance.as_dict()})
    record = record if keep_names else pseudonymous(record, provenance.inputs)
    with hold_interrupts(), one_step(output):
        written = write_mesh(mesh_file, result.arrays, output, overwrite)
        written.append(write_record(record, output, overwrite))
    words = [f"Mean   scar probability {means['scar_probability']:.3f}, uncertainty {means['scar_uncertainty']:.3f} ({result.device})"]
    if threshold is not None:
        words.append(f"Scar   {means['scar_binary']:.1%} of the nodes at {threshold:g} or more")
    words += [f"{'Wrote' if number == 0 else '':<7}{path}" for number, path in enumerate(written)]
    say("\n".join(words))
