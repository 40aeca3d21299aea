import numpy as np
import pytest
import slicer
from CardioScarMRML.display import probabilityColorTable
from node_values import map_on

from CardioScar import CardioScarLogic
from CardioScarLib.report.colors import PROBABILITY, color_table


@pytest.fixture
def a_result(a_case, a_fake_reconstruct):
    """(volume, model) with a map on it that is observed everywhere."""
    CardioScarLogic(a_fake_reconstruct).reconstruct(*a_case)
    return a_case


@pytest.fixture
def beyond_the_stack(a_phantom):
    """Which nodes a stack that ends early does not reach: the apical part."""
    height = a_phantom.wall.nodes @ a_phantom.stack.slices[0].normal
    along = height if a_phantom.stack.slices[-1].center @ a_phantom.stack.slices[0].normal > 0 else -height
    return along < np.quantile(along, 0.6)


def test_the_probability_colors_the_model_from_0_to_1(a_result):
    display = a_result[1].GetDisplayNode()
    assert display.GetScalarVisibility()
    assert display.GetActiveScalarName() == "scar_probability"
    assert display.GetScalarRangeFlag() == display.UseManualScalarRange
    assert display.GetScalarRange() == (0.0, 1.0)
    assert not display.GetThresholdEnabled()
    assert display.GetColorNode().GetName() == "CardioScar Probability"


def test_the_range_is_0_to_1_for_a_heart_with_little_scar_too(a_case, a_fake_reconstruct, a_phantom):
    a_phantom.truth[:] *= 0.1
    try:
        CardioScarLogic(a_fake_reconstruct).reconstruct(*a_case)
    finally:
        a_phantom.truth[:] /= 0.1
    assert a_case[1].GetDisplayNode().GetScalarRange() == (0.0, 1.0)


def test_a_legend_names_what_is_shown(a_result):
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1])
    assert legend.GetTitleText() == "Scar probability"
    assert legend.GetVisibility()
    assert legend.GetNumberOfLabels() == 6
    assert legend.GetPrimaryDisplayNode() is a_result[1].GetDisplayNode()


def test_the_colors_rise_evenly_in_lightness_and_are_all_named(a_scene):
    table = probabilityColorTable(a_scene)
    colors = np.zeros((table.GetNumberOfColors(), 4))
    for number, row in enumerate(colors):
        table.GetColor(number, row)
        assert table.GetColorName(number)
    assert len(colors) == 256
    assert np.allclose(colors[:, :3], color_table(PROBABILITY), atol=1 / 255)  # kept with 8 bits
    lightness = colors[:, :3] ** 2.2 @ [0.2126, 0.7152, 0.0722]
    assert np.all(np.diff(lightness[::8]) > 0)


def test_two_runs_and_two_models_share_one_color_table(a_scene, a_case, a_fake_reconstruct):
    for _ in range(2):
        CardioScarLogic(a_fake_reconstruct).reconstruct(*a_case)
    other = a_scene.AddNewNodeByClass("vtkMRMLModelNode", "Other LV")
    other.SetAndObserveMesh(a_case[1].GetMesh())
    CardioScarLogic(a_fake_reconstruct).reconstruct(a_case[0], other)
    names = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLColorTableNode", a_scene)]
    assert names.count("CardioScar Probability") == 1
    assert len(slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode", a_scene)) == 2


def test_the_users_own_table_of_that_name_is_left_alone(a_scene):
    own = a_scene.AddNewNodeByClass("vtkMRMLColorTableNode", "CardioScar Probability")
    assert probabilityColorTable(a_scene) is not own


def test_what_was_not_observed_is_hidden_and_kept_in_the_result(a_case, a_fake_reconstruct, beyond_the_stack, a_phantom):
    a_fake_reconstruct.observed[beyond_the_stack] = 0
    CardioScarLogic(a_fake_reconstruct).reconstruct(*a_case)
    model = a_case[1]
    display = model.GetDisplayNode()
    assert display.GetActiveScalarName() == "scar_probability_shown"
    assert display.GetThresholdEnabled()
    assert (display.GetThresholdMin(), display.GetThresholdMax()) == (0.0, 1.0)
    assert np.array_equal(np.isnan(map_on(model, "scar_probability_shown")), beyond_the_stack)
    assert np.array_equal(map_on(model), a_phantom.truth.astype(np.float32))


# --- pictures ------------------------------------------------------------------------------------------------------


def looks_like(picture, color, tolerance=40):
    return np.abs(picture.astype(int) - (255 * np.asarray(color)).astype(int)).max(axis=-1) < tolerance


HEALTHY, SCAR = color_table(PROBABILITY)[0], color_table(PROBABILITY)[-1]


def is_yellowish(picture):
    """Scar under any light: red and green well above blue."""
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    return (red > 1.5 * blue + 20) & (green > 1.5 * blue + 20)


def is_violet(picture):
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    return (blue > 1.3 * green + 10) & (red > 1.1 * green) & (blue < 160)


def is_drawn(picture):
    """Not the background, whose color is in the upper left corner."""
    return np.abs(picture.astype(int) - picture[0, 0]).max(axis=-1) > 12


def colored_part(picture):
    """The left part, without the legend."""
    return picture[:, : int(0.78 * picture.shape[1])]


@pytest.fixture
def from_the_scar(a_phantom):
    """RAS direction from the middle of the heart to the middle of its scar."""
    scar = a_phantom.wall.nodes[a_phantom.truth > 0.5].mean(axis=0) - a_phantom.wall.nodes.mean(axis=0)
    return scar * [-1, -1, 1]


def test_the_scar_is_seen_from_its_side_and_not_from_the_other(a_3d_view, a_case, a_fake_reconstruct, from_the_scar, a_phantom):
    model = a_case[1]
    CardioScarLogic(a_fake_reconstruct).reconstruct(*a_case)
    a_3d_view.look_at(model, from_the_scar)
    near = a_3d_view.picture("scar_3d_near")
    a_3d_view.look_at(model, -from_the_scar)
    far = a_3d_view.picture("scar_3d_far")
    part = is_yellowish(colored_part(near)).mean()
    assert part > 0.01
    assert is_yellowish(colored_part(far)).mean() < 0.3 * part
    assert is_violet(colored_part(far)).mean() > 0.08


def test_the_legend_is_drawn_with_all_colors(a_3d_view, a_result):
    a_3d_view.look_at(a_result[1])
    picture = a_3d_view.picture("legend_3d")
    right = picture[:, int(0.78 * picture.shape[1]) :]
    for color in (HEALTHY, color_table(PROBABILITY)[128], SCAR):
        assert looks_like(right, color, 12).sum() > 30
    slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1]).SetVisibility(False)
    bare = a_3d_view.picture("legend_3d_hidden")[:, int(0.78 * picture.shape[1]) :]
    assert looks_like(bare, SCAR, 12).sum() == 0


def test_the_unobserved_part_is_not_drawn(a_3d_view, a_case, a_fake_reconstruct, beyond_the_stack, from_the_scar):
    model = a_case[1]
    logic = CardioScarLogic(a_fake_reconstruct)
    logic.reconstruct(*a_case)
    a_3d_view.look_at(model, from_the_scar)
    whole = is_drawn(colored_part(a_3d_view.picture("observed_all"))).mean()
    a_fake_reconstruct.observed[beyond_the_stack] = 0
    logic.reconstruct(*a_case)
    picture = colored_part(a_3d_view.picture("observed_part"))
    part = is_drawn(picture).mean()
    assert 0.3 * whole < part < 0.9 * whole
    dark_red = (picture[..., 0] > 70) & (picture[..., 1] < 20) & (picture[..., 2] < 20)
    assert not dark_red.any()


def test_the_intersection_with_a_slice_shows_scar_where_the_slice_has_it(a_slice_view, a_case, a_fake_reconstruct, a_phantom):
    volume, model = a_case
    CardioScarLogic(a_fake_reconstruct).reconstruct(volume, model)
    with_scar = int(np.argmax([one.pixels.sum() for one in a_phantom.stack]))
    a_slice_view.show(volume, with_scar)
    model.GetDisplayNode().SetVisibility2D(False)
    image = colored_part(a_slice_view.picture("slice_image"))
    model.GetDisplayNode().SetVisibility2D(True)
    with_map = colored_part(a_slice_view.picture("slice_with_scar"))
    yellow = is_yellowish(with_map)
    bright_wall = (image.min(axis=-1) > 150) & (np.abs(image.astype(int) - with_map).max(axis=-1) > 12)
    assert yellow.sum() > 1000
    assert 2 * (bright_wall & yellow).sum() / (bright_wall.sum() + yellow.sum()) > 0.8
