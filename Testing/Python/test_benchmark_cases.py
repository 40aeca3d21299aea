"""The benchmark's cases are what they say they are: scores of all methods stand on them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from bodies import a_block, rms

from CardioScarLib.benchmark import DEVELOPMENT_SEEDS, FAMILIES, FROZEN_SEEDS, Family, make_case
from CardioScarLib.benchmark import contour_heart as contour_heart_module
from CardioScarLib.benchmark.families import HEALTHY
from CardioScarLib.benchmark.hearts import BLOOD, OUTSIDE, WALL, coordinates, to_local, to_lps
from CardioScarLib.benchmark.scanner import Scan, seen, with_noise
from CardioScarLib.benchmark.scenarios import drawn, on_ellipsoids
from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.phantom import CONTROLS, KINDS, phantom_case
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.phantom.scars import Place, Transmural, step

SUITE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "benchmark_suite.md"
SEED = 100
ONE_OF_EACH_HEART = ("W", "aneurysm", "thin", "real-contours", "real-mesh")


def the_case(family, seed=SEED, nodes=1500, noise_seed=None, **changes):
    return _made(family, seed, nodes, noise_seed, **changes)


@cache
def _made(*chosen, **changes):
    return make_case(*chosen, pixel=4.0, **changes)


def pixels_of(case):
    return np.concatenate([one.pixels.ravel() for one in case.stack])


def put_right(one, shift):
    """The slice where it was really taken."""
    return replace(one, origin=one.origin + shift[0] * one.row_step / one.spacing[0] + shift[1] * one.column_step / one.spacing[1])


# Families


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_makes_a_heart_with_a_scar_in_sight_or_a_healthy_one(name):
    case = the_case(name)
    assert case.truth.min() >= 0 and case.truth.max() <= 1
    healthy = FAMILIES[name].hand == HEALTHY
    assert 0.01 < case.about["scar_share"] < 0.4 or (healthy and case.about["scar_share"] == 0)
    assert case.about["scar_share"] == pytest.approx(np.average(case.truth, weights=case.wall.node_measure))
    assert case.truth_at(case.wall.nodes) == pytest.approx(case.truth, abs=1e-12)
    pixels = pixels_of(case)
    assert np.isfinite(pixels).all() != case.scan.labels  # labels say nothing off the wall
    assert np.nanmin(pixels) >= 0 and (0.5 < np.nanmax(pixels) <= 1 or healthy)
    assert 45 < case.about["wall_ml"] < 180  # human walls have 70 to 180 mL; the thin ones less
    assert len(case.true_shifts) == len(case.myocardium) == len(case.stack) == case.about["slices"]
    assert case.settings.operator.pixel_support == case.about["pixel_support"]


def test_walls_that_no_constant_was_fitted_on_are_frozen_and_seeds_are_kept_apart():
    frozen = {name for name, family in FAMILIES.items() if family.part == "frozen"}
    assert frozen == {name for name in FAMILIES if name.startswith(("thin", "infarct-thinned", "aneurysm", "real-"))}
    assert {family.part for family in FAMILIES.values()} == {"development", "frozen"}
    assert set(DEVELOPMENT_SEEDS) < set(range(100, 200)) and min(FROZEN_SEEDS) >= 1000
    assert {*KINDS, *CONTROLS} < set(FAMILIES) - frozen
    assert len(set(FAMILIES) - set(KINDS) - set(CONTROLS) - frozen) >= 10


@pytest.mark.parametrize("kind", ["I3C", "M", "X"])
def test_a_phantom_kind_keeps_its_heart_and_scan(kind):
    case, phantom = the_case(kind), phantom_case(kind, SEED, 1500, pixel=20.0)
    assert np.array_equal(case.wall.nodes, phantom.wall.nodes)
    assert case.truth == pytest.approx(phantom.truth, abs=1e-9)
    for name in ("spacing", "thickness", "tilt", "noise", "shift", "pixel_support"):
        assert case.about[name] == getattr(phantom.acquisition, name)
    assert abs(case.stack.slices[0].normal @ phantom.stack.slices[0].normal) == pytest.approx(1)


def test_what_is_not_known_is_refused_with_what_is():
    with pytest.raises(BadSettings, match="no benchmark family 'Q'; the families are W, I3"):
        make_case("Q", 0)
    with pytest.raises(BadSettings, match="A scan has no 'gap'; what can be changed is spacing"):
        make_case("W", 0, gap=2)
    with pytest.raises(BadSettings, match="noise is 'white'"):
        make_case("W", 0, noise_kind="white")
    with pytest.raises(BadSettings, match="spacing of the slices is 0"):
        make_case("W", 0, spacing=0)


def test_an_installation_without_contours_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(contour_heart_module, "CONTOURS", tmp_path / "contours.json")
    contour_heart_module._sections.cache_clear()
    with pytest.raises(UnreadableFile, match="contours of real hearts"):
        make_case("real-mesh", SEED)


def test_numbers_of_a_scenario_are_themselves_ranges_or_choices():
    random = np.random.default_rng(0)
    assert drawn(8.0, random) == 8.0 and drawn("rician", random) == "rician"
    assert all(1.5 <= drawn((1.5, 3.0), random) <= 3.0 for _ in range(50))
    assert {drawn([6.0, 10.0], random) for _ in range(50)} == {6.0, 10.0}


def test_families_vary_what_they_say_with_the_seed():
    ranges = {"noisy": ("noise", 0.08, 0.10), "shifted": ("shift", 1.5, 3.0), "bad-slice": ("one_slice_shift", 4.0, 6.0)}
    for family, (name, low, high) in ranges.items():
        values = {FAMILIES[family].make(np.random.default_rng(seed), seed, 300)[1] for seed in range(4)}
        values = [getattr(scan, name) for scan in values]
        assert all(low <= value <= high for value in values) and len(set(values)) == 4
    assert the_case("spacing-12").about["spacing"] == 12 and the_case("spacing-6").about["thickness"] == 6


# Randomness


def test_the_same_seed_gives_the_same_case_and_another_one_another():
    one, two, other = the_case("shifted"), make_case("shifted", SEED, 1500, pixel=4.0), the_case("shifted", SEED + 1)
    assert np.array_equal(one.wall.nodes, two.wall.nodes) and np.array_equal(one.true_shifts, two.true_shifts)
    assert np.array_equal(pixels_of(one), pixels_of(two)) and one.about == two.about
    assert one.about["wall_ml"] != pytest.approx(other.about["wall_ml"], rel=1e-3)
    assert rms(one.heart.pose - other.heart.pose) > 0.1


def test_another_noise_seed_changes_the_noise_and_nothing_else():
    one, other = the_case("shifted"), the_case("shifted", noise_seed=7)
    assert np.array_equal(one.truth, other.truth) and np.array_equal(one.true_shifts, other.true_shifts)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one.myocardium, other.myocardium, strict=True))
    wall = np.concatenate([labels.pixels.ravel() for labels in one.myocardium]) == WALL
    difference = (pixels_of(one) - pixels_of(other))[wall]
    # Two draws differ by sqrt(2) of one; clipping at zero halves it in remote tissue.
    assert 0.5 * one.about["noise"] < difference.std() < 1.5 * one.about["noise"]


@pytest.mark.parametrize("kind, correlation", [("gaussian", 0.0), ("correlated", 0.84), ("rician", 0.0)])
def test_noise_has_the_size_and_the_neighbors_it_says(kind, correlation):
    random = np.random.default_rng(1)
    pixels = with_noise(np.full((200, 200), 0.5), Scan(noise=0.06, noise_kind=kind), random)
    noise = pixels - pixels.mean()
    assert noise.std() == pytest.approx(0.06, rel=0.1)
    # Two Gaussians of 1.2 pixels, one pixel apart: exp(-1 / (4 * 1.2^2)) = 0.84.
    assert np.mean(noise[1:] * noise[:-1]) / noise.var() == pytest.approx(correlation, abs=0.05)
    remote = with_noise(np.zeros((200, 200)), Scan(noise=0.06, noise_kind=kind), random).mean()
    # Clipped at zero the mean of a Gaussian is sd / sqrt(2 pi); of a Rician it is sd sqrt(pi / 2).
    assert remote == pytest.approx(0.06 * (np.sqrt(np.pi / 2) if kind == "rician" else 1 / np.sqrt(2 * np.pi)), rel=0.1)


# What pixels show


def fine_mean(case, one, row, column):
    """Mean of the truth over 17 x 17 x 25 points of a pixel's prism, without anything random, and the wall's share of it."""
    depth = case.about["averaged"] or one.thickness
    fine = [(np.arange(count) + 0.5) / count - 0.5 for count in (17, 17, 25)]
    offsets = np.stack(np.meshgrid(*fine, indexing="ij"), -1).reshape(-1, 3)
    points = one.to_points(row + offsets[:, 0], column + offsets[:, 1]) + np.outer(offsets[:, 2] * depth, one.normal)
    wall = case.heart.tissue(points) == WALL
    total = case.truth_at(points[wall]).sum()
    return total / (len(points) if case.about["pixel_support"] == "prism" else max(1, wall.sum())), wall.mean()


@pytest.mark.slow
@pytest.mark.parametrize("family", ["W", "E", "X", "aneurysm", "wrong-thickness", "real-contours-wedge", "long-axis"])
def test_a_pixel_is_the_mean_of_the_truth_over_the_prism_where_it_was_taken(family):
    case = the_case(family, noise=0.0)
    chosen = [number for number, one in enumerate(case.stack) if one.pixels.max() > 0.3]
    if case.about["long_axes"]:
        chosen = chosen[-1:]
        assert abs(case.stack.slices[chosen[0]].normal @ case.heart.pose[:3, 2]) < 1e-9
    compared = []
    for number in chosen:
        given = case.stack.slices[number]
        real = put_right(given, case.true_shifts[number])
        for row, column in np.argwhere((given.pixels > 0.05) & (case.myocardium.slices[number].pixels == WALL))[::2]:
            mean, cover = fine_mean(case, real, row, column)
            if cover > 0.2:
                compared.append((given.pixels[row, column], mean))
    given, fine = np.array(compared).T
    assert len(given) >= 12
    # 441 jittered points against 7225: a border through a prism is placed to about 2 %.
    assert rms(given - fine) < 0.02
    assert np.abs(given - fine).max() < 0.08


def test_pixels_that_average_another_thickness_differ_from_what_the_stack_says():
    wrong, said = (the_case("wrong-thickness", noise=0.0, averaged=averaged) for averaged in (12.0, None))
    assert {one.thickness for one in wrong.stack} == {8.0} == {one.thickness for one in said.stack}
    assert rms(pixels_of(wrong) - pixels_of(said)) > 0.01


def test_slices_are_as_far_apart_and_as_thick_as_told():
    case = the_case("spacing-12")
    heights = np.array([one.center @ case.stack.slices[0].normal for one in case.stack])
    assert np.abs(np.diff(heights)) == pytest.approx(12.0)
    assert {one.thickness for one in case.stack} == {8.0}
    cosine = abs(case.stack.slices[0].normal @ case.heart.pose[:3, 2])
    assert np.degrees(np.arccos(cosine)) == pytest.approx(case.about["tilt"], abs=1e-4)


# Hearts


@pytest.mark.slow
@pytest.mark.parametrize("family", ONE_OF_EACH_HEART)
def test_the_mesh_fills_the_wall_of_the_heart(family):
    real = family.startswith("real")
    case = the_case(family, nodes=1500 if real else 8000)
    centers = case.wall.nodes[case.wall.tetrahedra].mean(axis=1)
    assert np.mean(case.heart.tissue(centers) == WALL) > (0.97 if real else 0.985)
    low, high = to_local(case.heart.pose, case.wall.nodes).min(axis=0) - 3, to_local(case.heart.pose, case.wall.nodes).max(axis=0) + 3
    points = np.random.default_rng(0).uniform(low, high, (200_000, 3))
    tissue = case.heart.tissue(to_lps(case.heart.pose, points))
    volume = np.mean(tissue == WALL) * np.prod(high - low)
    assert case.wall.volumes.sum() == pytest.approx(volume, rel=0.03)
    assert 0.3 < np.sum(tissue == BLOOD) / np.sum(tissue == WALL) < 4
    place = case.heart.place(case.wall.nodes)
    assert place.depth.min() > -0.02 and place.depth.max() < 1.02


def test_places_by_newton_are_those_by_bisection():
    heart = Ellipsoids((23.0, 59.0), (33.0, 68.0), 19.0)
    random = np.random.default_rng(0)
    points = heart.points(random.uniform(-0.3, 1.8, 2000), random.uniform(0.02, 1.9, 2000), random.uniform(-3, 3, 2000))
    for found, expected in zip(coordinates(heart, points), heart.coordinates(points), strict=True):
        assert found == pytest.approx(expected, abs=1e-9)


def radial(case, angle, height):
    """Distances from the axis at which the wall begins and ends, in the heart's own frame."""
    radius = np.arange(0, 60, 0.02)
    points = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.full(len(radius), height)])
    wall = radius[case.heart.tissue(to_lps(case.heart.pose, points)) == WALL]
    return wall.min(), wall.max()


@pytest.mark.parametrize("family", ["aneurysm", "infarct-thinned"])
def test_a_bump_thins_and_pushes_out_the_wall_at_the_scar_and_nowhere_else(family):
    case = the_case(family)
    heart, bump = case.heart, case.heart.bump
    straight = replace(case, heart=replace(heart, bump=None))
    phi = np.interp(heart.center[1], heart.shape.arc_length(np.linspace(0, 2.5, 4000)), np.linspace(0, 2.5, 4000))
    height = -heart.shape.semi_axes(0.5)[1] * np.cos(phi)
    (inner, outer), (inner_before, outer_before) = (radial(one, heart.center[0], height) for one in (case, straight))
    assert (outer - inner) / (outer_before - inner_before) == pytest.approx(bump.thinned, abs=0.05)
    assert inner - inner_before == pytest.approx(bump.bulge, abs=1.0)
    assert radial(case, heart.center[0] + np.pi, height) == radial(straight, heart.center[0] + np.pi, height)


def test_thin_walls_are_thin_all_around():
    case = the_case("thin")
    thickness = [np.diff(radial(case, angle, 0.0)) for angle in np.linspace(0, 6, 8)]
    assert 4.0 <= np.min(thickness) and np.max(thickness) <= 5.05


# Shifts, myocardium, further slices


def test_slices_moved_by_their_true_shifts_show_what_unmoved_ones_would():
    case = the_case("shifted", noise=0.0, pixel_support="prism")
    assert rms(case.true_shifts) == pytest.approx(case.about["shift"], rel=0.4)
    for one, shift in zip(case.stack.slices[3:6], case.true_shifts[3:6], strict=True):
        expected = np.nan_to_num(seen(case.heart, put_right(one, shift), case.scan, np.zeros(2))[0])
        assert one.pixels == pytest.approx(expected, abs=1e-9)
        assert rms(np.nan_to_num(seen(case.heart, one, case.scan, np.zeros(2))[0]) - one.pixels) > 0.005
    assert not the_case("noisy").true_shifts.any()


def test_one_slice_that_shows_scar_is_shifted_by_as_much_as_told():
    case, straight = the_case("bad-slice"), the_case("bad-slice", one_slice_shift=0.0)
    moved = np.flatnonzero(case.true_shifts.any(axis=1))
    assert moved.tolist() == [case.about["shifted_slice"]] and straight.about["shifted_slice"] is None
    assert np.linalg.norm(case.true_shifts[moved[0]]) == pytest.approx(case.about["one_slice_shift"])
    changed = [not np.array_equal(a.pixels, b.pixels) for a, b in zip(case.stack, straight.stack, strict=True)]
    assert np.flatnonzero(changed).tolist() == moved.tolist()
    shown = [np.sum(one.pixels * (labels.pixels == WALL)) for one, labels in zip(straight.stack, straight.myocardium, strict=True)]
    assert shown[moved[0]] > 0.3 * max(shown)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["shifted", "real-contours-wedge"])
def test_the_myocardium_is_drawn_on_the_shifted_images(family):
    case = the_case(family, shift=3.0)

    def agreement(shifts):
        """Share of pixels whose label is the tissue in their middle, among those near the wall."""
        same, near = 0, 0
        for labels, shift in list(zip(case.myocardium, shifts, strict=True))[3:8]:
            rows, columns = np.indices(labels.pixels.shape).reshape(2, -1)
            tissue = case.heart.tissue(put_right(labels, shift).to_points(rows, columns)).reshape(labels.pixels.shape)
            chosen = (labels.pixels == WALL) | (tissue == WALL)
            same, near = same + np.sum((labels.pixels == tissue)[chosen]), near + chosen.sum()
        return same / near

    # Pixels of 4 mm and slices of 8 mm: the rest are edges, where the middle is not the whole.
    right, left_alone = agreement(case.true_shifts), agreement(0 * case.true_shifts)
    assert right > 0.8
    assert left_alone < right - 0.1
    for labels in case.myocardium:
        assert set(np.unique(labels.pixels)) <= {OUTSIDE, WALL, BLOOD}


def test_taking_a_slice_again_shows_the_same_without_noise_and_shift():
    case = the_case("long-axis", noise=0.0)
    planes = case.stack.slices[4:6] + case.stack.slices[-1:]
    blank = [replace(one, pixels=np.zeros(one.pixels.shape)) for one in planes]
    for again, one in zip(case.acquire(blank, seed=9), planes, strict=True):
        assert np.array_equal(again.pixels, one.pixels) and again.label == one.label


def test_further_slices_have_the_noise_and_shifts_of_the_case():
    case = the_case("X")
    plane = case.stack.slices[6]
    one, two, other = (case.acquire([plane], seed)[0].pixels for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert rms(one - other) > case.about["noise"]


# Channels


@pytest.mark.slow
@pytest.mark.parametrize("family", ["channel-2", "channel-6", "real-mesh-channel", "I2"])
def test_channels_are_open_in_the_truth_and_closed_in_their_controls(family):
    nodes = 1500 if family.startswith("real") else 8000
    control_name = f"{family}C" if family in KINDS else f"{family}-closed"
    case, control = the_case(family, nodes=nodes), the_case(control_name, nodes=nodes)
    assert case.channel_is_open(case.truth_at) is True
    assert control.channel_is_open(control.truth_at) is False and control.channel_is_open(control.truth) is False
    assert np.array_equal(case.wall.nodes, control.wall.nodes)
    assert all(np.array_equal(a.origin, b.origin) for a, b in zip(case.stack, control.stack, strict=True))
    assert np.all(control.truth >= case.truth - 1e-12)
    changed = [not np.array_equal(a.pixels, b.pixels) for a, b in zip(case.stack, control.stack, strict=True)]
    assert 0 < sum(changed) < 0.6 * len(changed)  # the bridge is 12 mm long; the noise is the same


def test_a_channel_of_six_mm_is_seen_on_the_nodes_too_and_hearts_without_one_say_nothing():
    case = the_case("channel-6", nodes=8000)
    assert case.about["channel"] == 6.0 and case.channel_is_open(case.truth) is True
    assert case.channel_is_open(np.ones_like(case.truth)) is False
    assert the_case("W").channel_is_open(the_case("W").truth) is None and the_case("W").about["channel"] is None


# What the documentation says


def test_the_table_of_families_lists_each_with_its_part():
    rows = [line.split(" | ") for line in SUITE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    told = {}
    for names, part, about in ((row[0].removeprefix("| "), row[1], row[2]) for row in rows if row[1] in ("development", "frozen")):
        first, _, last = names.partition(" to ")
        widths = range(int(first[8]), int(last[8]) + 1) if last else ()
        told |= {name: (part, about) for name in ([first.replace("2", str(width), 1) for width in widths] or [names])}
    assert {name: part for name, (part, _) in told.items()} == {name: family.part for name, family in FAMILIES.items()}
    for kind in KINDS + CONTROLS:
        assert told[kind][1].removesuffix(" |") == FAMILIES[kind].about


def test_a_new_family_is_a_few_lines(monkeypatch):
    def epicardial_patch(random):
        radius = random.uniform(12, 18)
        return lambda place: step(radius - np.hypot(place.around, place.along), 1.0) * step((place.depth - 0.5) * place.thickness, 0.5)

    thick = {"radius": (17, 20), "wall": (14, 18), "thickness": [10, 12], "spacing": 12, "noise": (0.02, 0.06)}
    new = Family("thick", "hypertrophic wall, thick slices, epicardial patch", on_ellipsoids(epicardial_patch, **thick))
    monkeypatch.setitem(FAMILIES, "thick", new)
    case = make_case("thick", 100, 1500, pixel=4.0)
    assert case.about["thickness"] in (10, 12) and case.about["spacing"] == 12
    assert 14 <= np.diff(radial(case, 0.0, 0.0)) <= 18
    inner = case.heart.place(case.wall.nodes).depth < 0.3
    assert case.truth[inner].max() < 0.01 and case.truth.max() > 0.9
    assert max(one.pixels.max() for one in case.stack) > 0.8


class Slab:
    """A heart with nothing of an ellipsoid: a block of wall of 60 x 40 x 60 mm beside blood."""

    def __init__(self, scar):
        self.wall, self.pose, self.scar = a_block((-30, -20, -30), (30, 20, 30), (12, 8, 12)), np.eye(4), scar

    def tissue(self, points):
        inside = np.all(np.abs(points) < [30, 20, 30], axis=1)
        return np.where(inside, WALL, np.where(points[:, 1] > 20, BLOOD, OUTSIDE))

    def place(self, points):
        return Place(0.5 - points[:, 1] / 40, points[:, 0], points[:, 2], 40.0)


def test_another_heart_is_a_class_with_five_members(monkeypatch):
    scar = Transmural(radius=15.0)
    monkeypatch.setitem(FAMILIES, "slab", Family("slab", "a block", lambda random, seed, nodes: (Slab(scar), Scan(spacing=10))))
    case = make_case("slab", 1, pixel=4.0)
    assert case.about["wall_ml"] == pytest.approx(60 * 40 * 60 / 1000)
    # A slice of 8 mm is all wall but for blood at its side; the disc of scar is 30 mm wide in the middle one.
    middle = min(case.stack, key=lambda one: abs(one.center[2]))
    across = middle.pixels.max(axis=0) > 0.5
    assert across.sum() * 4.0 == pytest.approx(30, abs=6)
