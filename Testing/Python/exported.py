"""Maps of a phantom in files for tests of exports: one from DICOM images, one from a volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from dicom_files import MR, an_image, save

from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.phantom import phantom_case

CASE = phantom_case("W", seed=4, nodes=1000, pixel=4.0)
SCALE = 1000


def write_maps(folder: Path) -> None:
    """`map.vtu`, of a model with samples, from the DICOM images in `images`; `nearest.vtu`, of one without, from `slices.nrrd`."""
    write_phantom(CASE, folder)
    for number, one in enumerate(CASE.stack, 1):
        image = an_image(
            np.rint(SCALE * one.pixels),
            MR,
            SeriesInstanceUID="1.2.3.7",
            SeriesNumber=7,
            SeriesDescription="LGE",
            ImageType=["ORIGINAL", "PRIMARY", "M"],
            ImagePositionPatient=np.round(one.origin, 6).tolist(),
            ImageOrientationPatient=np.round([*one.column_step / one.spacing[1], *one.row_step / one.spacing[0]], 9).tolist(),
            PixelSpacing=np.round(one.spacing, 6).tolist(),
            SliceThickness=8.0,
            InstanceNumber=number,
            RescaleSlope=1 / SCALE,
            RescaleIntercept=0,
            PatientSex="F",
            PatientBirthDate="19510102",
            StudyDate="20260102",
        )
        save(image, folder / "images" / f"{number:02}.dcm")
    given = ["reconstruct", "--mesh-vtk", str(folder / "wall.vtu"), "--evidence", "values"]
    field = ["--image", str(folder / "images"), "--preset", "preview", "--samples", "8", "--output", str(folder / "map.vtu")]
    volume = ["--image", str(folder / "slices.nrrd"), "--slice-thickness", "8"]
    assert main([*given, *field]) == 0
    assert main([*given, *volume, "--model", "nearest", "--output", str(folder / "nearest.vtu")]) == 0
