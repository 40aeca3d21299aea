"""The names of segments in files of 3D Slicer (NRRD) and Segment: what each label means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from CardioScarLib.core.case import LabelMap
from CardioScarLib.core.label_names import speaks_of_myocardium, speaks_of_other_tissue, speaks_of_scar
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.segment_mat import LABELS, SUFFIX

FIELD = re.compile(r"^Segment(\d+)_(Name|LabelValue):=(.*)$", re.MULTILINE)


def segment_names(path: Path) -> dict[int, str]:
    """Name by label value; empty for files that do not name their labels."""
    if path.suffix.lower() == SUFFIX:
        return dict(LABELS)
    if not path.name.lower().endswith((".nrrd", ".nhdr")):
        return {}
    with path.open("rb") as file:
        header = file.read(1 << 20).partition(b"\n\n")[0].replace(b"\r", b"").decode("utf-8", "replace")
    fields = {(number, key): value.strip() for number, key, value in FIELD.findall(header)}
    names = {}
    for (number, key), value in fields.items():
        label = fields.get((number, "LabelValue"), "")
        if key == "Name" and label.isdigit():
            names[int(label)] = value
    return names


def is_segmentation(path: Path) -> bool:
    """Whether a file is a label map by its header: a segmentation of 3D Slicer."""
    return path.suffix.lower() != SUFFIX and path.is_file() and bool(segment_names(path))


def named_labels(stack: SliceStack, paths: Sequence[Path], scar: Sequence[int] = (), myocardium: Sequence[int] | None = ()) -> LabelMap:
    """A label map of scar with the meaning of its labels: as given, otherwise by the names of its segments.

    scar, myocardium: labels that were given; None leaves the myocardium to another label map.
    A lone segment that is named after other tissue, such as "LV myocardium", is not scar.
    """
    names: dict[int, str] = {}
    for path in paths:
        names |= segment_names(path)
    given = {"scar": tuple(scar), **({} if myocardium is None else {"myocardium": tuple(myocardium)})}
    if not names:
        return LabelMap(stack, given)
    if myocardium is not None and not myocardium:
        given["myocardium"] = tuple(
            label for label, name in sorted(names.items()) if speaks_of_myocardium(name) and not speaks_of_scar(name)
        )
    if scar:
        return LabelMap(stack, given)
    found = tuple(label for label, name in sorted(names.items()) if speaks_of_scar(name))
    listed = ", ".join(f"{label} '{name}'" for label, name in sorted(names.items()))
    if not found and all(speaks_of_other_tissue(name) for name in names.values()):
        rule = f"None of the segments of {paths[0].name} is scar by its name ({listed}); give one of the scar, or --scar-labels."
        return LabelMap(stack, given, rule)
    if not found:
        return LabelMap(stack, given)
    words = " and ".join(f"{label} ('{names[label]}')" for label in found)
    several = len(found) > 1
    rule = f"By the names of its segments, label{'s' if several else ''} {words} mean{'' if several else 's'} scar."
    return LabelMap(stack, {**given, "scar": found}, rule)
