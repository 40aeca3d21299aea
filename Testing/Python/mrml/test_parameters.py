"""What the choices of the panel mean for a run."""

import pytest
from CardioScarMRML.parameters import sliceIndices
from CardioScarPanel.words import durationInWords, stageInWords

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadSettings


@pytest.fixture
def choices(a_case):
    """Of a volume with ten slices."""
    parameters = CardioScarLogic().getParameterNode()
    parameters.lgeVolume = a_case[0]
    assert a_case[0].GetImageData().GetDimensions()[2] == 10
    return parameters


def test_all_slices_are_none_in_particular(choices):
    choices.sliceList, choices.sliceRangeMinimum = "1", 4  # left from before
    assert sliceIndices(choices) is None


def test_a_range_includes_both_ends_and_ends_with_the_volume(choices):
    choices.sliceSelection, choices.sliceRangeMinimum, choices.sliceRangeMaximum = "range", 2, 4
    assert sliceIndices(choices) == [2, 3, 4]
    choices.sliceRangeMaximum = 50
    assert sliceIndices(choices) == [2, 3, 4, 5, 6, 7, 8, 9]


def test_a_list_is_sorted_and_holds_each_slice_of_the_volume_once(choices):
    choices.sliceSelection, choices.sliceList = "list", "5, 2,5,17,"
    assert sliceIndices(choices) == [2, 5]


@pytest.mark.parametrize(
    "selection, minimum, listed, words",
    [("range", 5, "", "No slice"), ("list", 0, "", "No slice"), ("list", 0, "12", "No slice"), ("list", 0, "2;3", "'2;3'")],
)
def test_no_slice_is_refused(choices, selection, minimum, listed, words):
    choices.sliceSelection, choices.sliceRangeMinimum, choices.sliceRangeMaximum, choices.sliceList = selection, minimum, 4, listed
    with pytest.raises(BadSettings, match=words):
        sliceIndices(choices)


def test_without_a_volume_there_is_nothing_to_refuse(choices):
    choices.sliceSelection, choices.lgeVolume = "list", None
    assert sliceIndices(choices) is None


@pytest.mark.parametrize("seconds, words", [(0.4, "0:00"), (7, "0:07"), (61.6, "1:02"), (3723, "1:02:03"), (-1, "0:00")])
def test_durations_are_read_as_on_a_clock(seconds, words):
    assert durationInWords(seconds) == words


def test_stages_are_in_plain_words_and_unknown_ones_as_they_are():
    assert stageInWords("fit") == "Fitting the scar between the slices"
    assert stageInWords("a new stage") == "a new stage"
