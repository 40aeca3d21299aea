"""Which pixels of a label map mean scar, which no scar, and which nothing, on small maps drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, a_stack

from CardioScarLib.core.case import Case, LabelMap
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, ReconstructionSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.pipeline import reconstruct

COVER = np.array([0.0, 0.3, 0.95, 1.0, 1.0, 0.95, 0.4, 0.0])
"""Of the columns of a slice, from the cavity through the wall to the lung; its rows are all alike."""
ROWS = 4


def a_stack_of(*slices) -> SliceStack:
    """One slice per list of rows."""
    return SliceStack(
        tuple(
            Slice(np.array(rows, float), [0, 0, 8.0 * number], [0, 2.0, 0], [2.0, 0, 0], 8.0, f"slice {number}")
            for number, rows in enumerate(slices)
        )
    )


def the_pixels(stack: SliceStack) -> WallPixels:
    places = [(number, row, column) for number in range(len(stack)) for row in range(ROWS) for column in np.flatnonzero(COVER)]
    number, row, column = np.array(places).T
    return WallPixels(number, row, column, np.column_stack([2.0 * column, 2.0 * row, 8.0 * number]), COVER[column])


def evidence_of(*slices, myocardium: LabelMap | None = None, support: str = "wall", scar_labels=None) -> Evidence:
    stack = a_stack_of(*slices)
    return derive_evidence(stack, the_pixels(stack), EvidenceSettings("labels", scar_labels=scar_labels), support, myocardium)


def by_row(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """(rows, 6) values and weights."""
    return evidence.values.reshape(-1, 6), evidence.weights.reshape(-1, 6)


def emidec(*scarred: int) -> list[list[int]]:
    """Cavity 1, myocardium 2 in four columns, infarct 3 and no-reflow 4 in the rows `scarred`."""
    return [[1, 1, 4, 3, 2, 2, 0, 0] if row in scarred else [1, 1, 2, 2, 2, 2, 0, 0] for row in range(ROWS)]


def mapped(rows, **new) -> list[list[int]]:
    """The labels with other numbers, such as _2=200."""
    table = {int(name[1:]): value for name, value in new.items()}
    return [[table.get(label, label) for label in row] for row in rows]


# ---- labels of a data set


def test_cavity_and_background_of_emidec_say_nothing_about_scar():
    evidence = evidence_of(emidec(1))
    values, weights = by_row(evidence)
    assert np.array_equal(values[1], [0, 1, 1, 0, 0, 0]) and not values[[0, 2, 3]].any()
    assert np.array_equal(weights, ROWS * [[0, 0.95, 1, 1, 0.95, 0]])
    assert evidence.description["scar_labels"] == [3, 4] and evidence.description["myocardium_labels"] == [2]
    assert evidence.description["pixels"] == 24 and evidence.description["pixels_used"] == 16
    assert evidence.notes == (
        "The labels are those of EMIDEC.",
        "On the LV wall, labels 3 and 4 mean scar (2 pixels) and label 2 means myocardium without scar (14 pixels); "
        "labels 0 and 1 were left out (8 pixels).",
    )


def test_of_the_whole_prism_the_weight_is_cover_squared_and_0_where_labels_say_nothing():
    assert np.allclose(by_row(evidence_of(emidec(1), support="prism"))[1], ROWS * [[0, 0.95**2, 1, 1, 0.95**2, 0]])


def test_edema_of_myops_is_myocardium_without_scar():
    rows = mapped(emidec(1), _1=500, _2=200, _3=2221, _4=1220)
    evidence = evidence_of(rows)
    values, weights = by_row(evidence)
    assert np.array_equal(values[1], [0, 0, 1, 0, 0, 0])
    assert np.array_equal(weights, ROWS * [[0, 0.95, 1, 1, 0.95, 0]])
    assert np.array_equal(by_row(evidence_of(rows, scar_labels=(2221, 1220)))[0][1], [0, 1, 1, 0, 0, 0])


def test_a_heart_of_myops_without_scar_has_none():
    evidence = evidence_of(mapped(emidec(), _1=500, _2=200))
    assert not evidence.values.any() and np.array_equal(by_row(evidence)[1], ROWS * [[0, 0.95, 1, 1, 0.95, 0]])
    assert "The scar label 2221 does not occur in the image: this heart counts as one without scar." in evidence.notes


def test_numbers_of_emidec_that_lie_elsewhere_are_not_taken_for_it():
    # 2 is the scar, 3 the myocardium, 4 the right ventricle
    other = [[1, 1, 2, 3, 3, 3, 4, 4], *3 * [[1, 1, 3, 3, 3, 3, 4, 4]]]
    other[3][7] = 0
    with pytest.raises(BadEvidence, match="labels 0, 1, 2, 3 and 4, and which of them mean scar differs.*--scar-labels"):
        evidence_of(other)
    values, weights = by_row(evidence_of(other, scar_labels=(2,)))
    assert values.sum() == values[0, 1] == 1
    assert np.array_equal(weights, ROWS * [[0, 0.95, 1, 1, 0.95, 0]])


# ---- labels seen from where they lie


def test_other_labels_on_the_wall_are_myocardium_and_those_beside_it_are_not():
    values, weights = by_row(evidence_of(mapped(emidec(2), _1=7, _4=3), scar_labels=(3,)))
    assert np.array_equal(values[2], [0, 1, 1, 0, 0, 0])
    assert np.array_equal(weights, ROWS * [[0, 0.95, 1, 1, 0.95, 0]])


def test_scar_beyond_the_labeled_myocardium_is_still_scar():
    rows = emidec(2)
    rows[2] = [1, 3, 3, 3, 3, 3, 3, 3]
    values, weights = by_row(evidence_of(mapped(rows, _4=3), scar_labels=(3,)))
    assert np.array_equal(values[2], 6 * [1])
    assert np.array_equal(weights[2], COVER[1:7])


def test_where_only_scar_is_labeled_the_wall_decides():
    evidence = evidence_of(mapped(emidec(1), _1=0, _2=0, _3=1, _4=1))
    values, weights = by_row(evidence)
    assert np.array_equal(values[1], [0, 1, 1, 0, 0, 0])
    assert np.array_equal(weights, ROWS * [COVER[1:7]])
    assert evidence.notes == (
        "On the LV wall, label 1 means scar (2 pixels).",
        "Only scar is labeled; all other pixels of the wall count as myocardium without scar.",
        "Label 1 is the only one, so it was taken for scar.",
    )


def test_the_cavity_beside_a_scar_is_left_out_though_nothing_names_the_myocardium():
    evidence = evidence_of(mapped(emidec(1), _1=5, _2=0, _4=3), scar_labels=(3,))
    assert np.array_equal(by_row(evidence)[1], ROWS * [[0, 0.95, 1, 1, 0.95, 0.4]])
    assert "label 0 means myocardium without scar (18 pixels); label 5 was left out (4 pixels)." in evidence.notes[0]


def test_a_label_of_everything_but_the_scar_counts_as_0_does():
    evidence = evidence_of(mapped(emidec(1), _0=1, _2=1, _3=2, _4=2), scar_labels=(2,))
    assert np.array_equal(by_row(evidence)[1], ROWS * [COVER[1:7]])
    assert by_row(evidence)[0].sum() == 2


def test_a_border_zone_alone_does_not_name_the_myocardium():
    evidence = evidence_of(mapped(emidec(1), _1=0, _2=0, _4=2), scar_labels=(3,))
    assert np.array_equal(by_row(evidence)[1], ROWS * [COVER[1:7]])
    assert by_row(evidence)[0].sum() == 1


def test_nor_does_it_beside_a_scar_that_fills_most_of_the_wall():
    rows = [*3 * [[0, 0, 3, 3, 3, 3, 0, 0]], [0, 0, 2, 0, 0, 0, 0, 0]]
    evidence = evidence_of(rows, scar_labels=(3,))
    assert np.array_equal(by_row(evidence)[1], ROWS * [COVER[1:7]])
    assert by_row(evidence)[0].sum() == 12


def test_labels_may_be_many_if_those_of_scar_are_named():
    rows = emidec(1)
    for column, label in enumerate(range(11, 19)):
        rows[3][column] = label
    for column, label in enumerate(range(21, 29)):
        rows[0][column] = label
    with pytest.raises(BadEvidence, match="not a label map.*name those of scar with --scar-labels"):
        evidence_of(rows)
    values, weights = by_row(evidence_of(rows, scar_labels=(3, 4)))
    assert np.array_equal(values[1], [0, 1, 1, 0, 0, 0]) and values.sum() == 2
    assert np.array_equal(weights[1], [0, 0.95, 1, 1, 0.95, 0])


# ---- a label map of the myocardium


def test_a_label_map_of_the_myocardium_decides():
    scar = mapped(emidec(1), _1=0, _2=0, _3=1, _4=1)
    wall = a_stack_of(mapped(emidec(), _1=0, _2=1))
    evidence = evidence_of(scar, myocardium=LabelMap(wall))
    assert np.array_equal(by_row(evidence)[1], ROWS * [[0, 0.95, 1, 1, 0.95, 0]])
    assert evidence.notes == (
        "On the LV wall, label 1 means scar (2 pixels) and label 1 of the myocardium's label map means myocardium without scar "
        "(14 pixels); pixels outside of the labeled myocardium were left out (8 pixels).",
        "Label 1 is the only one, so it was taken for scar.",
    )


def test_its_labels_may_be_named_and_are_seen_otherwise():
    scar = mapped(emidec(1), _1=0, _2=0, _3=1, _4=1)
    several = a_stack_of([[1, 1, 2, 2, 6, 6, 0, 0] for _ in range(ROWS)])
    seen = by_row(evidence_of(scar, myocardium=LabelMap(several)))[1]
    assert np.array_equal(seen, ROWS * [[0, 0.95, 1, 1, 0.95, 0]])
    named = by_row(evidence_of(scar, myocardium=LabelMap(several, {"myocardium": (1, 6)})))[1]
    assert np.array_equal(named, [[0.3, 0, 0, 1, 0.95, 0], [0.3, 0.95, 1, 1, 0.95, 0], *2 * [[0.3, 0, 0, 1, 0.95, 0]]])


def test_labels_of_the_same_map_may_be_named_myocardium_scar_included():
    rows = a_stack_of(mapped(emidec(1), _4=3))
    drawn = LabelMap(rows, {"scar": (3,), "myocardium": (2, 3)})
    evidence = evidence_of(mapped(emidec(1), _4=3), scar_labels=(3,), myocardium=drawn)
    assert evidence.description["myocardium_labels"] == [2]
    assert np.array_equal(by_row(evidence)[0][1], [0, 1, 1, 0, 0, 0])
    assert "label 2 means myocardium without scar (14 pixels); labels 0 and 1 were left out" in evidence.notes[0]


def test_a_label_map_of_the_myocardium_elsewhere_leaves_the_scar_alone():
    drawn = LabelMap(a_stack_of([[5, *7 * [0]] for _ in range(ROWS)]))
    evidence = evidence_of(mapped(emidec(1), _1=0, _2=0, _3=1, _4=1), myocardium=drawn)
    assert evidence.weights.sum() == 0.95 + 1
    assert evidence.notes[0] == (
        "On the LV wall, label 1 means scar (2 pixels); pixels outside of the labeled myocardium were left out (22 pixels)."
    )


def test_a_label_of_the_myocardium_that_does_not_occur_is_an_error_that_names_those_that_do():
    drawn = LabelMap(a_stack_of(emidec(1)), {"myocardium": (7,)})
    with pytest.raises(BadEvidence, match="The label 7 of myocardium does not occur.*0, 1, 2, 3 and 4"):
        evidence_of(emidec(1), scar_labels=(3,), myocardium=drawn)


def test_a_label_map_of_the_myocardium_that_is_empty_is_an_error():
    with pytest.raises(BadEvidence, match="label map of the myocardium is empty"):
        evidence_of(mapped(emidec(1), _1=0, _2=0, _3=1, _4=1), myocardium=LabelMap(a_stack_of(ROWS * [8 * [0]])))


def test_labels_that_miss_half_of_the_wall_do_not_fit_it():
    scar = mapped(emidec(1), _1=0, _2=0, _3=1, _4=1)
    few = a_stack_of([8 * [1], *3 * [8 * [0]]])
    evidence = evidence_of(scar, myocardium=LabelMap(few))
    assert "The labels and the LV wall do not fit together: only 38% of the pixels well inside" in evidence.notes[-2]
    most = a_stack_of([*2 * [8 * [1]], *2 * [8 * [0]]])
    assert "fit together" not in " ".join(evidence_of(scar, myocardium=LabelMap(most)).notes)


def test_slices_that_nobody_labeled_are_named():
    assert evidence_of(emidec(1), ROWS * [8 * [0]]).notes[-1] == "Slices without a label of myocardium or scar were not used: slice 1."


# ---- no scar, and nothing but scar


def test_an_empty_label_map_is_a_heart_without_scar():
    for asked in (None, (3,)):
        evidence = evidence_of(ROWS * [8 * [0]], scar_labels=asked)
        assert not evidence.values.any() and np.array_equal(by_row(evidence)[1], ROWS * [COVER[1:7]])
        assert evidence.notes[0].endswith(": this heart counts as one without scar.")


def test_labels_without_the_scar_that_was_named_are_a_heart_without_scar():
    evidence = evidence_of(emidec(), scar_labels=(3,))
    assert not evidence.values.any() and np.array_equal(by_row(evidence)[1], ROWS * [[0, 0.95, 1, 1, 0.95, 0]])
    assert evidence.notes[0] == "The scar label 3 does not occur in the image: this heart counts as one without scar."


def test_but_not_if_two_labels_lie_on_the_wall_one_of_which_may_be_the_scar():
    with pytest.raises(BadEvidence, match="scar label 7 does not occur in the image; the labels in it are 0, 1, 2 and 3"):
        evidence_of(mapped(emidec(1), _4=3), scar_labels=(7,))


def test_scar_that_lies_off_the_wall_is_told():
    rows = [[1, 0, 0, 0, 0, 0, 0, 0] for _ in range(ROWS)]
    assert "The scar label 1 lies nowhere on the LV wall" in evidence_of(rows).notes[0]


def test_a_single_label_that_fills_the_wall_is_not_taken_for_scar_unless_it_is_named():
    rows = mapped(emidec(), _1=0, _2=1)
    with pytest.raises(BadEvidence, match="only label, 1, fills 85% of the LV wall.*--scar-labels 1 if"):
        evidence_of(rows)
    evidence = evidence_of(rows, scar_labels=(1,))
    assert np.array_equal(by_row(evidence)[0], ROWS * [[0, 1, 1, 1, 1, 0]])
    assert evidence.notes[0].startswith("85% of the LV wall is labeled scar; check ")


# ---- maps


def a_case(labels: list[list[list[int]]], names=(), myocardium=None) -> Case:
    """A block of wall at x = 4 to 12, y = 0 to 8 on slices with pixels of 2 mm."""
    wall = a_block([4, 0, -4], [12, 8, 4 + 8 * (len(labels) - 1)], [4, 4, 4 * len(labels)])
    stack = a_stack([8.0 * number for number in range(len(labels))], 8.0, pixels=[np.array(one, float) for one in labels])
    return Case(stack, wall, LabelMap(stack, dict(names)), myocardium)


def grid(rows_of_wall) -> list[list[int]]:
    """12 x 12 labels: the first four rows and columns 2 to 5 see the block; all others are 9."""
    labels = np.full((12, 12), 9)
    labels[:4, 2:6] = rows_of_wall
    return labels.tolist()


@pytest.mark.parametrize("model", ["nearest", "linear", "logodds"])
def test_a_baseline_is_filled_from_the_pixels_that_count(model):
    # The cavity (1) reaches into the wall on both sides of myocardium (2) with scar (3) in the upper half.
    case = a_case([grid([[1, 3, 3, 1]] * 2 + [[1, 2, 2, 1]] * 2)], {"scar": (3,), "myocardium": (2, 3)})
    result = reconstruct(case, ReconstructionSettings(model=ModelSettings(model)))
    nodes = result.case.wall.nodes
    upper, lower = nodes[:, 1] <= 3, nodes[:, 1] >= 5
    least, most = (0.02, 0.98) if model == "logodds" else (0, 1)
    assert result.arrays["scar_probability"][upper] == pytest.approx(most) and upper.any()
    assert result.arrays["scar_probability"][lower] == pytest.approx(least)


def test_the_myocardium_of_a_case_reaches_its_evidence():
    scar = grid([[1, 1, 0, 0]] + [[0, 0, 0, 0]] * 3)
    muscle = a_stack([0.0], 8.0, pixels=[np.array(grid([[5, 5, 5, 0]] * 4), float) == 5])
    case = a_case([mapped(scar, _9=0)], myocardium=LabelMap(muscle))
    result = reconstruct(case, ReconstructionSettings(model=ModelSettings("linear")))
    assert result.evidence.weights.sum() == pytest.approx(12) and result.evidence.values.sum() == 2
    assert result.summary["pixels_in_fit"] == result.summary["evidence"]["pixels_used"] == 12


def test_a_heart_without_scar_has_a_map_of_nothing():
    case = a_case([grid([[2, 2, 2, 2]] * 4)] * 4, {"scar": (3,)})
    result = reconstruct(case, ReconstructionSettings(model=ModelSettings(preset="preview", samples=4)))
    assert result.arrays["scar_probability"].max() < 0.01
