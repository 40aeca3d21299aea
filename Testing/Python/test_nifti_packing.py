"""Packed NIfTI files that unpack to more than any stack of slices holds."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.nifti import read_nifti_header


def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("CardioScarLib.io.nifti.MOST_UNPACKED", 1 << 20)
    image = sitk.GetImageFromArray(np.zeros((8, 512, 512), dtype=np.int16))
    sitk.WriteImage(image, str(tmp_path / "bomb.nii.gz"), useCompression=True)
    with pytest.raises(UnreadableFile, match=r"bomb.nii.gz unpacks to more than .* store it unpacked"):
        read_nifti_header(tmp_path / "bomb.nii.gz")
    sitk.WriteImage(image, str(tmp_path / "plain.nii"))
    assert read_nifti_header(tmp_path / "plain.nii").bytes_held == 2 * 8 * 512 * 512
