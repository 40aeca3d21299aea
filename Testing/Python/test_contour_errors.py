"""Intervals of amounts when the contours of the wall may lie elsewhere, against hearts whose contours were drawn anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from CardioScarLib.benchmark.case import make_case
from CardioScarLib.benchmark.contouring import contoured
from CardioScarLib.cli.reports import map_in_words
from CardioScarLib.core.case import Case
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.settings import ModelSettings, QuantifySettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.pipeline import reconstruct, with_interval
from CardioScarLib.quantification.contours import CONTOURS_ENTER, NO_CONTOURS, contour_shifts
from CardioScarLib.quantification.draws import BETWEEN, NO_SAMPLES, OF_CONTOURS, OF_EVIDENCE, Drawn
from CardioScarLib.quantification.numbers import quantify_map
from CardioScarLib.report.document import document_of


class Same:
    """A posterior of draws that are the same fraction everywhere, .19 to .21."""

    has_spread = True
    summary: dict = {}

    def mean(self, points: np.ndarray) -> np.ndarray:
        return np.full(len(points), 0.2)

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        return np.repeat(np.linspace(0.19, 0.21, n, dtype=np.float32)[:, None], len(points), axis=1)


@pytest.fixture(scope="module")
def a_case():
    return make_case("wavefront", 100, nodes=3000, pixel=4.0, spacing=20.0)


def test_amounts_vary_as_they_do_when_contours_are_drawn_again(a_case):
    heart, shares, wholes = a_case.heart, [], []
    for seed in range(40):
        again = contoured(heart, 1.0, np.random.default_rng(seed))
        wholes.append(again.node_measure.sum())
        shares.append(a_case.truth_at(again.nodes) @ again.node_measure / wholes[-1])
    truth, measure = a_case.truth_at(heart.wall.nodes), heart.wall.node_measure
    scar, whole = contour_shifts(heart.wall, truth, 1.0, 4000).T
    assert whole.std() == pytest.approx(np.std(wholes), rel=0.35)
    told = (truth @ measure + scar) / (measure.sum() + whole)
    assert told.std() == pytest.approx(np.std(shares), rel=0.35)


def test_scar_that_is_the_same_share_everywhere_stays_that_share_and_errors_grow_with_the_contours(a_case):
    scar, whole = contour_shifts(a_case.wall, np.full(len(a_case.wall.nodes), 0.2), 1.0, 500).T
    assert scar == pytest.approx(0.2 * whole)
    assert contour_shifts(a_case.wall, np.zeros(len(a_case.wall.nodes)), 2.0, 500) == pytest.approx(np.column_stack([0 * whole, 2 * whole]))


def test_a_heart_that_lies_elsewhere_has_the_same_errors(a_case):
    turn = np.array([[0.0, -0.8, 0.6, 40.0], [1.0, 0.0, 0.0, -7.0], [0.0, 0.6, 0.8, 3.0], [0.0, 0.0, 0.0, 1.0]])
    here, there = (contour_shifts(one, a_case.truth, 1.0, 50) for one in (a_case.wall, a_case.wall.transformed(turn)))
    assert there == pytest.approx(here, rel=1e-6)


def test_contours_widen_the_intervals_of_amounts_and_the_sources_are_told_apart(a_case):
    source = ScarMap(a_case.wall, np.full(len(a_case.wall.nodes), 0.2), posterior=Same(), shifts=np.linspace(-0.02, 0.02, 48))
    certain, found = (quantify_map(source, QuantifySettings(samples=256, contour_sd=sd)) for sd in (0.0, 1.5))
    first, then = ({one.name: one for one in numbers.quantities} for numbers in (certain, found))
    assert set(first["scar_volume_ml"].parts) == {BETWEEN, OF_EVIDENCE}
    volume = then["scar_volume_ml"]
    assert set(volume.parts) == {BETWEEN, OF_EVIDENCE, OF_CONTOURS}
    halves = np.array([high - low for low, high in volume.parts.values()])
    assert volume.high - volume.low == pytest.approx(np.linalg.norm(halves), rel=0.15), "independent sources add as squares"
    assert first["lv_volume_ml"].low is None and then["lv_volume_ml"].low < then["lv_volume_ml"].value < then["lv_volume_ml"].high
    burden = then["scar_burden_percent"]
    assert np.ptp(burden.parts[OF_CONTOURS]) == pytest.approx(0, abs=1e-5), "the same share of a larger wall"
    assert burden.high - burden.low == pytest.approx(first["scar_burden_percent"].high - first["scar_burden_percent"].low, rel=0.1)
    rows = next(one for one in document_of(found, None, {}).tables if one.title.startswith("Intervals if")).rows
    assert [row[0] for row in rows] == ["Scar burden", "Scar volume", "Scar mass"] and all(all(row) for row in rows)


def test_a_reconstruction_has_the_contours_in_its_own_numbers_and_its_field_is_the_same(a_case):
    case, preview = Case(a_case.stack, a_case.wall), replace(a_case.settings, model=ModelSettings(preset="preview", samples=64))
    certain, found = (reconstruct(case, replace(preview, contour_sd=sd)) for sd in (0.0, 1.5))
    before, after = ({one.name: one for one in result.quantities} for result in (certain, found))
    mass = after["scar_mass_g"]
    assert set(mass.parts) == {BETWEEN, OF_CONTOURS} and mass.value == before["scar_mass_g"].value
    assert mass.high - mass.low > 1.2 * (before["scar_mass_g"].high - before["scar_mass_g"].low)
    assert before["lv_mass_g"].low is None and after["lv_mass_g"].high - after["lv_mass_g"].value > 1
    assert CONTOURS_ENTER in found.notes and CONTOURS_ENTER not in certain.notes
    assert np.array_equal(found.arrays["scar_probability"], certain.arrays["scar_probability"])
    assert found.settings.of_field() == certain.settings.of_field()
    wider = {one.name: one for one in with_interval(found, 0.99).quantities}["lv_mass_g"]
    assert wider.high - wider.low > 1.3 * (after["lv_mass_g"].high - after["lv_mass_g"].low)
    text = map_in_words(found, [])
    assert f"if one source alone were uncertain  {BETWEEN}  {OF_CONTOURS}" in text and "Scar mass" in text
    assert "alone" not in map_in_words(certain, [])


def test_a_reconstruction_without_samples_says_that_contours_change_nothing(a_case):
    nearest = replace(a_case.settings, model=ModelSettings("nearest"), contour_sd=1.0)
    found = reconstruct(Case(a_case.stack, a_case.wall), nearest)
    assert NO_SAMPLES in found.notes and all(one.low is None for one in found.quantities)


def test_amounts_never_exceed_the_wall_they_lie_in():
    drawn = Drawn(50.0, 100.0, np.full(3, 95.0), None, np.array([[10.0, -20.0], [0.0, 0.0], [-200.0, 0.0]]))
    assert drawn.amounts == pytest.approx([80.0, 95.0, 0.0])


def test_where_contours_move_no_amount_this_is_said(a_case):
    nodes = a_case.wall.nodes[:50]
    found = quantify_map(ScarMap(Wall(nodes, [], [], "points"), np.full(50, 0.2), posterior=Same()), QuantifySettings(contour_sd=1.0))
    assert found.missing["contours"] == NO_CONTOURS
