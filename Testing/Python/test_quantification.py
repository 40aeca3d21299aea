"""The numbers of a map: amounts against exact ones, intervals from joint samples, and what is said where a number is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.phantom.scars import Band, Place
from CardioScarLib.quantification.columns import wall_columns
from CardioScarLib.quantification.draws import NO_SAMPLES, drawn_amounts, node_interval, with_evidence
from CardioScarLib.quantification.numbers import NO_ROTATION, quantify_map
from CardioScarLib.quantification.sectors import CLASSES
from CardioScarLib.wall.coordinates import WallCoordinates, wall_coordinates

HEART = Ellipsoids()


@dataclass(frozen=True)
class Levels:
    """A posterior whose draw i is the same fraction everywhere: the i-th of its levels."""

    levels: tuple[float, ...]
    has_spread: bool = True

    @property
    def summary(self) -> dict:
        return {}

    def mean(self, points: np.ndarray) -> np.ndarray:
        return np.full(len(points), float(np.mean(self.levels)))

    def sd(self, points: np.ndarray) -> np.ndarray:
        return np.full(len(points), float(np.std(self.levels)))

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        return np.repeat(np.array(self.levels, dtype=np.float32)[:n, None], len(points), axis=1)


@pytest.fixture(scope="module")
def a_wall() -> Wall:
    return Wall.from_tetrahedra(*HEART.mesh(6000, 0))


@pytest.fixture(scope="module")
def its_coordinates(a_wall) -> WallCoordinates:
    return wall_coordinates(a_wall)


def volume_of(semi_axes: tuple[float, float]) -> float:
    """mm^3 of an ellipsoid of revolution from its apex up to the cut of the heart."""
    radius, length = semi_axes
    return np.pi * radius**2 * (2 * length / 3 + HEART.cut - HEART.cut**3 / (3 * length**2))


def numbers_of(wall, coordinates, posterior, **settings):
    source = ScarMap(wall, posterior.mean(wall.nodes), None, posterior)
    found = quantify_map(source, QuantifySettings(samples=len(posterior.levels), **settings), coordinates=coordinates)
    return found, {one.name: one for one in found.quantities}


def test_mass_is_that_of_the_ellipsoids_within_one_percent(a_wall, its_coordinates):
    found = {
        one.name: one
        for one in quantify_map(ScarMap(a_wall, np.zeros(len(a_wall.nodes))), QuantifySettings(), coordinates=its_coordinates).quantities
    }
    exact = (volume_of(HEART.epi) - volume_of(HEART.endo)) / 1000
    assert found["lv_volume_ml"].value == pytest.approx(exact, rel=0.01)
    assert found["lv_mass_g"].value == pytest.approx(1.05 * exact, rel=0.01)
    assert "1.05 g per mL" in found["lv_mass_g"].method


def test_an_interval_lies_between_the_samples_that_its_level_asks_for(a_wall, its_coordinates):
    levels = tuple(np.linspace(0.1, 0.3, 21))
    found, numbers = numbers_of(a_wall, its_coordinates, Levels(levels), interval=80)
    burden = numbers["scar_burden_percent"]
    assert (burden.value, burden.low, burden.high, burden.level) == (
        pytest.approx(20),
        pytest.approx(12, abs=0.01),
        pytest.approx(28, abs=0.01),
        0.8,
    )
    assert numbers["scar_mass_g"].high == pytest.approx(0.28 * numbers["lv_mass_g"].value, rel=1e-3)
    assert found.arrays["scar_lower"] == pytest.approx(0.12, abs=1e-4) and found.arrays["scar_upper"] == pytest.approx(0.28, abs=1e-4)


def test_what_is_above_a_threshold_is_the_mean_of_the_samples_not_of_the_mean_map(a_wall, its_coordinates):
    _, numbers = numbers_of(a_wall, its_coordinates, Levels((0.1, 0.5, 0.5, 0.9)))
    lv = numbers["lv_mass_g"].value
    assert numbers["core_mass_g"].value == pytest.approx(0.25 * lv), "the mean map, 0.5 everywhere, has no core at all"
    assert numbers["border_zone_mass_g"].value == pytest.approx(0.5 * lv)
    assert numbers["scar_mass_g_above_threshold"].value == pytest.approx(0.75 * lv)
    assert numbers["scar_burden_percent_above_threshold"].value == pytest.approx(75)
    assert numbers["border_zone_mass_g"].threshold == 0.4 and numbers["core_mass_g"].threshold == 0.6
    assert "local scar fraction" in numbers["core_mass_g"].method and "4 joint samples" in numbers["core_mass_g"].method


def test_a_map_without_samples_has_the_same_numbers_and_says_why_they_have_no_interval(a_wall, its_coordinates):
    plain = ScarMap(a_wall, np.full(len(a_wall.nodes), 0.5))
    found = quantify_map(plain, QuantifySettings(), coordinates=its_coordinates)
    assert all(one.low is None and one.high is None and one.level is None for one in found.quantities)
    assert found.missing["intervals"] == NO_SAMPLES and "scar_lower" not in found.arrays
    values = {one.name: one.value for one in found.quantities}
    assert values["border_zone_mass_g"] == pytest.approx(values["lv_mass_g"]) and values["core_mass_g"] == 0


def test_without_an_insertion_rings_are_given_and_segments_are_not_guessed(a_wall, its_coordinates):
    found, _ = numbers_of(a_wall, its_coordinates, Levels((0.2, 0.4)))
    assert [one.key for one in found.sectors] == ["ring_basal", "ring_mid", "ring_apical", "ring_apex"]
    assert found.missing["segments"] == NO_ROTATION and "aha_segment" not in found.arrays


def test_a_wall_without_volume_has_a_burden_and_says_what_it_cannot_have(a_wall):
    shell = replace(a_wall, tetrahedra=np.empty((0, 4)), triangles=a_wall.tetrahedra[:500, :3], kind="shell")
    found = quantify_map(ScarMap(shell, np.full(len(shell.nodes), 0.25)), QuantifySettings())
    assert [one.name for one in found.quantities] == ["scar_burden_percent"] and found.quantities[0].value == pytest.approx(25)
    assert {"mass", "segments", "channels"} <= set(found.missing) and "no volume cells" in found.missing["mass"]


def test_a_wall_whose_sides_cannot_be_told_apart_still_has_its_mass():
    nodes = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]], dtype=float)
    found = quantify_map(ScarMap(Wall.from_tetrahedra(nodes, np.array([[0, 1, 2, 3]])), np.full(4, 0.5)), QuantifySettings())
    assert {one.name: one.value for one in found.quantities}["scar_mass_g"] == pytest.approx(0.5 * 1000 / 6 * 1.05e-3)
    assert {"segments", "transmurality", "channels"} <= set(found.missing)


def test_a_map_without_scar_has_zeros_and_no_channel(a_wall, its_coordinates):
    found, numbers = numbers_of(a_wall, its_coordinates, Levels((0.0, 0.0)))
    assert numbers["scar_mass_g"].value == numbers["scar_mass_g"].high == 0 and numbers[
        "transmurality_0_area_percent"
    ].value == pytest.approx(100)
    assert found.channels == () and numbers["channel_any_percent"].value == 0


@dataclass(frozen=True)
class OneField:
    """A posterior without samples whose mean is a scar by formula, 20 mm from the apex."""

    scar: Band = Band(half_width=12)
    has_spread: bool = False

    def mean(self, points: np.ndarray) -> np.ndarray:
        depth, phi, theta = HEART.coordinates(points)
        return self.scar(Place(depth, theta * HEART.mid_wall_radius(phi), HEART.arc_length(phi) - 55, 9.5))


@pytest.mark.parametrize("nodes", [1500, 6000])
def test_a_border_zone_thinner_than_a_cell_has_its_mass_on_any_mesh(nodes):
    """Counted at nodes it is wrong by tens of percent: whole layers of nodes lie within it, or beside it."""
    wall, scar = Wall.from_tetrahedra(*HEART.mesh(nodes, 0)), OneField()
    steps = [np.arange(low, high, 0.7) for low, high in ((-34, 34), (-34, 34), (-68, HEART.cut))]
    points = np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3)
    exact = scar.mean(points[HEART.contains(points)])
    found = {one.name: one.value for one in quantify_map(ScarMap(wall, scar.mean(wall.nodes), None, scar), QuantifySettings()).quantities}
    for name, share in (("border_zone_mass_g", (exact >= 0.4) & (exact < 0.6)), ("core_mass_g", exact >= 0.6)):
        assert found[name] == pytest.approx(np.count_nonzero(share) * 0.7**3 * 1.05e-3, rel=0.05), name


@pytest.mark.parametrize("wrong", [(0.6, 0.4), (0.5, 0.5), (0.0, 0.5), (0.5, 1.0), (0.5,), (0.2, float("nan"))])
def test_thresholds_out_of_order_are_refused(wrong):
    with pytest.raises(BadSettings, match="border zone first"):
        QuantifySettings(thresholds=wrong)


@pytest.mark.parametrize("depth, kind", [(0.2, "1-25"), (0.4, "26-50"), (0.6, "51-75"), (0.85, "76-100")])
def test_scar_up_to_a_depth_has_that_transmurality_everywhere(depth, kind, a_wall, its_coordinates):
    # Linear in depth between nodes, so that half a layer of nodes is half scar.
    probability = np.clip((depth - its_coordinates.transmural) * 6 + 0.5, 0, 1)
    found = quantify_map(ScarMap(a_wall, probability), QuantifySettings(), coordinates=its_coordinates)
    for one in found.sectors[:3]:
        numbers = {number.name: number.value for number in one.quantities}
        assert numbers["transmurality_mean_percent"] == pytest.approx(100 * depth, abs=6) and one.transmurality == kind
        assert numbers["transmurality_max_percent"] < 100 * depth + 15
    shares = [one.value for one in found.quantities if one.name.startswith("transmurality")]
    assert len(shares) == len(CLASSES) and sum(shares) == pytest.approx(100) and shares[CLASSES.index(kind)] > 75


def test_a_coarse_wall_without_nodes_between_its_surfaces_has_columns_too():
    wall = Wall.from_tetrahedra(*HEART.mesh(500, 0))
    columns = wall_columns(wall, wall_coordinates(wall))
    assert columns.extents(np.ones((1, len(wall.nodes)))) == pytest.approx(1)


def test_columns_hold_the_whole_wall_and_average_to_one(a_wall, its_coordinates):
    columns = wall_columns(a_wall, its_coordinates)
    assert columns.extents(np.ones((1, len(a_wall.nodes)))) == pytest.approx(1)
    middle = 0.5 * (HEART.endo[0] + HEART.epi[0])
    assert columns.area.sum() == pytest.approx(2 * np.pi * middle * 83 * 0.86, rel=0.1), "a prolate half ellipsoid and a ring"


def test_amounts_of_samples_and_intervals_of_nodes_do_not_depend_on_the_pieces_they_are_made_in(a_wall, monkeypatch):
    posterior = Levels((0.1, 0.2, 0.4))
    whole, ends = drawn_amounts(posterior, a_wall, 3), node_interval(posterior, a_wall.nodes, 3, 0.5)
    monkeypatch.setattr("CardioScarLib.quantification.draws.CHUNK", 1000)
    assert drawn_amounts(posterior, a_wall, 3) == pytest.approx(whole) and np.array_equal(
        node_interval(posterior, a_wall.nodes, 3, 0.5), ends
    )
    assert whole == pytest.approx(np.array([0.1, 0.2, 0.4]) * a_wall.volumes.sum())
    assert drawn_amounts(Levels((0.1,), has_spread=False), a_wall, 3) is None


# ---- what the images leave open


def test_the_interval_of_an_amount_holds_what_lies_between_slices_and_what_the_images_leave_open():
    random = np.random.default_rng(1)
    amounts, shifts = random.normal(20.0, 1.0, 4000), random.normal(0.0, 0.03, 500)
    both = with_evidence(amounts, 100.0, shifts)
    assert both.std() == pytest.approx(np.hypot(1.0, 3.0), rel=0.05)
    assert both.mean() == pytest.approx(20.0 + 100 * shifts.mean(), abs=0.2)
    assert with_evidence(amounts, 100.0, None) is amounts
    assert with_evidence(np.zeros(50), 100.0, shifts).min() == 0
    assert with_evidence(np.full(50, 99.0), 100.0, shifts).max() == 100.0, "there is no more than the whole wall"


def test_an_interval_holds_the_value_it_stands_beside(a_wall):
    unstable = ScarMap(a_wall, np.zeros(len(a_wall.nodes)), posterior=Levels((0.0,) * 8), shifts=np.linspace(0.07, 0.19, 48))
    apart = ScarMap(a_wall, np.zeros(len(a_wall.nodes)), posterior=Levels((0.01,) * 8))
    found, other = (quantify_map(source, QuantifySettings(samples=8)) for source in (unstable, apart))
    for one in (*found.quantities, *(number for sector in other.sectors for number in sector.quantities)):
        assert one.low is None or one.low <= one.value <= one.high, one.label


def test_a_map_whose_evidence_is_unsure_has_wider_intervals_of_its_amounts(a_wall):
    sure = ScarMap(a_wall, np.full(len(a_wall.nodes), 0.2), posterior=Levels(tuple(np.linspace(0.19, 0.21, 64))))
    unsure = replace(sure, shifts=np.linspace(-0.1, 0.1, 48))
    burden = [quantify_map(one, QuantifySettings(samples=64)).quantities[0] for one in (sure, unsure)]
    assert [one.value for one in burden] == pytest.approx([20.0, 20.0])
    assert burden[0].high - burden[0].low == pytest.approx(1.8, abs=0.1)
    assert burden[1].high - burden[1].low == pytest.approx(18.0, abs=2.5)
