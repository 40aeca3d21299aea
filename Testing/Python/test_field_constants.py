"""The script that asks cases which constants of the spread they would choose, on data that were drawn with known ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from CardioScarLib.benchmark.case import make_case
from CardioScarLib.benchmark.families import DEVELOPMENT, FAMILIES
from CardioScarLib.benchmark.scores import LEVELS
from CardioScarLib.reconstruction.field.constants import FIELD
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from Utilities import field_constants as script


def drawn(constants, kinds=("A", "B"), nodes=1500, slices=5) -> dict[str, np.ndarray]:
    """What `measure` keeps, of made-up cases whose truth spreads around the mean as `constants` say."""
    random = np.random.default_rng(0)
    count = len(kinds)
    case, of_slice = np.repeat(np.arange(count), nodes), np.repeat(np.arange(count), slices)
    total = len(case)
    normal = np.zeros((len(of_slice), 3))
    normal[:, 2] = 1
    arrays = {
        "case_kind": np.array(kinds),
        "case_seed": np.full(count, 100),
        "case_noise": np.linspace(0.0, 0.05, count),
        "case_sharpness": np.linspace(1.0, 2.0, count),
        "case_tolerant_share": np.zeros(count),
        "slice_case": of_slice,
        "slice_normal": normal,
        "slice_height": np.tile(10.0 * np.arange(slices), count),
        "slice_group": np.zeros(len(of_slice), dtype=int),
        "slice_place": np.tile(np.arange(slices), count),
        "slice_fit_shift": random.normal(scale=0.05, size=(len(of_slice), 3)) * [1, 1, 0],
        "slice_fit_certainty": np.ones(len(of_slice)),
        "slice_left_out_seen": np.ones(len(of_slice), dtype=bool),
        "slice_left_out_shift": random.normal(scale=0.1, size=(len(of_slice), 3)) * [1, 1, 0],
        "slice_left_out_certainty": np.ones(len(of_slice)),
        "slice_true_shift": np.zeros((len(of_slice), 2)),
        "node_case": case,
        "node_volume": np.ones(total),
        "node_point": random.uniform(0, 40, (total, 3)),
        "node_mean": expit(random.uniform(-3, 3, total)),
        "node_slope": random.normal(scale=0.02, size=(total, 3)),
        "node_disagreement": random.uniform(0, 0.06, total),
    }
    middle, scale = script.marginals(script.Measured(arrays), constants)
    deviation = random.uniform(size=total) ** constants.amplitude_power * random.normal(size=total)
    bounded = np.clip((middle + scale * deviation) / constants.bound, -0.9999, 0.9999)
    return {**arrays, "node_truth": expit(constants.bound * np.arctanh(bounded))}


@pytest.mark.parametrize("gain", [8.0, 60.0])
def test_a_gain_that_the_data_were_drawn_with_is_recovered(gain, monkeypatch):
    monkeypatch.setattr(script, "DERIVED", {"gain": np.inf})
    monkeypatch.setattr(script, "TOLERANCE", 0.0)
    found = script.search(script.Measured(drawn(replace(FIELD, gain=gain))))
    assert found.gain == pytest.approx(gain, rel=0.1)
    assert replace(found, gain=FIELD.gain) == FIELD  # nothing else was touched


def test_the_tolerance_of_intervals_asks_for_a_somewhat_smaller_gain(monkeypatch):
    monkeypatch.setattr(script, "DERIVED", {"gain": np.inf})
    assert 0.7 * 60 < script.search(script.Measured(drawn(replace(FIELD, gain=60.0)))).gain < 0.95 * 60


def test_the_search_never_ends_worse_than_it_began_nor_beyond_a_limit():
    data = script.Measured(drawn(replace(FIELD, blur=0.03, own_share=1.0, amplitude_power=1.5), nodes=300))
    found = script.search(data)
    assert script.score(data, found).total < script.score(data, FIELD).total
    assert all(getattr(found, name) <= limit for name, limit in script.DERIVED.items())


def test_the_same_file_gives_the_same_table(tmp_path, capsys):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **drawn(FIELD, nodes=60))
    tables = []
    for _ in range(2):
        script.main(["derive", "--data", str(path)])
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]
    assert all(f"| `{name}` | {getattr(FIELD, name):.3g} |" in tables[0] for name in script.DERIVED)


def test_intervals_hold_as_much_as_they_say_of_truths_drawn_with_their_constants():
    found = script.score(script.Measured(drawn(FIELD, nodes=20_000)), FIELD)
    data = script.Measured(drawn(replace(FIELD, gain=2 * FIELD.gain), nodes=20_000))
    too_narrow = script.score(data, FIELD)
    assert too_narrow.coverage[2] < 0.93 < 0.945 < found.coverage[2] < 0.97
    assert too_narrow.interval_score > script.score(data, replace(FIELD, gain=2 * FIELD.gain)).interval_score


def test_a_kind_that_is_left_out_takes_its_nodes_and_slices_with_it():
    data = script.Measured(drawn(FIELD, kinds=("A", "B", "C"), nodes=50))
    rest = data.without("B")
    assert rest.kinds == ["A", "C"]
    assert np.array_equal(rest["node_mean"], np.concatenate([data["node_mean"][:50], data["node_mean"][100:]]))
    both = script.displacements(data, FIELD).reshape(3, -1)
    assert np.allclose(script.displacements(rest, FIELD).reshape(2, -1), both[[0, 2]])


def test_no_case_that_is_kept_for_reports_is_measured():
    assert all(FAMILIES[kind].part == DEVELOPMENT for kind in script.KINDS)
    assert 100 <= min(script.SEEDS) and max(script.SEEDS) <= 199


@pytest.mark.slow
def test_intervals_of_the_script_are_those_of_the_posterior(monkeypatch):
    """On a fit: what the script computes for all cases at once is what the model does for one."""
    made = {}

    def kept(members, shares, operator, *others):
        made.update(members=members, shares=shares, frame=operator.frame, spread=find_spread(members, shares, operator, *others))
        return made["spread"]

    find_spread = script.find_spread
    monkeypatch.setattr(script, "find_spread", kept)
    stored = script.measured(make_case("X", 101, 1500, pixel=4.5), 0)
    data = script.Measured({name: script._wide(values) for name, values in stored.items()})
    posterior = FieldPosterior(tuple(made["members"]), made["shares"], made["frame"], made["spread"], 200, 0)
    assert np.allclose(np.sqrt(script.displacements(data, FIELD)), made["spread"].planes.displacement, rtol=1e-5)
    assert made["spread"].displacement > 0.3  # shifts were there to be seen
    middle, _ = script.marginals(data, FIELD)
    points = made["frame"].from_frame(data["node_point"])
    assert np.allclose(expit(FIELD.bound * np.arctanh(middle / FIELD.bound)), posterior.mean(points), atol=1e-4)
    draws = posterior.samples(2000, points)
    for level, (low, high) in zip(LEVELS, script.intervals(data, FIELD), strict=True):
        ends = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        assert np.mean(np.abs(ends - [low, high])) < 0.01
        assert np.mean(high - low) == pytest.approx(np.mean(ends[1] - ends[0]), rel=0.02)
