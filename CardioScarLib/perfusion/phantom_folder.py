"""Phantoms as files, in the layout of PhysioNet's database, with their truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.version import __version__
from CardioScarLib.io.files import atomic_path, made_folder
from CardioScarLib.io.volumes import write_volume
from CardioScarLib.perfusion.layout import TABLE
from CardioScarLib.perfusion.phantom_beat import drawn_ejection, gated_scan
from CardioScarLib.perfusion.phantom_images import STUDIES, heart_of, study
from CardioScarLib.perfusion.phantom_ranges import Ranges, drawn_subject

TRUTH, GATED = "truth.json", "gated"
THRESHOLDS = (0.5, 0.6, 0.7)


def write_phantoms(
    folder: Path,
    count: int,
    seed: int,
    ranges: Ranges,
    progress: Callable[..., None],
    studies: Sequence[str] = STUDIES,
    gates: int = 0,
    overwrite: bool = False,
) -> list[Path]:
    """Volumes, masks (at least half of a voxel is wall), the shares of wall, demographics.csv and truth.json, of patients seed, seed + 1...

    gates: of a second scan of each, in the folder `gated`; 0 makes none. truth.json has the true extents, in % of the wall below a share
    of the highest perfusion, the volumes of the cavity, and everything a phantom was made of.
    """
    made_folder(folder)
    written, rows, truth = [], [], {}
    for number in range(count):
        progress("phantoms", number, count)
        subject = drawn_subject(seed + number, ranges)
        patient = f"phantom-{seed + number:04}"
        for name in studies:
            uid = f"{patient}-{name}"
            counts, share = study(subject, name, 2 * (seed + number) + STUDIES.index(name))
            mask = sitk.Cast(share >= 0.5, sitk.sitkUInt8)
            for ending, image in (("", counts), ("_mask", mask), ("_share", share)):
                place = folder / f"{uid}{ending}.nii.gz" if ending != "_share" else made_folder(folder / "shares") / f"{uid}{ending}.nii.gz"
                with atomic_path(place, overwrite) as temporary:
                    write_volume(image, temporary)
                written.append(place)
            heart = heart_of(subject, name)
            rows.append({"uid": uid, "patient": patient, "study": name})
            beat = {}
            if gates:
                ejected = drawn_ejection(seed + number)
                images, volumes = gated_scan(subject, name, gates, ejected, 2 * (seed + number) + STUDIES.index(name))
                place = made_folder(folder / GATED) / f"{uid}_gated.nii.gz"
                with atomic_path(place, overwrite) as temporary:
                    write_volume(sitk.JoinSeries(images), temporary)
                written.append(place)
                beat = {"gate_ml": volumes, "ejection_fraction_percent": 100 * (1 - volumes.min() / volumes.max())}
            truth[uid] = {
                **beat,
                "extent_percent": {f"{one:g}": heart.extent(one) for one in THRESHOLDS},
                "cavity_ml": heart.cavity_ml,
                "heart": asdict(heart),
                "camera": asdict(subject.camera),
                "torso": asdict(subject.torso),
            }
    progress("phantoms", count, count)
    with atomic_path(folder / TABLE, overwrite) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["uid", "patient", "study"], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    with atomic_path(folder / TRUTH, overwrite) as temporary:
        temporary.write_text(
            json.dumps({"made_by": f"CardioScar {__version__}", "cases": truth}, default=_plain, indent=1) + "\n", encoding="utf-8"
        )
    return [*written, folder / TABLE, folder / TRUTH]


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value.tolist()
