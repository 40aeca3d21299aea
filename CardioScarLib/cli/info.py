"""`cardioscar info`: describe a file, and check whether slices and wall meet."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from CardioScarLib.cli.console import say
from CardioScarLib.core.printable import one_line


@click.command(short_help="Describe a file, and check whether two meet.")
@click.argument("file", type=Path)
@click.argument("other", type=Path, required=False, metavar="[FILE2]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def info(file: Path, other: Path | None, as_json: bool) -> None:
    """Describe FILE (slices, a DICOM folder with its series, a wall, a trained network, training data); with FILE2, check whether
    slices and wall meet."""
    from CardioScarLib.core.slices import SliceStack
    from CardioScarLib.geometry.check import check_geometry
    from CardioScarLib.geometry.overlap import overlap
    from CardioScarLib.io.meshes import MeshFile
    from CardioScarLib.report.describe import DicomFolder, describe_content, read_any

    paths = [file] if other is None else [file, other]
    contents = [read_any(path) for path in paths]
    answer: dict = {"files": [describe_content(content, path) for content, path in zip(contents, paths, strict=True)]}
    opened = [content.stack if isinstance(content, DicomFolder) else content for content in contents]
    stacks = [content for content in opened if isinstance(content, SliceStack)]
    walls = [content.wall for content in contents if isinstance(content, MeshFile)]
    if stacks and walls:
        answer["overlap"] = overlap(stacks[0], walls[0])
        bare = replace(stacks[0], notes=()), replace(walls[0], notes=())  # their notes stand with the files
        answer["doubts"] = [one.text for one in check_geometry(*bare) if one.severity != "note"]
    elif other is not None:
        answer["overlap"] = None
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    for one in answer["files"]:
        say("\n".join(_lines(one)) + "\n")
    if "overlap" in answer:
        say("\n".join([_overlap_in_words(answer["overlap"]), *(f"doubt: {doubt}" for doubt in answer.get("doubts", []))]))


def _lines(value: dict, indent: str = "") -> list[str]:
    """A nested description as indented lines; empty and unknown values are omitted, except an unknown thickness."""
    lines = []
    for key, one in value.items():
        name = f"{indent}{key.replace('_', ' ')}"
        if key == "series":
            lines += [f"{indent}series:", *(f"{indent}    {_series(item)}" for item in one)]
        elif key.endswith("_arrays"):
            lines += [f"{name}: none"] if not one else [f"{name}:", *(f"{indent}    {_array(*item)}" for item in one.items())]
        elif key == "notes":
            lines += [f"{indent}note: {note}" for note in one]
        elif isinstance(one, dict):
            lines += [f"{name}:", *_lines(one, indent + "    ")]
        elif isinstance(one, list) and one and isinstance(one[0], dict):
            for item in one:
                lines += [f"{name}:", *_lines(item, indent + "    ")]
        elif key == "slice_thickness_mm" and one is None:
            lines.append(f"{name}: not in the file")
        elif one is not None:
            lines.append(f"{name}: {f'{one:.5g}' if isinstance(one, float) else one}")
    return lines


def _series(found: dict) -> str:
    """One line; what the scanner wrote as description comes last."""
    several = f" x {found['images_of_each']} images (--series {found['number']}.1 and so on)" if found["images_of_each"] > 1 else ""
    mark = ", proposed" if found["proposed"] else ""
    description = f": {found['description']}" if found["description"] else ""
    return f"{found['number']:>4}  {found['shows']}, {found['place']}, {found['slices']} slices{several}{mark}{description}"


def _array(name: str, found: dict) -> str:
    values = "no finite values" if found["min"] is None else f"{found['min']:.4g} to {found['max']:.4g}"
    parts = f", {found['components']} components" if found["components"] > 1 else ""
    missing = f", {found['not_finite']} not finite" if found["not_finite"] else ""
    return f"{one_line(name)}: {values}{parts}{missing}"


def _overlap_in_words(found: dict | None) -> str:
    from CardioScarLib.geometry.overlap import IN_WORDS

    if found is None:
        return "overlap: needs slices and a wall; these files are not one of each."
    words = f"overlap: {found['inside']:.0%} of the wall lies inside slices, {found['covered']:.0%} inside or between them."
    if found["gap"] > 0:
        words += f" The closest slice is {found['gap']:.3g} mm away."
    for remedy, share in found["remedies"].items():
        words += f" It would be {share:.0%} if {IN_WORDS[remedy]}."
    return words
