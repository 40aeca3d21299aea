"""Packed files that unpack to more than any slices or maps hold are refused before they have."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.nifti import read_nifti_header
from CardioScarLib.io.npz import read_npz, write_npz
from CardioScarLib.io.packed import check_unpacked
from CardioScarLib.io.training_data import read_unchecked
from CardioScarLib.io.volume_headers import bytes_held

SHAPE = (8, 512, 512)
BYTES = 2 * 8 * 512 * 512
REFUSED = r"{} unpacks to more than .* store it unpacked"


@pytest.fixture(autouse=True)
def a_low_limit(monkeypatch):
    monkeypatch.setattr("CardioScarLib.io.packed.MOST_UNPACKED", 1 << 20)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_an_image_of_nothing(tmp_path, suffix):
    image = sitk.GetImageFromArray(np.zeros(SHAPE, dtype=np.int16))
    sitk.WriteImage(image, str(tmp_path / f"bomb{suffix}"), useCompression=True)
    with pytest.raises(UnreadableFile, match=REFUSED.format(f"bomb{suffix}")):
        bytes_held(tmp_path / f"bomb{suffix}")


def test_what_is_not_packed_may_be_as_large_as_it_is(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros(SHAPE, dtype=np.int16)), str(tmp_path / "plain.nii"))
    assert read_nifti_header(tmp_path / "plain.nii").bytes_held == BYTES


def test_arrays_of_nothing(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", coordinates=np.zeros(BYTES, dtype=np.uint8))
    with pytest.raises(UnreadableFile, match=REFUSED.format("bomb.npz")):
        read_unchecked(tmp_path / "bomb.npz")
    write_npz(tmp_path / "map.npz", "a kind 1", {}, {"values": np.zeros(BYTES, dtype=np.uint8)})
    for source in (tmp_path / "map.npz", (tmp_path / "map.npz").read_bytes()):
        with pytest.raises(UnreadableFile, match=REFUSED.format("map.npz")):
            read_npz(source, "a kind 1", "map.npz")
    noise = np.random.default_rng(0).integers(0, 255, BYTES, dtype=np.uint8)
    write_npz(tmp_path / "noise.npz", "a kind 1", {}, {"values": noise})
    assert np.array_equal(read_npz(tmp_path / "noise.npz", "a kind 1", "noise.npz")[1]["values"], noise)


def test_the_limit_is_of_size_and_of_packing_both():
    check_unpacked("some", 1 << 20, 200 << 20)
    with pytest.raises(UnreadableFile):
        check_unpacked("some", 1 << 20, (200 << 20) + 1)
