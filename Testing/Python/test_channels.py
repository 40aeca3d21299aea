"""Channels through scar: found where there are, not where a bridge of scar closes them, with their probability."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from CardioScarLib.core.wall import Wall
from CardioScarLib.io.maps import point_arrays
from CardioScarLib.io.meshes import read_wall
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.phantom.scars import Place, Transmural, Wedge
from CardioScarLib.quantification.channels import Channels, find_channels
from CardioScarLib.quantification.shells import wall_shell
from CardioScarLib.wall.coordinates import WallCoordinates, wall_coordinates

HEART = Ellipsoids()
MIDDLE = 55.0
"""mm from the apex."""


def scar_at(scar, points: np.ndarray) -> np.ndarray:
    depth, phi, theta = HEART.coordinates(points)
    return scar(Place(depth, theta * HEART.mid_wall_radius(phi), HEART.arc_length(phi) - MIDDLE, HEART.epi[0] - HEART.endo[0]))


@dataclass(frozen=True)
class Scars:
    """A posterior whose draws are scars by formula, in turn."""

    scars: tuple
    has_spread: bool = True

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        return np.array([scar_at(self.scars[number % len(self.scars)], points) for number in range(n)], dtype=np.float32)


@pytest.fixture(scope="module")
def a_wall() -> Wall:
    return Wall.from_tetrahedra(*HEART.mesh(8000, 0))


@pytest.fixture(scope="module")
def its_coordinates(a_wall) -> WallCoordinates:
    return wall_coordinates(a_wall)


@pytest.fixture(scope="module")
def channels_of(a_wall, its_coordinates):
    def find(*scars, count: int | None = None, core: float = 0.6) -> Channels:
        return find_channels(a_wall, its_coordinates, Scars(scars), core, count or len(scars), 0.9)

    return find


OPEN = Transmural(radius=24, channel=6, tilt=30)
CLOSED = replace(OPEN, blocked=12)


@pytest.mark.parametrize("width", [3, 4, 6, 8])
def test_an_isthmus_is_found_with_its_width_and_length(width, channels_of):
    found = channels_of(replace(OPEN, channel=width)).found
    assert len(found) == 1 and found[0].probability == 1 and found[0].layers == ("endocardial", "mid-wall", "epicardial")
    numbers = {one.name: one.value for one in found[0].quantities}
    assert numbers["width_mean_mm"] == pytest.approx(width, abs=1.5) and numbers["width_least_mm"] <= numbers["width_mean_mm"]
    assert 32 < numbers["length_mm"] < 50, "through an ellipse of 48 mm, but for its mouths"
    assert numbers["channel_mass_g"] == pytest.approx(numbers["length_mm"] * (width + 0.5) * 9.5 * 1.05e-3, rel=0.25)


@pytest.mark.parametrize("width", [3, 8])
def test_a_bridge_of_scar_closes_it(width, channels_of):
    found = channels_of(replace(CLOSED, channel=width))
    assert found.found == () and {one.name: one.value for one in found.quantities}["channel_any_percent"] == 0


def test_the_probability_is_the_share_of_the_samples_that_have_it(channels_of):
    found = channels_of(OPEN, CLOSED, CLOSED, replace(OPEN, channel=5))
    assert len(found.found) == 1 and found.found[0].probability == 0.5
    totals = {one.name: one for one in found.quantities}
    assert totals["channel_any_percent"].value == 50 and totals["channel_mass_g"].low == 0 < totals["channel_mass_g"].high
    assert found.arrays["channel_probability"].max() == pytest.approx(0.5)


def test_two_channels_that_are_never_there_together_stay_two(channels_of):
    found = channels_of(OPEN, replace(OPEN, tilt=-60), replace(OPEN, tilt=-60)).found
    assert [round(one.probability, 2) for one in found] == [0.67, 0.33]


def test_the_centerline_runs_along_the_channel(channels_of):
    line = channels_of(OPEN).found[0].centerline
    depth, phi, theta = HEART.coordinates(line)
    place = Place(depth, theta * HEART.mid_wall_radius(phi), HEART.arc_length(phi) - MIDDLE, 9.5)
    across, along = OPEN.line(place)
    assert np.abs(across).max() < 3 and np.ptp(along) > 30 and np.abs(across).mean() < 1


@pytest.mark.parametrize("scar", [Wedge(), Transmural(radius=20), Transmural(radius=20, edge=3)])
def test_a_scar_without_a_gap_has_no_channel(scar, channels_of):
    assert channels_of(scar).found == ()


def test_tissue_between_scar_and_base_is_a_channel(channels_of):
    by_the_base = lambda place: Transmural(radius=16)(replace(place, along=place.along - 16.5))  # noqa: E731
    found = channels_of(by_the_base).found
    assert len(found) == 1 and {one.name: one.value for one in found[0].quantities}["width_least_mm"] < 8


def test_the_map_of_a_model_without_samples_has_channels_without_intervals(a_wall, its_coordinates):
    found = find_channels(a_wall, its_coordinates, scar_at(OPEN, a_wall.nodes), 0.6, 64, 0.9)
    assert len(found.found) == 1 and all(one.low is None for one in found.found[0].quantities)


def test_a_channel_knows_the_segments_it_crosses(a_wall, its_coordinates):
    segments = np.where(a_wall.nodes[:, 2] > -15, 5, 11).astype(np.uint8)
    found = find_channels(a_wall, its_coordinates, Scars((OPEN,)), 0.6, 1, 0.9, segments)
    assert found.found[0].segments == (5, 11)


@pytest.mark.parametrize("depth", [0.1, 0.5, 0.9])
def test_a_layer_is_a_surface_at_its_depth_with_the_maps_values_on_it(depth, a_wall, its_coordinates):
    shell = wall_shell(a_wall, its_coordinates.transmural, depth, {"z": a_wall.nodes[:, 2]})
    assert np.median(np.abs(HEART.coordinates(shell.points)[0] - depth)) < 0.02
    assert shell.arrays["z"] == pytest.approx(shell.points[:, 2], abs=1e-3)
    assert shell.points[shell.rim, 2] == pytest.approx(HEART.cut, abs=0.5), "open at the base alone"
    even = wall_shell(a_wall, its_coordinates.transmural, depth, {}, edge=1.4)
    assert 1.4 / 1.3 <= even.edge_length <= 1.4 * 1.3 and even.area.sum() == pytest.approx(shell.area.sum(), rel=0.02)


def test_the_base_of_an_uneven_wall_is_no_channel():
    """The example of the module: its wall has long edges at the base, far from its scar with the one channel of 3.5 mm."""
    folder = Path(__file__).resolve().parents[2] / "CardioScar" / "Resources" / "SampleData" / "Phantom"
    mesh = read_wall(folder / "phantom_lv_wall.vtu")
    truth = point_arrays(mesh)["true_scar_probability"].astype(float)
    found = find_channels(mesh.wall, wall_coordinates(mesh.wall), truth, 0.6, 1, 0.9).found
    numbers = [{each.name: each.value for each in one.quantities} for one in found]
    assert [one["width_mean_mm"] > 2 and one["channel_mass_g"] > 0.5 for one in numbers] == [True], numbers
