"""The weights that come with the library: unchanged, small, and as good as the documentation says on a simulated heart."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.images import read_stack
from CardioScarLib.segmentation import weights
from CardioScarLib.segmentation.predict import segment
from CardioScarLib.segmentation.scores import scores_of
from CardioScarLib.synthesis import simulated_heart

pytest.importorskip("monai")
pytest.importorskip("surface_distance")

DATA = os.environ.get("CARDIOSCAR_REAL_DATA")
"""A folder with the sample of EMIDEC in emidec_sample, whose license does not allow to keep it here."""


@pytest.fixture(scope="module")
def networks():
    return weights.read_weights("default"), weights.read_weights("finder")


@pytest.fixture(scope="module")
def heart():
    made = simulated_heart(900_029)
    return tuple(SliceStack.from_volume(array, made.matrix, made.thickness) for array in (made.image, made.labels))


def test_they_are_small_and_have_a_card():
    files = list(weights.SHIPPED.glob("*.safetensors"))
    assert {one.stem for one in files} == {"default", "finder"} == set(weights.SHIPPED_SHA256)
    assert sum(one.stat().st_size for one in files) < 5e6
    assert "Not for clinical use" in (weights.SHIPPED / "MODEL_CARD.md").read_text()


def test_weights_that_were_exchanged_are_refused(tmp_path, monkeypatch):
    for one in weights.SHIPPED.glob("*.safetensors"):
        (tmp_path / one.name).write_bytes((weights.SHIPPED / "finder.safetensors").read_bytes())
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    with pytest.raises(UnreadableFile, match="not those that came with the library"):
        weights.read_weights("default")


def test_a_simulated_heart_is_segmented_and_its_storage_does_not_matter(networks, heart):
    image, truth = heart
    found = segment(image, *networks)
    scores = scores_of(found.labels, truth)
    least = {"cavity": 0.95, "wall": 0.9, "scar": 0.7}  # .98, .94 and .75 when they were shipped
    assert all(scores[name].dice > value for name, value in least.items())
    turned = SliceStack(tuple(_transposed(one) for one in image.slices[::-1]))
    again = segment(turned, *networks)
    for one, other in zip(again.labels.slices[::-1], found.labels, strict=True):
        assert np.array_equal(one.pixels.T, other.pixels)


def _transposed(one):
    return replace(one, pixels=one.pixels.T, row_step=one.column_step, column_step=one.row_step)


@pytest.mark.skipif(not DATA, reason="CARDIOSCAR_REAL_DATA does not name a folder with the sample of EMIDEC")
def test_a_real_infarct_is_segmented_by_what_was_learned_from_simulated_ones(networks):
    folder = Path(DATA) / "emidec_sample"
    image = read_stack([folder / "samplePositive_lge.nii.gz"])
    truth = read_stack([folder / "samplePositive_labels.nii.gz"], label_map=True)
    scores = scores_of(segment(image, *networks).labels, truth)
    assert [scores[name].dice > least for name, least in (("cavity", 0.9), ("myocardium", 0.75), ("scar", 0.5))] == [True] * 3
