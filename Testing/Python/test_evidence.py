"""Scar evidence from images made by formula: a wall ring around blood, with scar, noise and partial-volume edges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.evidence.lge_type import estimate_null_level, guess_lge_type
from CardioScarLib.evidence.regions import find_regions, wall_intensity

SIZE, PITCH, FINE = 72, 1.4, 7
REMOTE, SCAR, BLOOD, LUNG = 100.0, 300.0, 220.0, 30.0
INTENSITY_METHODS = ("spatial", "ewa", "fact", "weighted", "nsd", "fwhm", "otsu", "gmm", "rician")


@dataclass(frozen=True)
class Ring:
    """A stack of rings with its pixels and the true scar fraction of each."""

    stack: SliceStack
    pixels: WallPixels
    fraction: np.ndarray

    @property
    def burden(self) -> float:
        return float(self.pixels.cover @ self.fraction / self.pixels.cover.sum())

    def burden_of(self, evidence) -> float:
        """Over the pixels that count, by their share of the wall."""
        share = self.pixels.cover * (evidence.weights > 0)
        return float(share @ evidence.values / share.sum())

    def with_pixels(self, change) -> Ring:
        return replace(self, stack=self.stack.with_pixels([change(one.pixels) for one in self.stack]))


def planes(images) -> SliceStack:
    return SliceStack(
        tuple(
            Slice(image, np.array([0.0, 0, 10 * number]), np.array([0, PITCH, 0.0]), np.array([PITCH, 0.0, 0]), 8.0, f"slice {number}")
            for number, image in enumerate(images)
        )
    )


def ring(slices=4, seed=0, scar=True, noise=10.0, scar_level=SCAR) -> Ring:
    """Wall of 10 mm around a cavity of 20 mm radius; a subendocardial scar over 100 degrees, 70 % transmural; Rician noise."""
    rng = np.random.default_rng(seed)
    fine = (np.arange(SIZE * FINE) + 0.5) / FINE * PITCH - SIZE * PITCH / 2
    y, x = np.meshgrid(fine, fine, indexing="ij")
    images, columns = [], []
    for number in range(slices):
        radius, angle = np.hypot(x - 2.3, y + 1.1), np.arctan2(y + 1.1, x - 2.3)
        depth = (radius - 20) / 10
        wall = (depth >= 0) & (depth < 1)
        scarred = wall & (np.abs(angle - 0.3 * number) < np.radians(50)) & (depth < 0.7) & scar
        tissue = np.where(wall, REMOTE, np.where(depth < 0, BLOOD, LUNG)).astype(float)
        tissue[scarred] = scar_level
        coarse = [part.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3)) for part in (tissue, wall, scarred)]
        real, imaginary = rng.normal(scale=noise, size=(2, SIZE, SIZE))
        images.append(np.hypot(coarse[0] + real, imaginary))
        rows, cols = np.nonzero(coarse[1] > 0.01)
        columns.append((np.full(len(rows), number), rows, cols, coarse[1][rows, cols], coarse[2][rows, cols]))
    stack = planes(images)
    index, rows, cols, cover, scarred = (np.concatenate(column) for column in zip(*columns, strict=True))
    centers = np.column_stack([cols * PITCH, rows * PITCH, 10.0 * index])
    return Ring(stack, WallPixels(index, rows, cols, centers, cover), scarred / cover)


@pytest.fixture(scope="module")
def a_ring() -> Ring:
    return ring()


@pytest.fixture(scope="module")
def a_healthy_ring() -> Ring:
    return ring(scar=False)


def evidence_of(case: Ring, method: str, pixel_support: str = "wall", **settings):
    return derive_evidence(case.stack, case.pixels, EvidenceSettings(method=method, **settings), pixel_support, draws=False)


def with_images(case: Ring, values: np.ndarray, outside: float = 0.0) -> Ring:
    images = [case.pixels.image(case.stack, number, values, outside) for number in range(len(case.stack))]
    return replace(case, stack=case.stack.with_pixels(images))


# ---- regions


def test_remote_blood_core_and_noise_are_found_without_a_hand_drawn_region(a_ring):
    found = find_regions(a_ring.stack, a_ring.pixels)
    # Rician noise lifts the mean of 100 by 10^2 / (2 * 100) = 0.5
    assert found.remote_mean == pytest.approx(100.5, abs=1.0)
    assert found.remote_sd == pytest.approx(10, rel=0.15)
    assert found.noise_sd == pytest.approx(10, rel=0.15)
    assert found.blood == pytest.approx(BLOOD, abs=2)
    # pixels at the scar's edges lie between half and all scar and pull the median down a little
    assert found.core == pytest.approx(SCAR, rel=0.04)
    assert np.all(a_ring.fraction[found.remote] < 0.3)
    assert np.all(a_ring.fraction[found.bright] > 0.05)


def test_remote_is_found_where_most_of_the_wall_is_scar():
    case = ring(slices=1)
    angle = np.arctan2(case.pixels.rows - 35.5, case.pixels.columns - 35.5)
    mostly = (np.abs(angle) < np.radians(130)).astype(float)
    rng = np.random.default_rng(1)
    values = REMOTE + mostly * (SCAR - REMOTE) + rng.normal(scale=10, size=len(mostly))
    found = find_regions(with_images(case, values, LUNG).stack, case.pixels)
    assert found.remote_mean == pytest.approx(REMOTE, abs=3)


def test_edge_pixels_are_freed_from_blood(a_healthy_ring):
    edges = (a_healthy_ring.pixels.cover < 0.7) & (a_healthy_ring.pixels.cover > 0.3)
    raw = a_healthy_ring.pixels.values(a_healthy_ring.stack)[edges]
    freed = wall_intensity(a_healthy_ring.stack, a_healthy_ring.pixels)[edges]
    assert np.median(np.abs(raw - REMOTE)) > 35  # about half of a cover of 0.5 times the distance to blood or lung
    assert np.median(np.abs(freed - REMOTE)) < 25  # what noise of 10, doubled by half a cover, leaves
    assert abs(freed.mean() - REMOTE) < 5


def test_shading_of_the_coil_is_not_noise():
    case = ring(slices=4, scar=False, noise=5.0)
    shaded = case.with_pixels(lambda image: image * np.linspace(0.8, 1.2, SIZE)[:, None])
    found = find_regions(shaded.stack, shaded.pixels)
    assert found.remote_sd > 8
    assert found.noise_sd == pytest.approx(5, rel=0.3)


# ---- intensity methods


@pytest.mark.parametrize(("method", "tolerance"), [("weighted", 0.02), ("nsd", 0.04), ("fwhm", 0.03), ("otsu", 0.03), ("gmm", 0.04)])
def test_the_scar_fraction_comes_near_the_truth(a_ring, method, tolerance):
    """Truth is about 18 %. Hard methods place the border where their threshold lies in a half-filled pixel:
    5 SD at a quarter of scar, hence more; halves of something lie between."""
    assert 0.15 < a_ring.burden < 0.25
    assert a_ring.burden_of(evidence_of(a_ring, method)) == pytest.approx(a_ring.burden, abs=tolerance)


def test_weighted_evidence_follows_the_fraction_inside_the_wall(a_ring):
    evidence = evidence_of(a_ring, "weighted")
    inside = a_ring.pixels.cover > 0.9
    error = evidence.values[inside] - a_ring.fraction[inside]
    assert np.sqrt(np.mean(error**2)) < 0.08  # noise of 10 over a contrast of 200 is 0.05 before clipping
    assert abs(error.mean()) < 0.02


@pytest.mark.parametrize("method", INTENSITY_METHODS)
def test_a_heart_without_scar_has_next_to_none(a_healthy_ring, method):
    evidence = evidence_of(a_healthy_ring, method)
    inside = a_healthy_ring.pixels.cover > 0.9
    # weighted: 0.08 x noise (10) over the distance to blood (120), see its docstring; the others: 5 SD or nothing
    assert evidence.values[inside].mean() < (0.008 if method == "weighted" else 0.001)
    assert evidence.weights @ evidence.values / evidence.weights.sum() < 0.015
    assert any("no scar" in note for note in evidence.notes)


@pytest.mark.parametrize("method", INTENSITY_METHODS)
def test_a_heart_with_scar_is_not_called_healthy(a_ring, method):
    evidence = evidence_of(a_ring, method)
    assert evidence.values[(a_ring.fraction > 0.95) & (a_ring.pixels.cover > 0.9)].mean() > 0.9
    assert not any("no scar" in note for note in evidence.notes)


@pytest.mark.parametrize("method", ["weighted", "nsd", "otsu", "gmm"])
def test_gain_and_offset_do_not_matter(a_ring, method):
    # the type is given, because an offset of this size rightly looks like PSIR
    plain = evidence_of(a_ring, method, lge_type="magnitude")
    changed = evidence_of(a_ring.with_pixels(lambda image: 3.7 * image + 2048), method, lge_type="magnitude")
    assert np.mean(np.abs(plain.values - changed.values) > 1e-6) < 0.002
    assert changed.description["remote_mean"] == pytest.approx(3.7 * plain.description["remote_mean"] + 2048)
    assert changed.description["noise_sd_evidence"] == pytest.approx(plain.description["noise_sd_evidence"], rel=1e-6)


def test_half_maximum_knows_gain_but_not_offset_in_magnitude_images(a_ring):
    plain = evidence_of(a_ring, "fwhm")
    assert np.array_equal(plain.values, evidence_of(a_ring.with_pixels(lambda image: 0.2 * image), "fwhm").values)
    lifted = evidence_of(a_ring.with_pixels(lambda image: image + 400), "fwhm", lge_type="magnitude")
    assert lifted.values.mean() > 0.9
    assert any("not nulled" in note for note in lifted.notes)


@pytest.mark.parametrize("method", INTENSITY_METHODS)
@pytest.mark.parametrize("extreme", [20_000.0, 0.0])
def test_one_extreme_pixel_changes_nothing_but_itself(a_ring, method, extreme):
    chosen = np.flatnonzero((a_ring.fraction == 0) & (a_ring.pixels.cover == 1))[10]
    values = a_ring.pixels.values(a_ring.stack)
    number, row, column = (int(part[chosen]) for part in (a_ring.pixels.slices, a_ring.pixels.rows, a_ring.pixels.columns))
    images = [one.pixels.copy() for one in a_ring.stack]
    images[number][row, column] = extreme
    assert values[chosen] != extreme
    changed = derive_evidence(a_ring.stack.with_pixels(images), a_ring.pixels, EvidenceSettings(method=method), draws=False)
    difference = np.abs(changed.values - evidence_of(a_ring, method).values)
    difference[chosen] = 0
    assert np.mean(difference) < 2e-3
    assert np.mean(difference > 0.02) < 2e-3


def test_more_standard_deviations_mean_less_scar(a_ring):
    fractions = [evidence_of(a_ring, "nsd", n_sd=n).values.mean() for n in (2.0, 5.0, 10.0)]
    assert fractions[0] > fractions[1] > fractions[2] > 0


def test_hard_methods_answer_zero_or_one_and_soft_ones_between(a_ring):
    for method in ("nsd", "fwhm", "otsu"):
        assert set(np.unique(evidence_of(a_ring, method).values)) == {0.0, 1.0}
    for method in ("weighted", "gmm"):
        values = evidence_of(a_ring, method).values
        assert 0 <= values.min() and values.max() <= 1 and np.count_nonzero((values > 0.1) & (values < 0.9)) > 5


def test_mixture_evidence_never_falls_as_intensity_rises(a_ring):
    order = np.argsort(wall_intensity(a_ring.stack, a_ring.pixels))
    assert np.all(np.diff(evidence_of(a_ring, "gmm").values[order]) >= -1e-12)


@pytest.mark.parametrize("method", INTENSITY_METHODS)
def test_edge_pixels_count_less_and_slivers_not_at_all(a_ring, method):
    weights = evidence_of(a_ring, method).weights
    cover = a_ring.pixels.cover
    counted = weights > 0
    assert not np.any(counted & (cover < 0.3))
    assert np.allclose(weights[counted], cover[counted] ** 2)
    silent = (cover >= 0.3) & ~counted  # what may be blood or fat, by the method that knows where the borders are
    assert np.count_nonzero(silent) < (0.03 * len(cover) if method == "spatial" else 1)


@pytest.mark.parametrize("method", INTENSITY_METHODS)
def test_the_order_of_slices_does_not_matter(a_ring, method):
    flipped = WallPixels(
        len(a_ring.stack) - 1 - a_ring.pixels.slices, a_ring.pixels.rows, a_ring.pixels.columns, a_ring.pixels.centers, a_ring.pixels.cover
    )
    backwards = derive_evidence(SliceStack(a_ring.stack.slices[::-1]), flipped, EvidenceSettings(method=method), draws=False)
    assert np.allclose(backwards.values, evidence_of(a_ring, method).values, atol=1e-9)


def test_which_way_the_image_is_stored_does_not_matter(a_ring):
    """Rows reversed and exchanged with columns: the same pixels at other places of the array."""
    rows = SIZE - 1 - a_ring.pixels.rows
    pixels = replace(a_ring.pixels, rows=a_ring.pixels.columns, columns=rows)
    turned = replace(a_ring.with_pixels(lambda image: image[::-1].T), pixels=pixels)
    for method in INTENSITY_METHODS:
        assert np.allclose(evidence_of(turned, method).values, evidence_of(a_ring, method).values, atol=1e-9)


def test_the_numbers_behind_the_evidence_can_be_printed(a_ring):
    described = evidence_of(a_ring, "nsd").description
    assert described["method"] == "nsd" and described["lge_type"] == "magnitude" and described["n_sd"] == 5.0
    assert described["threshold"] == pytest.approx(described["remote_mean"] + 5 * described["remote_sd"])
    assert described["noise_sd_evidence"] == pytest.approx(10 / 200, rel=0.25)
    assert set(described.pop("scar_share_by_method")) == set(INTENSITY_METHODS)
    assert all(isinstance(value, (str, int, float, type(None))) for value in described.values())


def test_a_slice_with_another_gain_is_reported_and_even_slices_are_not(a_ring):
    images = [one.pixels for one in a_ring.stack]
    brighter = replace(a_ring, stack=a_ring.stack.with_pixels([images[0], images[1], 1.7 * images[2], images[3]]))
    assert any("slice 2" in note and "gain" in note for note in evidence_of(brighter, "weighted").notes)
    assert not any("gain" in note for note in evidence_of(a_ring, "weighted").notes)


# ---- magnitude and PSIR


def a_psir_ring(padded=True) -> Ring:
    """Signed tissue around a null level of 2048; lung scatters around it over the whole range."""
    rng = np.random.default_rng(5)
    case = ring(slices=3)

    def phase_sensitive(image):
        signal = 2048 + 2.5 * (image - 120)
        air = image < 60
        signal[air] = 2048 + rng.normal(scale=400, size=np.count_nonzero(air))
        if padded:
            signal[:6] = 2048
        return np.rint(signal)

    return case.with_pixels(phase_sensitive)


def test_magnitude_and_psir_images_are_told_apart(a_ring):
    assert guess_lge_type(a_ring.stack)[0] == "magnitude"
    assert guess_lge_type(a_psir_ring().stack)[0] == "psir"
    assert guess_lge_type(a_psir_ring(padded=False).stack)[0] == "psir"
    signed = a_psir_ring().with_pixels(lambda image: image - 2048)
    assert guess_lge_type(signed.stack)[0] == "psir"
    masked = a_ring.with_pixels(lambda image: np.where(image < 60, 0, image))
    assert guess_lge_type(masked.stack)[0] == "magnitude"


def test_the_guess_is_said_and_a_given_type_is_not_guessed(a_ring):
    assert any("magnitude" in note for note in evidence_of(a_ring, "weighted").notes)
    assert not any("read as" in note for note in evidence_of(a_ring, "weighted", lge_type="magnitude").notes)


def test_the_null_level_is_found_from_padding_sign_or_air():
    assert estimate_null_level(a_psir_ring().stack) == (2048.0, "padding around the image")
    level, source = estimate_null_level(a_psir_ring(padded=False).stack)
    assert source == "median of air and lung" and level == pytest.approx(2048, abs=40)  # sd of 400 over some 2000 pixels
    signed = a_psir_ring().with_pixels(lambda image: image - 2048)
    assert estimate_null_level(signed.stack)[0] == 0.0


@pytest.mark.parametrize("method", [name for name in INTENSITY_METHODS if name != "rician"])
def test_psir_with_an_offset_gives_the_scar_of_the_truth(method):
    case = a_psir_ring()
    evidence = evidence_of(case, method)
    assert evidence.description["lge_type"] == "psir" and evidence.description["null_level"] == 2048
    inside = case.pixels.cover > 0.9
    assert evidence.values[inside].mean() == pytest.approx(case.fraction[inside].mean(), abs=0.04)


def test_half_maximum_of_psir_moves_with_the_offset_and_with_a_given_null_level():
    case = a_psir_ring()
    signed = evidence_of(case.with_pixels(lambda image: image - 2048), "fwhm")
    assert np.array_equal(signed.values, evidence_of(case, "fwhm").values)
    lower = evidence_of(case, "fwhm", null_level=1000.0)
    assert lower.description["threshold"] < evidence_of(case, "fwhm").description["threshold"]


# ---- values and labels


def test_values_are_taken_as_they_are(a_ring):
    evidence = evidence_of(with_images(a_ring, a_ring.fraction), "values")
    assert np.array_equal(evidence.values, a_ring.fraction)
    assert np.all(evidence.weights == 1)


def test_values_over_the_whole_prism_are_divided_by_the_walls_share(a_ring):
    evidence = evidence_of(with_images(a_ring, a_ring.fraction * a_ring.pixels.cover), "values", "prism")
    assert np.allclose(evidence.values, a_ring.fraction)
    assert np.allclose(evidence.weights, a_ring.pixels.cover**2)


def test_constant_values_are_fine_but_constant_intensities_are_not(a_ring):
    assert np.all(evidence_of(with_images(a_ring, np.full(len(a_ring.pixels), 0.4)), "values").values == 0.4)
    random = np.random.default_rng(0)
    for rounding in (0.0, 1e-5):  # what interpolation or single precision leaves of a constant
        constant = a_ring.with_pixels(lambda image, rounding=rounding: 500.0 + rounding * random.uniform(-1, 1, image.shape))
        for method in INTENSITY_METHODS:
            with pytest.raises(BadEvidence, match="(500|499.99|500.00)\\d* everywhere"):
                evidence_of(constant, method)


def test_a_tiny_overshoot_is_clipped_and_a_larger_one_is_an_error_with_the_range(a_ring):
    assert evidence_of(with_images(a_ring, a_ring.fraction * 1.0005), "values").values.max() == 1
    with pytest.raises(BadEvidence, match="0 to 1.2.*spatial"):
        evidence_of(with_images(a_ring, a_ring.fraction * 1.2), "values")


def labeled(case: Ring, scar: int, other: tuple[int, ...]) -> Ring:
    """Scar pixels carry `scar`, the wall the last of the other labels; those before lie about outside."""
    values = np.where(case.fraction > 0.5, scar, other[-1]).astype(float)
    labeled_case = with_images(case, values)
    images = [one.pixels.copy() for one in labeled_case.stack]
    for place, label in enumerate(other[:-1]):
        images[0][0, place] = label
    return replace(case, stack=case.stack.with_pixels(images))


@pytest.mark.parametrize(("scar", "other"), [(1, (0,)), (255, (0,)), (2221, (0, 500, 600, 1220, 200))])
def test_scar_labels_that_tell_themselves_are_taken(a_ring, scar, other):
    case = labeled(a_ring, scar, other)
    for method in ("auto", "labels"):
        evidence = evidence_of(case, method)
        assert evidence.description["method"] == "labels"
        assert np.array_equal(evidence.values, (a_ring.fraction > 0.5).astype(float))
        assert np.array_equal(evidence.weights, a_ring.pixels.cover)
    assert np.array_equal(evidence_of(case, "labels", "prism").weights, a_ring.pixels.cover**2)


def test_label_sets_that_do_not_tell_are_asked_about_and_then_obeyed(a_ring):
    case = labeled(a_ring, 2, (0, 3, 1))
    with pytest.raises(BadEvidence, match="0, 1, 2 and 3.*--scar-labels"):
        evidence_of(case, "auto")
    assert np.array_equal(evidence_of(case, "labels", scar_labels=(2,)).values, (a_ring.fraction > 0.5).astype(float))


def test_a_scar_label_that_does_not_occur_is_an_error_that_names_those_that_do(a_ring):
    case = labeled(a_ring, 2, (0, 1))
    with pytest.raises(BadEvidence, match="label 7 does not occur.*0, 1 and 2"):
        evidence_of(case, "labels", scar_labels=(7,))
    assert any("label 7" in note for note in evidence_of(case, "labels", scar_labels=(2, 7)).notes)


def test_an_empty_segmentation_means_no_scar_and_an_empty_image_is_asked_about(a_ring):
    empty = with_images(a_ring, np.zeros(len(a_ring.pixels)))
    assert np.all(evidence_of(empty, "labels").values == 0)
    with pytest.raises(BadEvidence, match="0 everywhere.*labels"):
        evidence_of(empty, "auto")


def test_intensities_are_not_a_label_map(a_ring):
    with pytest.raises(BadEvidence, match="not a label map"):
        evidence_of(a_ring, "labels")


# ---- auto


def test_auto_tells_values_labels_and_intensities_apart_and_says_so(a_ring):
    for case, method in [(with_images(a_ring, a_ring.fraction), "values"), (labeled(a_ring, 1, (0,)), "labels"), (a_ring, "spatial")]:
        evidence = evidence_of(case, "auto")
        assert evidence.description["method"] == method
        assert "read as" in evidence.notes[0]


def test_a_given_lge_type_settles_that_these_are_intensities(a_ring):
    scaled = a_ring.with_pixels(lambda image: image / image.max())
    assert evidence_of(scaled, "auto", lge_type="magnitude").description["method"] == "spatial"


def test_intensities_scaled_to_one_are_known_by_their_bright_blood(a_ring):
    plain = evidence_of(a_ring, "auto")
    for hottest in (400.0, 8000.0):  # as by the maximum of the image, or by that of a hot pixel
        scaled = evidence_of(a_ring.with_pixels(lambda image, hottest=hottest: image / hottest), "auto")
        assert scaled.description["method"] == "spatial" and any("blood is bright" in note for note in scaled.notes)
        assert np.allclose(scaled.values, plain.values, atol=1e-6)
    assert evidence_of(with_images(a_ring, a_ring.fraction), "auto").description["method"] == "values"


def test_values_and_intensities_that_look_alike_are_asked_about(a_ring):
    between = with_images(a_ring, a_ring.fraction, outside=0.3)
    with pytest.raises(BadEvidence, match="30% as bright.*values or spatial"):
        evidence_of(between, "auto")


def test_nan_on_the_wall_is_counted_per_slice_and_elsewhere_does_not_matter(a_ring):
    images = [one.pixels.copy() for one in a_ring.stack]
    images[2][0, :5] = np.nan
    elsewhere = replace(a_ring, stack=a_ring.stack.with_pixels(images))
    assert np.allclose(evidence_of(elsewhere, "weighted").values, evidence_of(a_ring, "weighted").values)
    here = a_ring.pixels.slices == 2
    images[2][a_ring.pixels.rows[here][:3], a_ring.pixels.columns[here][:3]] = [np.nan, np.inf, -np.inf]
    for method in ("values", "labels", "weighted"):
        with pytest.raises(BadEvidence, match="3 pixels.*3 in slice 2"):
            evidence_of(replace(a_ring, stack=a_ring.stack.with_pixels(images)), method)


def some_pixels(pixels: WallPixels, chosen) -> WallPixels:
    return WallPixels(pixels.slices[chosen], pixels.rows[chosen], pixels.columns[chosen], pixels.centers[chosen], pixels.cover[chosen])


def test_no_pixels_and_too_few_pixels_are_errors(a_ring):
    with pytest.raises(BadEvidence, match="No pixel"):
        derive_evidence(a_ring.stack, some_pixels(a_ring.pixels, slice(0)), EvidenceSettings())
    few = np.flatnonzero(a_ring.pixels.cover == 1)[:12]
    with pytest.raises(BadEvidence, match="Only 12 pixels"):
        derive_evidence(a_ring.stack, some_pixels(a_ring.pixels, few), EvidenceSettings(method="otsu"))


def test_a_wall_as_bright_as_blood_is_an_error(a_ring):
    all_bright = with_images(a_ring, np.random.default_rng(0).normal(SCAR, 10, len(a_ring.pixels)), outside=BLOOD)
    with pytest.raises(BadEvidence, match="No remote"):
        evidence_of(all_bright, "weighted")


def test_dark_blood_is_not_taken_for_missing_remote_myocardium(a_ring):
    dark_blood = a_ring.with_pixels(lambda image: np.where((image > 180) & (image < 260), 60, image))
    assert find_regions(dark_blood.stack, dark_blood.pixels).blood < REMOTE
    assert evidence_of(dark_blood, "weighted").values.max() == 1


def test_a_wall_without_volume_uses_all_its_pixels(a_ring):
    thin = replace(a_ring, pixels=replace(a_ring.pixels, cover=np.ones(len(a_ring.pixels))))
    assert np.all(evidence_of(thin, "weighted").weights == 1)
