"""Folders of small hearts for tests of networks that make images."""

import numpy as np
from segmented_hearts import ring_heart

from CardioScarLib.io.volumes import write_volume
from CardioScarLib.synthesis.files import as_image


def write_hearts(folder, count=3, kind="lge", first=0, slices=3, labels=True, invert=False, size=(44, 44)):
    """NAME_kind.nii.gz and NAME_labels.nii.gz of ring hearts."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image, classes = ring_heart(first + number, slices=slices, size=size, noise=0.03)
        one = image.slices[0]
        matrix = np.eye(4)
        step = image.slices[1].origin - one.origin
        matrix[:3, :3] = np.column_stack([one.column_step, one.row_step, step])
        matrix[:3, 3] = one.origin
        pixels = np.stack([each.pixels for each in image])
        if invert:
            pixels = 1100 - pixels
        write_volume(as_image(pixels.astype(np.float32), matrix), folder / f"p{first + number}_{kind}.nii.gz")
        if labels:
            drawn = np.stack([each.pixels for each in classes]).astype(np.uint8)
            write_volume(as_image(drawn, matrix), folder / f"p{first + number}_labels.nii.gz")
    return folder
