"""From a segmentation to a map: its wall, its probabilities as evidence with weights, and how sure the amount is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from segmented_hearts import ring_heart, rotation

from CardioScarLib import pipeline
from CardioScarLib.core.case import Case, LabelMap
from CardioScarLib.core.errors import BadContours, BadSettings
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, ReconstructionSettings, WallSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.front_door import read_result
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.process.posterior import ProcessPosterior
from CardioScarLib.segmentation.amounts import amounts_of
from CardioScarLib.segmentation.predict import Segmentation, uncertainty_of
from CardioScarLib.segmentation.to_case import case_of
from CardioScarLib.tasks.files import write

LINEAR = ReconstructionSettings(model=ModelSettings("linear"))
QUICK = ReconstructionSettings(model=ModelSettings("field", "preview"))


def segmentation(sure=0.98, spread=0.3, certain=1.0, **heart):
    """Of a ring heart: true classes, each with this probability, scar and healthy wall sharing the rest."""
    image, labels = ring_heart(frame=rotation(), noise=0, **heart)
    chances = []
    for one in labels:
        each = np.eye(5)[one.pixels.astype(int)].transpose(2, 0, 1)
        mixed = each.copy()
        mixed[2], mixed[3] = sure * each[2] + (1 - sure) * each[3], sure * each[3] + (1 - sure) * each[2]
        chances.append((certain * mixed + (1 - certain) * np.eye(5)[0][:, None, None]).astype(np.float32))
    unknown = tuple(np.zeros(one.pixels.shape) for one in image)
    return Segmentation(image, labels, tuple(chances), uncertainty_of(chances), unknown, "a stand-in", spread, ())


@pytest.fixture(scope="module")
def found():
    return segmentation()


@pytest.fixture(scope="module")
def case(found):
    return case_of(found, WallSettings(edge_length=4.0))


def test_labels_that_make_no_wall_are_blamed_and_not_the_mesh(found):
    def specks(pixels):
        kept = np.zeros_like(pixels)
        kept[40:42, 40:42], kept[40, 40] = 2, 1
        return kept

    few = replace(found, labels=found.labels.with_pixels([specks(one.pixels) for one in found.labels]))
    with pytest.raises(BadContours, match="The network's labels make no LV wall; look at them"):
        case_of(few, WallSettings(edge_length=4.0))


def true_share(found):
    values = np.concatenate([one.pixels.ravel() for one in found.labels])
    return np.sum(values == 3) / np.sum(values >= 2)


def test_the_map_has_the_scar_of_the_segmentation_where_it_is(found, case):
    result = pipeline.reconstruct(case, LINEAR)
    burden = np.average(result.arrays["scar_probability"], weights=case.wall.node_measure)
    assert burden == pytest.approx(true_share(found), abs=0.05)
    assert result.summary["evidence"]["method"] == "segmentation" and result.summary["evidence"]["network"] == "a stand-in"
    scarred = case.wall.nodes[result.arrays["scar_probability"] > 0.7]
    middle = np.mean([one.to_points(*np.nonzero(one.pixels == 3)).mean(axis=0) for one in found.labels], axis=0)
    assert np.linalg.norm(scarred.mean(axis=0) - middle) < 6


def test_probabilities_count_in_part_and_not_as_a_hard_mask(case):
    unsure = case_of(segmentation(sure=0.7), WallSettings(edge_length=4.0))
    highest = [pipeline.reconstruct(one, LINEAR).arrays["scar_probability"].max() for one in (case, unsure)]
    assert highest[0] > 0.95 and 0.65 < highest[1] < 0.75


@pytest.mark.parametrize("preset", ["preview", "standard"])
def test_smooth_probabilities_are_no_sign_of_smooth_scar(case, preset):
    """The same fractions as measured ones are smooth; as those of a network they are continued as rough scar is, and less surely."""
    settings = ReconstructionSettings(model=ModelSettings("field", preset, samples=8))
    smoothed = [
        np.divide(ndimage.gaussian_filter(one.pixels * weight.pixels, 2), np.maximum(ndimage.gaussian_filter(weight.pixels, 2), 1e-6))
        for one, weight in zip(case.shares.stack, case.shares.weights, strict=True)
    ]
    stack = case.shares.stack.with_pixels(smoothed)
    told = pipeline.reconstruct(replace(case, shares=replace(case.shares, stack=stack)), settings)
    measured = pipeline.reconstruct(Case(stack, case.wall), settings.with_evidence(method="values"))
    assert isinstance(measured.posterior, FieldPosterior) and isinstance(told.posterior, ProcessPosterior)
    assert told.arrays["scar_uncertainty"].mean() > 1.2 * measured.arrays["scar_uncertainty"].mean()


@pytest.mark.parametrize("preset", ["preview", "standard"])
def test_a_heart_without_scar_stays_without(case, preset):
    """Rough scar of which there is none: nothing to choose lengths by, and nothing to draw."""
    none = replace(case.shares, stack=case.shares.stack.with_pixels([0 * one.pixels for one in case.shares.stack]))
    settings = ReconstructionSettings(model=ModelSettings("field", preset, samples=8))
    result = pipeline.reconstruct(replace(case, shares=none), settings)
    assert result.arrays["scar_probability"].max() < 0.05 and np.isfinite(result.arrays["scar_uncertainty"]).all()
    burden = next(one for one in result.quantities if one.label == "Scar burden")
    assert burden.value < 0.5 and burden.low < 0.1 and burden.high < 5


def test_pixels_that_may_be_no_wall_weigh_less(case):
    doubtful = case_of(segmentation(certain=0.6), WallSettings(edge_length=4.0))
    weights = [pipeline.reconstruct(one, LINEAR).evidence.weights for one in (case, doubtful)]
    assert np.median(weights[1] / np.maximum(weights[0], 1e-9)) == pytest.approx(0.6, abs=0.02)


def test_the_interval_of_the_amount_holds_what_the_network_leaves_open(found, case):
    widths = []
    for spread in (0.0, 0.3):
        result = pipeline.reconstruct(replace(case, shares=replace(case.shares, spread=spread)), QUICK)
        burden = next(one for one in result.quantities if one.label == "Scar burden")
        widths.append((burden.high - burden.low) / 100)
    share = true_share(found)
    low, high = burden.parts["evidence"]
    assert (high - low) / 100 > 0.8 * 2 * 1.645 * 0.3 * share * (1 - share)  # at 90 %
    assert widths[1] > widths[0] + 0.02  # its samples have a width of their own
    assert widths[1] < 0.5


def test_a_result_with_probabilities_is_written_and_read_back_and_audited_the_same(case, tmp_path):
    result = pipeline.reconstruct(case, QUICK)
    write(result, tmp_path / "map.vtu")
    back = read_result(tmp_path / "map.vtu")
    assert back.case.shares.spread == 0.3 and back.case.shares.description == "a stand-in"
    for name in ("stack", "weights"):
        for one, other in zip(getattr(back.case.shares, name), getattr(case.shares, name), strict=True):
            assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(pipeline.reconstruct(back.case, QUICK).arrays["scar_probability"], result.arrays["scar_probability"])


def test_a_method_that_would_find_scar_again_is_refused(case):
    with pytest.raises(BadSettings, match="segmentation tells the scar"):
        pipeline.reconstruct(case, replace(LINEAR, evidence=EvidenceSettings(method="fwhm")))
    with pytest.raises(BadSettings, match="not both"):
        Case(case.stack, case.wall, scar=LabelMap(case.shares.stack), shares=case.shares)


def test_too_few_slices_make_no_wall(found):
    kept = (2, 3)
    labels = found.labels.with_pixels([one.pixels * (number in kept) for number, one in enumerate(found.labels)])
    with pytest.raises(BadContours, match="on 2 slices"):
        case_of(replace(found, labels=labels))


def test_amounts_count_the_space_that_each_slice_stands_for(found):
    amounts = amounts_of(found)
    pixel = 1.6 * 1.6 * 9.0 * 1e-3  # mL, between slices that are 9 mm apart and 8 mm thick
    scar = sum(int((one.pixels == 3).sum()) for one in found.labels)
    assert amounts["volumes_ml"]["scar"] == pytest.approx(scar * pixel)
    assert amounts["scar_share"] == pytest.approx(true_share(found))
    alone = replace(found, labels=SliceStack(found.labels.slices[2:3]), probabilities=found.probabilities[2:3])
    assert amounts_of(alone)["wall_ml"] == pytest.approx((found.labels.slices[2].pixels >= 2).sum() * 1.6 * 1.6 * 8.0 * 1e-3)
