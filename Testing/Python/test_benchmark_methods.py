"""The benchmark's methods: peers against values on paper, methods of one's own, and the original through its interpreter."""

from __future__ import annotations

import sys
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from bodies import a_block, a_stack, rms, the_phantom

from CardioScarLib.benchmark import original_peers
from CardioScarLib.benchmark.methods import METHODS, find_method
from CardioScarLib.benchmark.problem import Answer, Problem
from CardioScarLib.benchmark.task import MethodTask
from CardioScarLib.core.errors import BadSettings, RunFailed
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.interpolation.kriging import fit_kriging, matern
from CardioScarLib.reconstruction.interpolation.rbf import fit_rbf
from CardioScarLib.reconstruction.interpolation.slices import fit_baseline
from CardioScarLib.runner import start_job
from CardioScarLib.runner.task import read_task, write_task

MIDDLE = 12.0


@pytest.fixture(scope="module")
def a_wall():
    return a_block([0, 0, -6], [24, 24, 26], [8, 8, 12])


def fitted(how, wall, stack):
    operator = slice_operator(wall, stack)
    values = operator.pixels.values(stack)
    return how(operator, Evidence(values, np.ones(len(values))))


def along_z(posterior, *heights):
    return posterior.mean(np.array([[MIDDLE, MIDDLE, height] for height in heights]))


def a_problem(seed=0):
    case = the_phantom("I3", pixel=2.6, nodes=1500)
    return Problem(case.stack, case.wall, case.settings, case.stack, seed)


def answered(problem, method, search_path="", original_python=None):
    job = start_job(MethodTask(problem, method, original_python, search_path))
    try:
        while job.poll() == "running":
            time.sleep(0.02)
        if job.error:
            raise job.error
        found = job.answer()
        return found.answer, found.used
    finally:
        job.close()


# Peers

HALF = np.zeros((12, 12))
HALF[:, :6] = 1.0  # scar where x < 12


def by_shape(operator, evidence):
    return fit_baseline(operator, evidence, "shape")


def test_shape_based_interpolation_moves_the_border_evenly_from_slice_to_slice(a_wall):
    further = np.zeros((12, 12))
    further[:, :8] = 1.0  # scar where x < 16
    posterior = fitted(by_shape, a_wall, a_stack([0.0, 8.0], 4.0, pixels=[HALF, further]))
    for height, border in ((0, 12), (4, 14), (6, 15), (8, 16)):
        found = posterior.mean(np.array([[x, MIDDLE, height] for x in (border - 0.6, border + 0.6)]))
        assert found.tolist() == [1, 0]


def test_by_shape_scar_ends_within_the_way_to_a_slice_without_any(a_wall):
    posterior = fitted(by_shape, a_wall, a_stack([0.0, 10.0], 4.0, pixels=[HALF, 0.0]))
    # At x = 7 the border is 5 mm away, and the empty slice counts as 10 mm outside: 0 at a third of the way.
    assert posterior.mean(np.array([[7.0, MIDDLE, height] for height in (0, 3.0, 3.7, 10)])).tolist() == [1, 1, 0, 0]


def test_by_shape_a_stack_of_nothing_but_scar_is_scar(a_wall):
    assert along_z(fitted(by_shape, a_wall, a_stack([0.0, 8.0], 4.0, pixels=[1.0, 1.0])), 0, 4, 8).tolist() == [1, 1, 1]


@pytest.mark.parametrize("how", [fit_rbf, fit_kriging])
def test_rbf_and_kriging_go_through_the_slices_and_between_them(how, a_wall):
    posterior = fitted(how, a_wall, a_stack([0.0, 8.0, 20.0], 1.0, pixels=[0.2, 0.8, 0.2]))
    assert along_z(posterior, 0, 8, 20) == pytest.approx([0.2, 0.8, 0.2], abs=0.02)
    between = along_z(posterior, 4)
    assert 0.35 < between < 0.65


@pytest.mark.parametrize("how", [fit_rbf, fit_kriging])
def test_rbf_and_kriging_stay_within_0_and_1(how, a_wall):
    posterior = fitted(how, a_wall, a_stack([0.0, 8.0, 16.0], 4.0, pixels=[HALF, 1 - HALF, HALF]))
    mean = posterior.mean(a_wall.nodes)
    assert mean.min() >= 0 and mean.max() <= 1


@pytest.fixture(scope="module")
def a_kriging(a_wall):
    return fitted(fit_kriging, a_wall, a_stack([0.0, 8.0, 20.0], 1.0, pixels=[HALF, HALF, 1 - HALF]))


def test_a_draw_of_kriging_is_one_field_and_honors_the_slices(a_kriging):
    points = np.array([[x, y, 0.0] for x in (3.0, 9.0, 15.0, 21.0) for y in (5.0, 13.0)])
    draws = a_kriging.samples(20, points)
    assert np.array_equal(a_kriging.samples(20, points[2:5])[:7], draws[:7, 2:5])
    assert rms(draws - a_kriging.mean(points)) < 0.1
    assert len(np.unique(draws[:, 0])) == 20


def test_kriging_is_less_sure_between_slices_than_on_them(a_kriging):
    on, between = (a_kriging.sd(np.array([[x, MIDDLE, height] for x in (4.0, 12.0, 20.0)])) for height in (8.0, 14.0))
    assert between.mean() > 2 * on.mean()


def test_many_draws_of_kriging_have_its_mean_and_spread(a_kriging):
    points = np.array([[8.0, MIDDLE, 14.0], [16.0, 6.0, 3.0]])
    draws = a_kriging.samples(800, points)
    assert draws.mean(axis=0) == pytest.approx(a_kriging.mean(points), abs=0.05)
    covariance = a_kriging.variance * matern(np.linalg.norm(points[:, None] - points[None], axis=2), a_kriging.length)
    assert np.all(draws.var(axis=0) < np.diag(covariance))  # knowing slices makes it surer than knowing nothing


# Methods in general


def test_a_method_is_not_told_the_truth():
    assert {one.name for one in fields(Problem)} == {"stack", "wall", "settings", "myocardium", "seed"}


def test_a_problem_is_the_same_on_the_other_side(tmp_path):
    problem = a_problem(seed=5)
    write_task(MethodTask(problem, "linear"), tmp_path)
    read = read_task(tmp_path).problem
    assert np.array_equal(read.wall.nodes, problem.wall.nodes) and np.array_equal(read.wall.tetrahedra, problem.wall.tetrahedra)
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(read.stack, problem.stack, strict=True))
    assert (read.settings, read.seed) == (problem.settings, 5)


@pytest.mark.slow
def test_a_method_in_its_own_process_says_what_it_says_here_and_what_it_costs():
    problem = a_problem()
    answer, used = answered(problem, "log-odds")
    assert np.array_equal(answer.mean, METHODS["log-odds"].run(problem).mean)
    assert 0.01 < used["cpu_seconds"] < 60
    assert 100 < used["peak_mb"] < 4000


OWN = '''
import numpy as np
from CardioScarLib.benchmark.problem import Answer

def half(problem):
    """One half everywhere."""
    return Answer(np.full(len(problem.wall.nodes), 0.5), summary={"slices": len(problem.stack)})

def draws(problem):
    return Answer(np.zeros(len(problem.wall.nodes)), draws=np.random.default_rng(problem.seed).random((30, len(problem.wall.nodes))))

def too_few(problem):
    return Answer(np.zeros(3))

def broken(problem):
    return {}["no such key"]

def wordless(problem):
    return 1
'''


@pytest.fixture
def own_methods(tmp_path, monkeypatch):
    (tmp_path / "my_own_methods.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield str(tmp_path)
    sys.modules.pop("my_own_methods", None)


def test_a_method_of_ones_own_is_a_function_by_its_module_and_name(own_methods):
    assert find_method("my_own_methods:half").about == "One half everywhere."
    answer, _ = answered(a_problem(), "my_own_methods:half", own_methods)
    assert np.all(answer.mean == 0.5) and answer.sd is None
    answer, _ = answered(a_problem(), "my_own_methods:draws", own_methods)
    assert answer.sd == pytest.approx(np.full(len(answer.mean), np.sqrt(1 / 12)), abs=0.12)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("too_few", r"The method's mean has the shape \(3,\); the wall has \d+ nodes"),
        ("broken", "The method my_own_methods:broken failed: KeyError: 'no such key'"),
        ("wordless", "returns int; it must return an Answer"),
    ],
)
def test_a_method_that_goes_wrong_is_named_in_a_sentence(own_methods, function, sentence):
    with pytest.raises(RunFailed, match=sentence):
        answered(a_problem(), f"my_own_methods:{function}", own_methods)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cubic", "There is no method 'cubic'; choose among nearest, linear"),
        ("no_such_module:f", "cannot be imported: No module named 'no_such_module'"),
        ("os:no_such_function", "cannot be imported"),
        ("os:sep", "is not a function"),
    ],
)
def test_a_method_that_is_not_there_is_said(name, sentence):
    with pytest.raises(BadSettings, match=sentence):
        find_method(name)


def test_a_method_without_its_package_says_what_is_missing():
    assert METHODS["linear"].missing() is None
    lacking = METHODS["linear"].__class__("x", "", lambda problem: None, packages=("no_such_package",))
    assert lacking.missing() == "no_such_package is not installed"


def test_answers_that_are_not_numbers_are_refused():
    with pytest.raises(RunFailed, match="mean has 1 values that are not numbers"):
        Answer(np.array([0.1, np.nan])).checked(2)
    with pytest.raises(RunFailed, match="one draw"):
        Answer(np.zeros(2), draws=np.zeros((1, 2))).checked(2)


# The original

STAND_IN = '''
"""Takes the flags of the original's commands; its map is the image at the nearest voxel."""
import sys
import numpy as np, SimpleITK as sitk, vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

command, words = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2]))

def mesh_of(path):
    reader = vtk.vtkUnstructuredGridReader()
    reader.SetFileName(path)
    reader.Update()
    return reader.GetOutput()

if command == "prepare":
    image = sitk.ReadImage(words["--image"])
    points = vtk_to_numpy(mesh_of(words["--mesh-vtk"]).GetPoints().GetData())
    values = [image.GetPixel(image.TransformPhysicalPointToIndex(point.tolist())) for point in points.astype(float)]
    np.savez(words["--output"], values=values)
elif command == "train":
    assert words["--max-epochs"] == "700" and sys.argv[-1] == "--cpu"
    np.savez(open(words["--output"], "wb"), values=np.load(words["--training-data"])["values"])
elif command == "apply":
    values, mesh = np.load(words["--model"])["values"], mesh_of(words["--mesh"])
    for name, array in (("scar_probability", values), ("scar_uncertainty", 0 * values + 0.25)):
        column = numpy_to_vtk(array.astype(np.float32), deep=True)
        column.SetName(name)
        mesh.GetPointData().AddArray(column)
    writer = vtk.vtkUnstructuredGridWriter()
    writer.SetFileName(words["--output"])
    writer.SetInputData(mesh)
    writer.Write()
'''


def a_copy(folder: Path, text: str) -> None:
    (folder / "cardioscar").mkdir()
    (folder / "cardioscar" / "__init__.py").touch()
    (folder / "cardioscar" / "cli.py").write_text(text)


@pytest.mark.slow
def test_an_installed_original_gets_the_slices_where_they_are(tmp_path, monkeypatch):
    """A stand-in with the original's flags, which samples the image at the mesh's points: the nearest voxel is the nearest pixel."""
    a_copy(tmp_path, STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    problem = a_problem()
    answer = original_peers.installed(problem, sys.executable)
    nearest = METHODS["nearest"].run(problem).mean
    assert rms(answer.mean - nearest) < 0.02  # pixels off the wall differ
    assert rms(answer.mean - nearest[::-1]) > 0.2
    assert np.all(answer.sd == 0.25) and answer.draws is None


def test_an_original_that_fails_is_quoted(tmp_path, monkeypatch):
    a_copy(tmp_path, "import sys; sys.exit('no scar today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RunFailed, match="The original's prepare ended with exit code 1; its last words: no scar today"):
        original_peers.installed(a_problem(), sys.executable)
    with pytest.raises(RunFailed, match="cannot be started"):
        original_peers.installed(a_problem(), str(tmp_path / "no-python"))


def test_slices_that_are_no_volume_are_not_handed_to_the_original():
    problem = a_problem()
    uneven = SliceStack(problem.stack.slices[:3] + problem.stack.slices[4:])
    with pytest.raises(RunFailed, match="not evenly spaced"):
        original_peers.as_volume(Problem(uneven, problem.wall, problem.settings, uneven))
    alone = problem.stack.select([2])
    with pytest.raises(RunFailed, match="a single slice makes none"):
        original_peers.as_volume(Problem(alone, problem.wall, problem.settings, alone))


@pytest.mark.slow
def test_the_reimplemented_original_learns_something(monkeypatch):
    pytest.importorskip("torch")
    problem, case = a_problem(), the_phantom("I3", pixel=2.6, nodes=1500)
    errors = []
    for epochs in (1, 30):
        monkeypatch.setattr(original_peers, "EPOCHS", epochs)
        errors.append(rms(original_peers.reimplemented(problem).mean - case.truth))
    assert errors[1] < 0.9 * errors[0]
