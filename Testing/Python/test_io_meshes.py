"""Reading LV models: kinds of cells, frames, units, and everything that is not a usable model."""

from __future__ import annotations

import numpy as np
import pytest
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from CardioScarLib.core.errors import BadSettings, BadWall, CardioScarError, UnreadableFile
from CardioScarLib.io.meshes import read_mesh, read_wall, wall_from_dataset
from CardioScarLib.io.vtk_files import grid_from

CUBE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], dtype=float) * 20
# Six tetrahedra around the diagonal from corner 0 to corner 6.
SIX_TETRAHEDRA = [[0, 1, 2, 6], [0, 2, 3, 6], [0, 3, 7, 6], [0, 7, 4, 6], [0, 4, 5, 6], [0, 5, 1, 6]]
CUBE_VOLUME = 20.0**3


def a_grid(points, *cells):
    """cells: (VTK type, point numbers)."""
    offsets = np.cumsum([0] + [len(numbers) for _, numbers in cells])
    kinds = np.array([kind for kind, _ in cells])
    return grid_from(np.asarray(points, dtype=float), kinds, offsets, np.concatenate([list(numbers) for _, numbers in cells]))


@pytest.fixture
def a_cube_of_tetrahedra():
    return a_grid(CUBE, *((vtk.VTK_TETRA, cell) for cell in SIX_TETRAHEDRA))


@pytest.fixture
def a_sphere():
    source = vtk.vtkSphereSource()
    source.SetRadius(30)
    source.SetThetaResolution(24)
    source.SetPhiResolution(24)
    source.Update()
    surface = vtk.vtkPolyData()
    surface.DeepCopy(source.GetOutput())
    return surface


def blocks(kind):
    """2 x 2 x 2 cells of one kind in a cube of 2 mm."""
    source = vtk.vtkCellTypeSource()
    source.SetCellType(kind)
    source.SetBlocksDimensions(2, 2, 2)
    source.Update()
    return source.GetOutput()


def outer_area(wall):
    """Area of the triangles that belong to one tetrahedron only; larger than the body's surface where cells do not fit."""
    cells = wall.tetrahedra
    faces = np.sort(np.vstack([cells[:, [0, 1, 2]], cells[:, [0, 1, 3]], cells[:, [0, 2, 3]], cells[:, [1, 2, 3]]]), axis=1)
    faces, counts = np.unique(faces, axis=0, return_counts=True)
    a, b, c = (wall.nodes[faces[counts == 1][:, corner]] for corner in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()


def save(dataset, path, header=None, ascii=False):
    writer = {
        ".vtk": vtk.vtkDataSetWriter,
        ".vtu": vtk.vtkXMLUnstructuredGridWriter,
        ".vtp": vtk.vtkXMLPolyDataWriter,
        ".ply": vtk.vtkPLYWriter,
        ".stl": vtk.vtkSTLWriter,
        ".obj": vtk.vtkOBJWriter,
    }[path.suffix]()
    writer.SetFileName(str(path))
    writer.SetInputData(dataset)
    if path.suffix in (".vtk", ".ply", ".stl"):
        writer.SetFileTypeToASCII() if ascii else writer.SetFileTypeToBinary()
    if header and path.suffix == ".ply":
        writer.AddComment(header)
    elif header:
        writer.SetHeader(header)
    writer.Write()
    return path


# Kinds of cells


def test_tetrahedra_make_a_volume_wall_with_the_points_of_the_file(a_cube_of_tetrahedra):
    wall = wall_from_dataset(a_cube_of_tetrahedra)
    assert wall.kind == "volume"
    assert np.array_equal(wall.nodes, CUBE)
    assert sorted(map(tuple, np.sort(wall.tetrahedra, axis=1))) == sorted(map(tuple, np.sort(SIX_TETRAHEDRA, axis=1)))


@pytest.mark.parametrize(
    "kind",
    [vtk.VTK_HEXAHEDRON, vtk.VTK_VOXEL, vtk.VTK_WEDGE, vtk.VTK_PYRAMID, vtk.VTK_PENTAGONAL_PRISM, vtk.VTK_QUADRATIC_TETRA],
)
def test_other_volume_cells_are_split_into_tetrahedra_that_fit_together(kind):
    blocked = blocks(kind)
    wall = wall_from_dataset(blocked)
    assert wall.kind == "volume"
    assert len(wall.nodes) == blocked.GetNumberOfPoints()
    assert wall.volumes.sum() == pytest.approx(8.0)
    assert outer_area(wall) == pytest.approx(24.0)


def test_splitting_fits_together_whatever_the_order_of_points():
    order = np.random.default_rng(3).permutation(27)
    grid = blocks(vtk.VTK_HEXAHEDRON)
    points = np.array([grid.GetPoint(number) for number in range(27)])
    cells = [np.array([grid.GetCell(c).GetPointId(n) for n in range(8)]) for c in range(8)]
    shuffled = a_grid(points[order], *((vtk.VTK_HEXAHEDRON, np.argsort(order)[cell]) for cell in cells))
    wall = wall_from_dataset(shuffled)
    assert np.array_equal(wall.nodes, points[order])
    assert outer_area(wall) == pytest.approx(24.0)


def test_mixed_volume_cells_keep_the_whole_volume():
    points = np.vstack([CUBE, [[10, 10, 40], [40, 10, 0], [40, 10, 20]]])
    mixed = a_grid(
        points,
        (vtk.VTK_HEXAHEDRON, range(8)),
        (vtk.VTK_PYRAMID, [4, 5, 6, 7, 8]),
        (vtk.VTK_WEDGE, [1, 2, 9, 5, 6, 10]),
        (vtk.VTK_TETRA, [5, 6, 10, 8]),
    )
    wall = wall_from_dataset(mixed)
    # Cube 1, pyramid of the same base and height 1/3, wedge half a cube, tetrahedron (5, 6, 10, 8) 1/6.
    assert wall.volumes.sum() == pytest.approx(CUBE_VOLUME * (1 + 1 / 3 + 1 / 2 + 1 / 6))


def test_curved_cells_are_refused_by_name():
    with pytest.raises(BadWall, match="QuadraticHexahedron"):
        wall_from_dataset(blocks(vtk.VTK_QUADRATIC_HEXAHEDRON))


def test_surface_cells_beside_volume_cells_are_ignored_aloud():
    grid = a_grid(CUBE, *((vtk.VTK_TETRA, cell) for cell in SIX_TETRAHEDRA), (vtk.VTK_TRIANGLE, [0, 1, 2]), (vtk.VTK_VERTEX, [0]))
    wall = wall_from_dataset(grid)
    assert len(wall.tetrahedra) == 6
    assert len(wall.triangles) == 0
    assert any(note.startswith("2 cells of lower dimension") for note in wall.notes)


def test_a_closed_surface_an_open_shell_and_points_are_told_apart(a_sphere):
    assert wall_from_dataset(a_sphere).kind == "closed_surface"
    clip = vtk.vtkClipPolyData()
    plane = vtk.vtkPlane()
    clip.SetClipFunction(plane)
    clip.SetInputData(a_sphere)
    clip.Update()
    shell = wall_from_dataset(clip.GetOutput())
    assert shell.kind == "shell"
    assert shell.areas.sum() == pytest.approx(2 * np.pi * 30**2, rel=0.02)
    assert any("is open" in note for note in shell.notes)
    bare = vtk.vtkPolyData()
    bare.SetPoints(a_sphere.GetPoints())
    assert wall_from_dataset(bare).kind == "points"


def test_a_closed_surface_with_doubled_points_at_its_seams_is_still_closed():
    cube = vtk.vtkCubeSource()
    cube.Update()
    # Every corner three times, once per face, for the sake of its normals.
    wall = wall_from_dataset(cube.GetOutput())
    assert len(wall.nodes) == 24
    assert wall.kind == "closed_surface"
    assert wall.areas.sum() == pytest.approx(6.0)
    assert any(note.startswith("16 points") for note in wall.notes)


def test_three_triangles_at_one_edge_are_not_a_closed_surface(a_sphere):
    inside = a_sphere.GetNumberOfPoints()
    grid = vtk.vtkAppendPolyData()
    fin = vtk.vtkPolyData()
    points = vtk.vtkPoints()
    for place in (a_sphere.GetPoint(2), a_sphere.GetPoint(3), (0, 0, 0)):
        points.InsertNextPoint(place)
    fin.SetPoints(points)
    cells = vtk.vtkCellArray()
    cells.InsertNextCell(3, [0, 1, 2])
    fin.SetPolys(cells)
    grid.AddInputData(a_sphere)
    grid.AddInputData(fin)
    grid.Update()
    assert grid.GetOutput().GetNumberOfPoints() == inside + 3
    assert wall_from_dataset(grid.GetOutput()).kind == "shell"


# Formats


@pytest.mark.parametrize("suffix", [".vtk", ".vtu"])
def test_a_grid_is_the_same_from_every_format(a_cube_of_tetrahedra, tmp_path, suffix):
    mesh = read_wall(save(a_cube_of_tetrahedra, tmp_path / f"lv{suffix}"))
    assert np.array_equal(mesh.wall.nodes, CUBE)
    assert mesh.wall.volumes.sum() == pytest.approx(CUBE_VOLUME)
    assert any("read as LPS" in note for note in mesh.wall.notes)


@pytest.mark.parametrize("suffix", [".vtk", ".vtp", ".ply", ".stl"])
@pytest.mark.parametrize("ascii", [False, True])
def test_a_surface_is_the_same_from_every_format(a_sphere, tmp_path, suffix, ascii):
    mesh = read_wall(save(a_sphere, tmp_path / f"lv{suffix}", ascii=ascii))
    assert mesh.wall.kind == "closed_surface"
    assert len(mesh.wall.nodes) == a_sphere.GetNumberOfPoints() == mesh.dataset.GetNumberOfPoints()
    assert mesh.wall.areas.sum() == pytest.approx(wall_from_dataset(a_sphere).areas.sum(), rel=1e-5)


def test_an_obj_file_is_a_surface(a_sphere, tmp_path):
    mesh = read_wall(save(a_sphere, tmp_path / "lv.obj"))
    assert mesh.wall.kind == "closed_surface" and mesh.frame == "lps"
    assert mesh.wall.areas.sum() == pytest.approx(wall_from_dataset(a_sphere).areas.sum(), rel=1e-5)
    flipped = tmp_path / "ras.obj"
    flipped.write_text("# SPACE=RAS\n" + (tmp_path / "lv.obj").read_text().partition("\n")[2])
    assert read_wall(flipped).wall.nodes == pytest.approx(mesh.wall.nodes * [-1, -1, 1])
    (tmp_path / "wrong.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n")
    with pytest.raises(CardioScarError, match="point|damaged"):
        read_wall(tmp_path / "wrong.obj")


def test_read_mesh_keeps_the_arrays_of_the_file(a_cube_of_tetrahedra, tmp_path):
    for name in ("fibers", "depth"):
        array = numpy_to_vtk(np.arange(8.0) * np.nan if name == "depth" else np.arange(24.0).reshape(8, 3), deep=True)
        array.SetName(name)
        a_cube_of_tetrahedra.GetPointData().AddArray(array)
    dataset = read_mesh(save(a_cube_of_tetrahedra, tmp_path / "lv.vtk"))
    assert {dataset.GetPointData().GetArrayName(n) for n in range(2)} == {"fibers", "depth"}


def write_opencarp(folder, points, cells, name="lv"):
    (folder / f"{name}.pts").write_text(f"{len(points)}\n" + "".join(f"{x:g} {y:g} {z:g}\n" for x, y, z in points))
    (folder / f"{name}.elem").write_text(f"{len(cells)}\n" + "".join(f"{cell}\n" for cell in cells))
    return folder / name


@pytest.mark.parametrize("ending", [".pts", ".elem", ""])
def test_an_opencarp_mesh_is_found_by_any_of_its_names_and_is_in_micrometers(tmp_path, ending):
    stem = write_opencarp(tmp_path, CUBE * 1000, [f"Tt {' '.join(map(str, cell))} 7" for cell in SIX_TETRAHEDRA])
    (tmp_path / "lv.lon").write_text("1\n" + "1 0 0\n" * 6)
    mesh = read_wall(stem.with_name(stem.name + ending))
    assert mesh.unit == "um"
    assert mesh.path.name == "lv.pts"
    assert mesh.wall.volumes.sum() == pytest.approx(CUBE_VOLUME)
    assert mesh.dataset.GetCellData().GetArray("region").GetValue(3) == 7
    assert mesh.dataset.GetPoint(6) == (20000, 20000, 20000)


@pytest.mark.parametrize("upper", ["4 5 6 7", "4 7 6 5"])
def test_opencarp_hexahedra_are_understood_whichever_way_their_upper_face_runs(tmp_path, upper):
    mesh = read_wall(write_opencarp(tmp_path, CUBE, [f"Hx 0 1 2 3 {upper} 1"]))
    assert mesh.wall.volumes.sum() == pytest.approx(CUBE_VOLUME)


@pytest.mark.parametrize("upper", ["4 5 6", "4 6 5"])
def test_opencarp_prisms_are_understood_whichever_way_their_upper_face_runs(tmp_path, upper):
    mesh = read_wall(write_opencarp(tmp_path, CUBE, [f"Pr 0 1 2 {upper}", "Tt 0 2 3 7 2"]))
    assert mesh.wall.volumes.sum() == pytest.approx(CUBE_VOLUME * (1 / 2 + 1 / 6))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["Tt 0 1 2 9 1"], "refers to point 9"),
        (["Xx 0 1 2 3 1"], "a cell of the kind 'Xx', which"),
        (["Tt 0 1 2"], "without 4"),
        (["Tt 0 1 2 a 1"], "without 4"),
    ],
)
def test_broken_opencarp_cells_are_told(tmp_path, cells, words):
    with pytest.raises(UnreadableFile, match=words):
        read_wall(write_opencarp(tmp_path, CUBE, cells))


def test_truncated_opencarp_files_are_told(tmp_path):
    stem = write_opencarp(tmp_path, CUBE, ["Tt 0 1 2 6 1"])
    (tmp_path / "lv.elem").write_text("2\nTt 0 1 2 6 1\n")
    with pytest.raises(UnreadableFile, match="lv.elem announces 2 lines but has 1"):
        read_wall(stem)
    (tmp_path / "lv.pts").write_text("8\n0 0 0\n1 0\n" + "1 1 1\n" * 6)
    with pytest.raises(UnreadableFile, match="three numbers"):
        read_wall(stem)
    (tmp_path / "other.pts").write_text("1\n0 0 0\n")
    with pytest.raises(UnreadableFile, match="no file other.elem"):
        read_wall(tmp_path / "other.elem")


def test_float_tags_and_a_byte_order_mark_are_understood(tmp_path):
    stem = write_opencarp(tmp_path, CUBE, [f"Tt {' '.join(map(str, cell))} 7.0" for cell in SIX_TETRAHEDRA])
    for name in ("lv.pts", "lv.elem"):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + (tmp_path / name).read_bytes())
    mesh = read_wall(stem)
    assert mesh.wall.volumes.sum() == pytest.approx(CUBE_VOLUME)
    assert set(mesh.regions) == {7}
    with pytest.raises(UnreadableFile, match="whole"):
        read_wall(write_opencarp(tmp_path, CUBE, ["Tt 0 1 2 6 1.5"]))


def test_an_opencarp_count_that_is_too_small_is_told(tmp_path):
    stem = write_opencarp(tmp_path, CUBE, [f"Tt {' '.join(map(str, cell))} 7" for cell in SIX_TETRAHEDRA])
    content = (tmp_path / "lv.elem").read_text()
    (tmp_path / "lv.elem").write_text(content.replace("6\n", "4\n", 1))
    with pytest.raises(UnreadableFile, match="announces 4 lines but has 6"):
        read_wall(stem)


# Cells that count


def cell_array(grid, name, values):
    array = numpy_to_vtk(np.asarray(values), deep=True)
    array.SetName(name)
    grid.GetCellData().AddArray(array)
    return grid


def test_copies_of_cells_count_once(tmp_path):
    cells = [(vtk.VTK_TETRA, cell) for cell in SIX_TETRAHEDRA]
    flagged = cell_array(a_grid(CUBE, *cells, *cells), "vtkGhostType", np.repeat([0, 1], 6).astype(np.uint8))
    wall = read_wall(save(flagged, tmp_path / "lv.vtu")).wall
    assert wall.volumes.sum() == pytest.approx(CUBE_VOLUME)
    assert any(note.startswith("6 cells") and "vtkGhostType" in note for note in wall.notes)
    shifted = [(kind, [number + 8 for number in cell]) for kind, cell in cells[:3]]
    for grid in (a_grid(CUBE, *cells, *cells[2:4]), a_grid(np.vstack([CUBE, CUBE]), *cells, *shifted)):
        wall = wall_from_dataset(grid)
        assert wall.volumes.sum() == pytest.approx(CUBE_VOLUME)
        assert any("given twice" in note for note in wall.notes)


@pytest.mark.parametrize("name", ["region", "elemTag", "gmsh:physical"])
def test_regions_are_chosen_or_said(tmp_path, name):
    cells = [(vtk.VTK_TETRA, cell) for cell in SIX_TETRAHEDRA]
    path = save(cell_array(a_grid(CUBE, *cells, (vtk.VTK_TRIANGLE, [0, 1, 2])), name, [1, 1, 1, 1, 2, 2, 9]), tmp_path / "biv.vtu")
    whole = read_wall(path)
    assert set(whole.regions) == {1, 2}  # 9 is the tag of a surface, which is no part of the wall
    assert any("regions 1 (4 cells) and 2 (2 cells); all were taken" in note for note in whole.wall.notes)
    part = read_wall(path, regions=(1,))
    assert part.wall.volumes.sum() == pytest.approx(CUBE_VOLUME * 4 / 6)
    assert not any("regions" in note for note in part.wall.notes)
    with pytest.raises(BadSettings, match="no region 5; its regions are 1, 2, 9"):
        read_wall(path, regions=(5,))


def test_other_arrays_of_cells_are_no_regions(a_cube_of_tetrahedra, tmp_path):
    for name, values in (("wall_region", [1, 2, 3, 1, 2, 3]), ("region", [0.5, 1, 2, 3, 4, 5])):
        cell_array(a_cube_of_tetrahedra, name, values)
    assert read_wall(save(a_cube_of_tetrahedra, tmp_path / "lv.vtu")).regions is None


# Frames and units


@pytest.mark.parametrize(
    ("suffix", "header"),
    [(".vtk", "3D Slicer output. SPACE=RAS"), (".ply", "SPACE=RAS"), (".stl", "3D Slicer output. SPACE=RAS")],
)
def test_a_ras_header_turns_the_wall_to_lps(a_sphere, tmp_path, suffix, header):
    plain = read_wall(save(a_sphere, tmp_path / f"plain{suffix}"))
    ras = read_wall(save(a_sphere, tmp_path / f"ras{suffix}", header=header))
    assert (plain.frame, ras.frame) == ("lps", "ras")
    assert ras.wall.nodes == pytest.approx(plain.wall.nodes * [-1, -1, 1])
    assert not any("LPS" in note for note in ras.wall.notes)


def test_a_space_array_in_the_field_data_counts_as_a_header(a_cube_of_tetrahedra, tmp_path):
    space = vtk.vtkStringArray()
    space.SetName("SPACE")
    space.InsertNextValue("RAS")
    a_cube_of_tetrahedra.GetFieldData().AddArray(space)
    assert np.array_equal(read_wall(save(a_cube_of_tetrahedra, tmp_path / "lv.vtu")).wall.nodes, CUBE * [-1, -1, 1])


def test_a_frame_and_a_unit_that_were_given_are_believed(a_cube_of_tetrahedra, tmp_path):
    path = save(a_cube_of_tetrahedra, tmp_path / "lv.vtk", header="SPACE=LPS")
    mesh = read_wall(path, frame="ras", unit="um")
    assert np.allclose(mesh.wall.nodes, CUBE * [-1e-3, -1e-3, 1e-3])
    assert np.allclose(read_wall(path, unit="cm").wall.nodes, CUBE * 10)
    with pytest.raises(BadSettings, match="frame"):
        read_wall(path, frame="rai")
    with pytest.raises(BadSettings, match="unit"):
        read_wall(path, unit="inch")


@pytest.mark.parametrize(("scale", "unit", "word"), [(1000, "um", "micrometers"), (1, "mm", None), (0.001, "m", "meters")])
def test_the_unit_is_guessed_from_the_size_and_said(tmp_path, scale, unit, word):
    points = CUBE * 5 * scale  # a cube of 100 mm, the length of an LV
    mesh = read_wall(save(a_grid(points, (vtk.VTK_HEXAHEDRON, range(8))), tmp_path / "lv.vtu"))
    assert mesh.unit == unit
    assert np.ptp(mesh.wall.nodes) == pytest.approx(100)
    assert any(word in note for note in mesh.wall.notes) if word else not any("units" in note for note in mesh.wall.notes)


# What is not a usable model


def test_inverted_cells_count_with_their_volume_and_flat_ones_are_left_out():
    cells = [[0, 2, 1, 6], *SIX_TETRAHEDRA[1:], [0, 1, 2, 3]]
    wall = wall_from_dataset(a_grid(CUBE, *((vtk.VTK_TETRA, cell) for cell in cells)))
    assert wall.volumes.sum() == pytest.approx(CUBE_VOLUME)
    assert any(note.startswith("1 cells of the LV model have no volume") for note in wall.notes)
    with pytest.raises(BadWall, match="none of them has a volume"):
        wall_from_dataset(a_grid(CUBE, (vtk.VTK_TETRA, [0, 1, 2, 3])))


def test_collapsed_and_inverted_hexahedra_keep_their_volume():
    wedge = wall_from_dataset(a_grid(CUBE, (vtk.VTK_HEXAHEDRON, [0, 1, 2, 2, 4, 5, 6, 6])))
    assert wedge.volumes.sum() == pytest.approx(CUBE_VOLUME / 2)
    upside_down = wall_from_dataset(a_grid(CUBE, (vtk.VTK_HEXAHEDRON, [4, 5, 6, 7, 0, 1, 2, 3])))
    assert upside_down.volumes.sum() == pytest.approx(CUBE_VOLUME)


def test_duplicate_points_are_kept_and_counted():
    wall = wall_from_dataset(a_grid(np.vstack([CUBE, CUBE[:3]]), (vtk.VTK_HEXAHEDRON, range(8))))
    assert len(wall.nodes) == 11
    assert any(note.startswith("3 points of the LV model coincide with others") for note in wall.notes)


def test_points_that_are_not_finite_are_counted():
    points = CUBE.copy()
    points[3] = np.nan
    with pytest.raises(BadWall, match="1 points .* not finite"):
        wall_from_dataset(a_grid(points, (vtk.VTK_HEXAHEDRON, range(8))))


def test_lines_and_images_are_not_models(tmp_path):
    with pytest.raises(BadWall, match="only lines"):
        wall_from_dataset(a_grid(CUBE, (vtk.VTK_LINE, [0, 1])))
    image = vtk.vtkImageData()
    image.SetDimensions(3, 3, 3)
    image.AllocateScalars(vtk.VTK_FLOAT, 1)
    with pytest.raises(UnreadableFile, match="image, not a mesh"):
        read_wall(save(image, tmp_path / "image.vtk"))
    with pytest.raises(UnreadableFile, match="no points"):
        read_wall(save(vtk.vtkUnstructuredGrid(), tmp_path / "nothing.vtu"))


def test_a_flat_surface_without_area_is_refused():
    with pytest.raises(BadWall, match="none of them has an area"):
        wall_from_dataset(a_grid([[0, 0, 0], [1, 0, 0], [2, 0, 0]], (vtk.VTK_TRIANGLE, [0, 1, 2])))


@pytest.mark.parametrize("suffix", [".vtk", ".vtu", ".vtp", ".ply", ".stl", ".obj", ".pts", ".txt"])
@pytest.mark.parametrize("content", [None, "", "these are words\n" * 40])
def test_missing_empty_and_foreign_files_are_refused_by_name(tmp_path, capfd, suffix, content):
    path = tmp_path / f"lv{suffix}"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnreadableFile, match=f"lv{suffix}"):
        read_wall(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".vtk", ".vtp", ".ply", ".stl"])
@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("kept", [0.4, 0.7, 0.97])
def test_truncated_models_are_refused(a_sphere, tmp_path, capfd, suffix, ascii, kept):
    content = save(a_sphere, tmp_path / f"whole{suffix}", ascii=ascii).read_bytes()
    part = tmp_path / f"part{suffix}"
    part.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UnreadableFile, match=f"part{suffix} .*truncated"):
        read_wall(part)
    assert capfd.readouterr() == ("", "")


def test_text_files_with_nan_get_advice(a_cube_of_tetrahedra, tmp_path):
    array = numpy_to_vtk(np.full(8, np.nan), deep=True)
    array.SetName("depth")
    a_cube_of_tetrahedra.GetPointData().AddArray(array)
    with pytest.raises(UnreadableFile, match="NaN .* binary"):
        read_wall(save(a_cube_of_tetrahedra, tmp_path / "lv.vtk", ascii=True))
    assert read_wall(save(a_cube_of_tetrahedra, tmp_path / "fine.vtk")).wall.kind == "volume"
