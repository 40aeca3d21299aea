"""The script that asks hearts of all hands but one how wide intervals should be, on shares that were drawn with known ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from CardioScarLib.reconstruction.process.choose import widened
from CardioScarLib.reconstruction.process.constants import PROCESS
from Utilities import process_constants as script

SPREAD = 0.02


def drawn(hand: str, usual_miss: float, count: int, random: np.random.Generator) -> list[script.Unit]:
    """Shares whose intervals hold them as often as they say if they are widened by this much and the slices say nothing."""
    quantiles = 0.4 + SPREAD * np.outer(script.WIDENINGS, ndtri(script.EDGES))
    shares = 0.4 + SPREAD * usual_miss * random.normal(size=count)
    return [script.Unit(hand, "slice", float(one), np.empty(0), quantiles) for one in shares]


def test_the_widening_that_shares_were_drawn_with_is_found():
    random = np.random.default_rng(0)
    units = [one for hand in "AB" for one in drawn(hand, 2.0, 2000, random)]
    found = script.best_for(units)
    assert found.usual_miss == 2.0
    inside = np.mean([one.inside(found) for one in units], axis=0)
    assert inside == pytest.approx(script.LEVELS, abs=0.03)


def test_edges_between_the_widenings_that_were_drawn_are_interpolated():
    [unit] = drawn("A", 1.0, 1, np.random.default_rng(0))
    assert unit.edges(replace(PROCESS, usual_miss=1.4)) == pytest.approx(unit.quantiles[1])
    between = np.ptp(unit.edges(replace(PROCESS, usual_miss=2.0)))
    assert np.ptp(unit.quantiles[1]) < between < np.ptp(unit.quantiles[2])


def test_the_patients_own_misses_count_beside_experience():
    misses = np.array([3.0, -3.0, 3.0])
    constants = replace(PROCESS, usual_miss=1.0, slices_behind=3.0)
    assert widened(misses, constants) == pytest.approx(np.sqrt(5.0)) and widened(np.empty(0), constants) == 1.0


def test_a_hand_is_judged_by_the_constants_of_the_others():
    random = np.random.default_rng(1)
    rows = script.table([*drawn("narrow", 1.0, 500, random), *drawn("wide", 4.0, 500, random)]).splitlines()
    cells = {row.split("|")[1].strip(): [cell.strip() for cell in row.split("|")[2:-1]] for row in rows[2:]}
    assert float(cells["narrow"][0]) > 2 * float(cells["wide"][0]), "each has the value of the other"
    assert cells["narrow"][4].startswith("500 of") and int(cells["wide"][4].split()[0]) < 300
