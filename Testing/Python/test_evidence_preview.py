"""The evidence as it is shown before a run."""

from dataclasses import replace

import numpy as np
import pytest
from test_evidence import INTENSITY_METHODS, ring

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.quantity import level_in_words
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.evidence.preview import NOT_USED, OTHER, PARTLY, REMOTE, SCAR, preview_evidence


@pytest.fixture(scope="module")
def a_ring():
    return ring()


def preview(case, method, **settings):
    return preview_evidence(case.stack, case.pixels, EvidenceSettings(method, lge_type="magnitude", **settings))


@pytest.mark.parametrize("method", INTENSITY_METHODS)
def test_it_is_the_evidence_of_a_run(a_ring, method):
    settings = EvidenceSettings(method, lge_type="magnitude", n_sd=4.0)
    shown = preview_evidence(a_ring.stack, a_ring.pixels, settings)
    run = derive_evidence(a_ring.stack, a_ring.pixels, settings)
    assert np.array_equal(shown.evidence.values, run.values) and np.array_equal(shown.evidence.weights, run.weights)
    assert np.array_equal(shown.kinds == SCAR, (run.values >= 0.5) & (run.weights > 0))
    assert np.array_equal(shown.kinds == NOT_USED, run.weights == 0)


@pytest.mark.parametrize("method", INTENSITY_METHODS)
def test_scar_is_where_the_scar_is_and_remote_is_not(a_ring, method):
    shown = preview(a_ring, method)
    assert a_ring.fraction[shown.kinds == SCAR].mean() > 0.8
    assert a_ring.fraction[shown.kinds == REMOTE].mean() < 0.05
    assert np.count_nonzero(shown.kinds == REMOTE) > 500


@pytest.mark.parametrize("method", ["weighted", "nsd", "fwhm", "otsu", "gmm", "rician"])
def test_the_threshold_splits_scar_from_the_rest(a_ring, method):
    shown = preview(a_ring, method)
    intensity = shown.evidence.regions.intensity
    assert intensity[shown.kinds == SCAR].min() >= shown.threshold
    assert intensity[np.isin(shown.kinds, (REMOTE, PARTLY, OTHER))].max() <= shown.threshold


def test_what_is_next_to_nothing_on_its_scale_is_said_to_be_nothing(a_ring):
    shown = preview(a_ring, "nsd")
    tiny = {**shown.evidence.description, "remote_mean": 8.757e-27, "remote_sd": 3.79e-42}
    said = replace(shown, evidence=replace(shown.evidence, description=tiny)).sentence
    assert "remote myocardium is at 0 (SD 0)" in said and "e-" not in said
    assert "remote myocardium is at 0 " not in shown.sentence
    assert level_in_words(0.0123456, 1.0) == "0.01235" and level_in_words(-149.96, 200.0) == "-150"


def test_a_higher_threshold_leaves_less_scar(a_ring):
    few, many = preview(a_ring, "nsd", n_sd=12.0), preview(a_ring, "nsd", n_sd=3.0)
    assert few.threshold > many.threshold
    assert 0 < np.count_nonzero(few.kinds == SCAR) < np.count_nonzero(many.kinds == SCAR)


def test_the_histogram_counts_every_pixel_used_once(a_ring):
    shown = preview(a_ring, "weighted")
    for kind in (REMOTE, PARTLY, SCAR, OTHER):
        assert shown.counts[:, kind].sum() == np.count_nonzero(shown.kinds == kind)
    middle = 0.5 * (shown.edges[1:] + shown.edges[:-1])
    assert middle[np.argmax(shown.counts[:, REMOTE])] == pytest.approx(shown.evidence.regions.remote_mean, abs=10)


def test_a_label_map_has_scar_and_other_pixels_only(a_ring):
    labels = a_ring.with_pixels(lambda image: (image > 200).astype(float))
    shown = preview(labels, "labels")
    assert shown.evidence.regions is None and shown.threshold is None
    assert set(np.unique(shown.kinds)) == {SCAR, OTHER}
    assert shown.sentence.startswith("Method labels: ")


def test_the_sentence_has_the_numbers(a_ring):
    shown = preview(a_ring, "nsd")
    scar, used = np.count_nonzero(shown.kinds == SCAR), np.count_nonzero(shown.kinds)
    assert shown.sentence.startswith(f"Method nsd: {scar} of {used} pixels in the myocardium are scar ({scar / used:.0%}), ")
    assert f"scar from {shown.threshold:.4g} on" in shown.sentence


def test_what_a_run_refuses_is_refused(a_ring):
    with pytest.raises(BadEvidence, match="everywhere in the myocardium"):
        preview(a_ring.with_pixels(lambda image: np.full_like(image, 7.0)), "weighted")
