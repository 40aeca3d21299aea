import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase, setThreshold, showBinary, showScarProbability, showUncertainty
from CardioScarMRML.cameras import lookAtScar
from CardioScarMRML.display import LOOKS, colorTable
from counted import counted
from node_values import map_on
from vtk.util.numpy_support import numpy_to_vtk

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadSettings, BadWall, NoSpread
from CardioScarLib.report.colors import NOT_OBSERVED, PROBABILITY, color_table


@pytest.fixture
def a_result(a_case, a_fake_reconstruct):
    """(volume, model) with a map on it that is observed everywhere."""
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
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
        CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
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
    table = colorTable(a_scene, LOOKS["probability"], partly=False)
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
        CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    other = a_scene.AddNewNodeByClass("vtkMRMLModelNode", "Other LV")
    other.SetAndObserveMesh(a_case[1].GetMesh())
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(a_case[0], other))
    names = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLColorTableNode", a_scene)]
    assert names.count("CardioScar Probability") == 1
    assert len(slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode", a_scene)) == 2


def test_the_users_own_table_of_that_name_is_left_alone(a_scene):
    own = a_scene.AddNewNodeByClass("vtkMRMLColorTableNode", "CardioScar Probability")
    assert colorTable(a_scene, LOOKS["probability"], partly=False) is not own


def first_color(display):
    color = np.zeros(4)
    display.GetColorNode().GetColor(0, color)
    return color[:3]


def colors_of(values, display):
    """Number of the color that each value gets, as VTK looks it up."""
    low, high = display.GetScalarRange()
    count = display.GetColorNode().GetNumberOfColors()
    return np.clip(np.floor((values - low) / (high - low) * count), 0, count - 1).astype(int)


@pytest.mark.parametrize("show", [showScarProbability, showUncertainty, lambda model: showBinary(model, 0.5)])
def test_what_was_not_observed_is_gray_and_nothing_else_is(a_case, a_fake_reconstruct, beyond_the_stack, a_phantom, show):
    a_fake_reconstruct.observed[beyond_the_stack] = 0
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    model = a_case[1]
    show(model)
    display = model.GetDisplayNode()
    assert display.GetActiveScalarName() == "scar_shown"
    assert np.allclose(first_color(display), NOT_OBSERVED, atol=1 / 255)
    shown = map_on(model, "scar_shown")
    assert np.isfinite(shown).all()
    assert np.array_equal(colors_of(shown, display) == 0, beyond_the_stack)
    assert np.array_equal(map_on(model), a_phantom.truth.astype(np.float32))


def test_gray_costs_the_other_values_no_more_than_one_step_of_color(a_case, a_fake_reconstruct, beyond_the_stack, a_phantom):
    a_fake_reconstruct.observed[beyond_the_stack] = 0
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    shown = map_on(a_case[1], "scar_shown")[~beyond_the_stack]
    assert np.abs(shown - a_phantom.truth[~beyond_the_stack]).max() < 1.6 / 256


def test_a_wholly_observed_model_shows_the_array_itself(a_result):
    showBinary(a_result[1], 0.5)
    assert a_result[1].GetDisplayNode().GetActiveScalarName() == "scar_binary"
    assert not a_result[1].GetMesh().GetPointData().HasArray("scar_shown")


def test_uncertainty_has_colors_a_range_and_a_legend_of_its_own(a_result):
    display = a_result[1].GetDisplayNode()
    showUncertainty(a_result[1])
    assert display.GetActiveScalarName() == "scar_uncertainty"
    assert display.GetScalarRange() == (0.0, 0.5)
    assert display.GetColorNode().GetName() == "CardioScar Uncertainty"
    assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1]).GetTitleText() == "Standard deviation"
    showScarProbability(a_result[1])
    assert display.GetScalarRange() == (0.0, 1.0)
    assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1]).GetTitleText() == "Scar probability"


SHOW = {"probability": showScarProbability, "uncertainty": showUncertainty, "binary": lambda model: showBinary(model, 0.5)}


def test_a_legend_has_the_colors_of_the_map_after_each_switch(a_result):
    for name in ("probability", "binary", "probability", "uncertainty", "binary", "uncertainty"):
        SHOW[name](a_result[1])
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1])
        assert legend.GetMaxNumberOfColors() == len(LOOKS[name].colors), name


def test_the_legend_is_in_the_3d_view_alone(a_3d_view, a_slice_view, a_result, a_case):
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1])
    assert legend.GetViewNodeIDs() == (a_3d_view.node.GetID(),)
    a_slice_view.show(a_case[0], 3)
    a_result[1].GetDisplayNode().SetVisibility2D(False)
    with_legend = a_slice_view.picture("slice_without_legend")
    legend.SetVisibility(False)
    assert np.array_equal(a_slice_view.picture("slice_legend_off"), with_legend)


@pytest.mark.parametrize("turned", [False, True])
def test_the_3d_view_turns_to_the_scar_and_holds_the_heart(a_3d_view, a_result, from_the_scar, turned):
    model, camera = a_result[1], a_3d_view.node.GetScene().GetFirstNodeByClass("vtkMRMLCameraNode")
    along = from_the_scar / np.linalg.norm(from_the_scar)
    if turned:
        matrix = np.array([[0, -1, 0, 100], [0, 0, -1, 20], [1, 0, 0, -50], [0, 0, 0, 1.0]])
        transform = a_3d_view.node.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        model.SetAndObserveTransformNodeID(transform.GetID())
        along = matrix[:3, :3] @ along
    lookAtScar(model)
    found = np.array(camera.GetPosition()) - camera.GetFocalPoint()
    assert found / np.linalg.norm(found) @ along > 0.9
    picture = a_3d_view.picture(f"looks_at_scar_{turned}")
    assert is_yellowish(colored_part(picture)).mean() > 0.01
    edges = np.concatenate([picture[:4].reshape(-1, 3), picture[-4:].reshape(-1, 3), picture[:, :4].reshape(-1, 3)])
    assert 0.1 < is_drawn(picture).mean() < 0.7 and (np.abs(edges.astype(int) - picture[0, 0]).max(axis=-1) < 12).all()


def test_views_that_draw_at_each_switch_warn_of_nothing(a_3d_view, a_result):
    warnings = []

    @vtk.calldata_type(vtk.VTK_STRING)
    def keep(caller, event, text):
        warnings.append(text)

    def draw(caller, event):
        a_3d_view.window.Render()

    vtk.vtkOutputWindow.GetInstance().AddObserver("WarningEvent", keep)
    for name in ("binary", "probability", "binary", "uncertainty"):
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1])
        tag = legend.AddObserver(vtk.vtkCommand.ModifiedEvent, draw)
        SHOW[name](a_result[1])
        a_3d_view.window.Render()
        legend.RemoveObserver(tag)
    assert not [text for text in warnings if "LabelFormat" in text]


def test_a_legend_stays_where_it_was_put_when_the_map_changes(a_result, a_case, a_fake_reconstruct, beyond_the_stack):
    slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1]).SetPosition(0.1, 0.2)
    slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1]).SetSize(0.07, 0.3)
    a_fake_reconstruct.observed[beyond_the_stack] = 0
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1])
    assert legend.GetPosition() == (0.1, 0.2) and legend.GetSize() == (0.07, 0.3)
    showUncertainty(a_result[1])
    assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1]).GetPosition() == (0.1, 0.2)


def test_switching_makes_no_more_nodes_than_there_are_looks(a_result, a_scene):
    def switch():
        showUncertainty(a_result[1])
        showBinary(a_result[1], 0.4)
        showScarProbability(a_result[1])

    switch()
    count = a_scene.GetNumberOfNodes()
    switch()
    assert a_scene.GetNumberOfNodes() == count


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_the_threshold_decides_what_is_scar(a_result, a_phantom, threshold):
    showBinary(a_result[1], threshold)
    assert np.array_equal(map_on(a_result[1], "scar_binary"), map_on(a_result[1]) >= threshold)
    assert a_result[1].GetAttribute("CardioScar.Threshold") == f"{threshold:g}"


def test_another_threshold_leaves_the_display_of_the_probability_alone(a_result):
    setThreshold(a_result[1], 0.3)
    assert a_result[1].GetDisplayNode().GetActiveScalarName() == "scar_probability"
    many = map_on(a_result[1], "scar_binary").sum()
    setThreshold(a_result[1], 0.8)
    assert map_on(a_result[1], "scar_binary").sum() < many


def test_a_slider_moves_the_scar_where_part_is_not_observed_too(a_case, a_fake_reconstruct, beyond_the_stack):
    a_fake_reconstruct.observed[beyond_the_stack] = 0
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    model = a_case[1]
    showBinary(model, 0.1)
    low = colors_of(map_on(model, "scar_shown"), model.GetDisplayNode())
    setThreshold(model, 0.9)
    high = colors_of(map_on(model, "scar_shown"), model.GetDisplayNode())
    assert (low == 2).sum() > (high == 2).sum() > 0
    assert np.array_equal(high == 2, (map_on(model, "scar_binary") > 0) & ~beyond_the_stack)


def test_the_next_run_takes_the_binary_map_away(a_case, a_fake_reconstruct):
    logic = CardioScarLogic(a_fake_reconstruct)
    logic.reconstruct(CardioScarCase(*a_case))
    showBinary(a_case[1], 0.5)
    logic.reconstruct(CardioScarCase(*a_case))
    assert not a_case[1].GetMesh().GetPointData().HasArray("scar_binary")


def test_a_threshold_redraws(a_result):
    seen = []
    a_result[1].AddObserver(a_result[1].MeshModifiedEvent, lambda caller, event: seen.append(event))
    setThreshold(a_result[1], 0.5)
    assert seen


def test_a_slider_redraws_once_makes_nothing_anew_and_has_no_loop_over_points(a_case):
    model, lines = a_case[1], []
    for count in (100, 10_000):
        model.SetAndObserveMesh(vtk_grid_of_points(count))
        showBinary(model, 0.5)
        data, redrawn = model.GetMesh().GetPointData(), []
        before = [data.GetArray(name) for name in ("scar_binary", "scar_shown")]
        observer = model.AddObserver(model.MeshModifiedEvent, lambda caller, event, redrawn=redrawn: redrawn.append(event))
        with counted() as work:
            setThreshold(model, 0.4)
        model.RemoveObserver(observer)
        assert len(redrawn) == 1
        assert [data.GetArray(name) for name in ("scar_binary", "scar_shown")] == before
        assert not work.opened and work.calls["colorTable"] == work.calls["wallFromModelNode"] == 0
        lines.append(work.lines)
    assert lines[0] == lines[1]


def vtk_grid_of_points(count):
    """Points with a map on them, every tenth not observed; no cells, as only arrays matter."""
    random = np.random.default_rng(0)
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(random.uniform(-30, 30, (count, 3)), deep=True))
    grid = vtk.vtkUnstructuredGrid()
    grid.SetPoints(points)
    arrays = {"scar_probability": random.uniform(size=count).astype(np.float32), "scar_observed": np.arange(count) % 10 > 0}
    for name, values in arrays.items():
        array = numpy_to_vtk(values.astype(np.uint8) if values.dtype == bool else values, deep=True)
        array.SetName(name)
        grid.GetPointData().AddArray(array)
    return grid


def test_what_cannot_be_shown_is_said_in_a_sentence(a_scene, a_case, a_fake_reconstruct):
    model = a_case[1]
    with pytest.raises(BadWall, match="no scar map on this model yet"):
        showScarProbability(model)
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    with pytest.raises(BadSettings, match="1.5 is out of range"):
        showBinary(model, 1.5)
    model.GetMesh().GetPointData().RemoveArray("scar_uncertainty")
    with pytest.raises(NoSpread, match="no uncertainty"):
        showUncertainty(model)
    assert model.GetDisplayNode().GetActiveScalarName() == "scar_probability"


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
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
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
        assert looks_like(right, color, 12).sum() > 10
    slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_result[1]).SetVisibility(False)
    bare = a_3d_view.picture("legend_3d_hidden")[:, int(0.78 * picture.shape[1]) :]
    assert looks_like(bare, SCAR, 12).sum() == 0


@pytest.fixture
def a_part_not_observed(a_case, a_fake_reconstruct, beyond_the_stack, a_phantom):
    """The model of `a_case` with a map that the apical part lacks, and more uncertainty toward the edge of the scar."""
    a_fake_reconstruct.observed[beyond_the_stack] = 0
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    slicer.util.arrayFromModelPointData(a_case[1], "scar_uncertainty")[:] = np.sqrt(a_phantom.truth * (1 - a_phantom.truth))
    return a_case[1]


def is_gray(picture):
    """Without a hue, and neither the black of lines nor the white of letters."""
    return (np.ptp(picture.astype(int), axis=-1) < 14) & (picture.max(axis=-1) > 60) & (picture.max(axis=-1) < 235)


def is_dark_red(picture):
    """VTK's color of NaN."""
    return (picture[..., 0] > 70) & (picture[..., 1] < 20) & (picture[..., 2] < 20)


@pytest.mark.parametrize("name", ["probability", "uncertainty", "binary"])
def test_the_part_that_was_not_observed_is_drawn_gray(a_3d_view, a_part_not_observed, from_the_scar, name):
    SHOW[name](a_part_not_observed)
    a_3d_view.look_at(a_part_not_observed, from_the_scar)
    picture = a_3d_view.picture(f"partly_observed_{name}")
    heart = colored_part(picture)
    gray = is_gray(heart) & is_drawn(heart)
    assert 0.15 < gray.sum() / is_drawn(heart).sum() < 0.5
    assert not is_dark_red(picture).any()


def test_nothing_is_gray_where_all_was_observed(a_3d_view, a_result, from_the_scar):
    a_3d_view.look_at(a_result[1], from_the_scar)
    heart = colored_part(a_3d_view.picture("observed_all"))
    assert (is_gray(heart) & is_drawn(heart)).sum() < 0.02 * is_drawn(heart).sum()


@pytest.mark.parametrize("name", ["uncertainty", "binary"])
def test_a_slice_shows_the_other_maps_too(a_slice_view, a_case, a_part_not_observed, a_phantom, name):
    (showUncertainty if name == "uncertainty" else lambda model: showBinary(model, 0.5))(a_part_not_observed)
    a_slice_view.show(a_case[0], int(np.argmax([one.pixels.sum() for one in a_phantom.stack])))
    picture = a_slice_view.picture(f"slice_with_{name}")
    colorful = np.ptp(picture.astype(int), axis=-1) > 40
    assert colorful.sum() > 1000
    assert not is_dark_red(picture).any()


def test_the_intersection_with_a_slice_shows_scar_where_the_slice_has_it(a_slice_view, a_case, a_fake_reconstruct, a_phantom):
    volume, model = a_case
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model))
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


@pytest.mark.parametrize("name", ["probability", "uncertainty", "binary"])
def test_a_reopened_scene_looks_the_same(a_scene, a_3d_view, a_part_not_observed, from_the_scar, name, tmp_path):
    SHOW[name](a_part_not_observed)
    a_3d_view.look_at(a_part_not_observed, from_the_scar)
    before = a_3d_view.picture(f"saved_{name}").astype(int)
    title, model_name = (
        slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_part_not_observed).GetTitleText(),
        a_part_not_observed.GetName(),
    )
    assert a_scene.WriteToMRB(str(tmp_path / "case.mrb"))
    a_scene.Clear(0)
    assert np.abs(a_3d_view.picture("closed").astype(int) - before).mean() > 10
    assert a_scene.ReadFromMRB(str(tmp_path / "case.mrb"), True)
    model = a_scene.GetFirstNodeByName(model_name)
    a_3d_view.look_at(model, from_the_scar)
    after = a_3d_view.picture(f"reopened_{name}").astype(int)
    assert np.abs(after - before).mean() < 0.5  # legend included
    assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(model).GetTitleText() == title
    SHOW[name](model)
    assert np.abs(a_3d_view.picture(f"shown_again_{name}").astype(int) - before).mean() < 0.5
