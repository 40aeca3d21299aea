"""Pictures of a result: the wall in 3D, and the slices with the wall's map on them. Plain VTK, no display, no Slicer.

Ranges are fixed, so that two pictures can be compared; what the slices did not observe is gray, never healthy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkDataSet, vtkPlane
from vtkmodules.vtkFiltersGeneral import vtkTableBasedClipDataSet
from vtkmodules.vtkRenderingAnnotation import vtkScalarBarActor
from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderer, vtkTextActor

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.report import scene
from CardioScarLib.report.colors import PROBABILITY, UNCERTAINTY
from CardioScarLib.report.offscreen import SUPERSAMPLING, draw

BACKGROUND = (1.0, 1.0, 1.0)
INK = (0.13, 0.14, 0.17)


@dataclass(frozen=True)
class Scale:
    """A color legend: what is shown, its fixed range, its colors (as in `colors`)."""

    title: str
    limits: tuple[float, float]
    colors: str


PROBABILITY_SCALE = Scale("Scar probability", (0.0, 1.0), PROBABILITY)
UNCERTAINTY_SCALE = Scale("Standard deviation", (0.0, 0.5), UNCERTAINTY)


@dataclass(frozen=True, eq=False)
class Panel:
    """One map in a picture.

    data: VTK data set, LPS mm, with the point array "value" (NaN: not observed) and, optionally, "border", whose
    level 0.5 is drawn as a line. flat: without shading.
    """

    title: str
    data: vtkDataSet
    scale: Scale = PROBABILITY_SCALE
    flat: bool = False


@dataclass(frozen=True, eq=False)
class View:
    """The viewpoint of a picture of the wall.

    direction: (3,) unit vector from the wall to the eye. up: (3,) unit vector. inside: the half of the wall that is
    nearer to the eye is cut away, so that the endocardium behind it is seen.
    """

    direction: np.ndarray
    up: np.ndarray
    inside: bool = False


def wall_panel(
    title: str,
    wall: Wall,
    values: np.ndarray,
    scale: Scale = PROBABILITY_SCALE,
    observed: np.ndarray | None = None,
    border: np.ndarray | None = None,
) -> Panel:
    """A map on the wall. values, observed, border: (n,) per node; observed 0 is shown gray (`scar_observed`)."""
    values = np.array(values, dtype=np.float32)
    if values.shape != (len(wall.nodes),):
        raise BadSettings(f"The map '{title}' has {values.size} values; the wall has {len(wall.nodes)} nodes.")
    if observed is not None:
        values[np.asarray(observed) == 0] = np.nan
    return Panel(title, scene.wall_grid(wall, values, border), scale)


def pixel_panel(title: str, stack: SliceStack, images: Sequence[np.ndarray], scale: Scale = PROBABILITY_SCALE) -> Panel:
    """The slices themselves in space. images: (rows, columns) per slice; NaN pixels are not shown."""
    return Panel(title, scene.pixel_quads(stack, images), scale, flat=True)


def views_of_scar(wall: Wall, probability: np.ndarray) -> tuple[View, View]:
    """The wall from outside, facing the scar, and from inside; base up."""
    up = scene.long_axis(wall)
    weight = wall.node_measure * np.nan_to_num(probability)
    middle = np.average(wall.nodes, axis=0, weights=wall.node_measure)
    toward = np.average(wall.nodes, axis=0, weights=weight) - middle if weight.sum() > 0 else np.zeros(3)
    toward -= (toward @ up) * up
    if np.linalg.norm(toward) < 1e-6:
        toward = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    toward /= np.linalg.norm(toward)
    tilt = np.radians(12.0)
    return (
        View(np.cos(tilt) * toward + np.sin(tilt) * up, up),
        View(-np.cos(tilt) * toward + np.sin(tilt) * up, up, inside=True),
    )


def render_heart(
    wall: Wall,
    panels: Sequence[Panel],
    path: Path,
    views: Sequence[View],
    caption: str = "",
    tile: tuple[int, int] = (300, 320),
    overwrite: bool = False,
) -> None:
    """Draw panels (columns) from views (rows) into a PNG, with a color legend under each run of panels of one scale.

    tile: width and height of one map in pixels. caption: a line at the very bottom.
    Raises `offscreen.CannotDraw` where there is no OpenGL.
    """
    top, bottom = 34, 74 + (24 if caption else 0)
    width, height = tile[0] * len(panels), top + tile[1] * len(views) + bottom
    paper = _paper()
    renderers = [paper]
    for column, panel in enumerate(panels):
        paper.AddViewProp(_text(panel.title, (column + 0.5) / len(panels), 1 - 0.5 * top / height, 17, bold=True))
        for row, view in enumerate(views):
            low = bottom + tile[1] * (len(views) - 1 - row)
            viewport = (column / len(panels), low / height, (column + 1) / len(panels), (low + tile[1]) / height)
            renderers.append(_look(wall, panel, view, viewport, tile))
    first = 0
    for scale, run in groupby(panels, key=lambda panel: panel.scale):
        count = len(list(run))
        center = (first + 0.5 * count) / len(panels)
        share = min(0.8 * count, 1.4) / len(panels)
        _add_legend(paper, scale, center, share, (bottom - 66) / height, 1 / height)
        first += count
    if caption:
        paper.AddViewProp(_text(caption, 0.5, 14 / height, 13))
    draw(renderers, (width, height), path, overwrite)


def render_slices(
    stack: SliceStack,
    wall: Wall,
    maps: Sequence[tuple[str, np.ndarray]],
    path: Path,
    numbers: Sequence[int] | None = None,
    caption: str = "",
    tile: int = 230,
    overwrite: bool = False,
) -> None:
    """Draw slices (columns): the pixels with the wall's outline, then the wall's intersection colored by each map (rows).

    maps: titles and (n,) values per node, probabilities. numbers: which slices; by default the four that show most of
    the first map.
    """
    if wall.kind == "points":
        raise BadSettings("A wall of bare points has no intersection with a slice to draw.")
    numbers = list(numbers) if numbers is not None else scene.telling_slices(stack, wall, maps[0][1], 4)
    left, top, bottom = 34, 30, 74 + (24 if caption else 0)
    rows = [("Image", None), *maps]
    width, height = left + tile * len(numbers), top + tile * len(rows) + bottom
    paper = _paper()
    renderers = [paper]
    window = scene.gray_window(stack)
    field = 1.15 * max(scene.frame_of(scene.section(wall, stack.slices[number]), stack.slices[number])[1] for number in numbers)
    for row, (title, values) in enumerate(rows):
        low = bottom + tile * (len(rows) - 1 - row)
        paper.AddViewProp(_text(title, 0.5 * left / width, (low + 0.5 * tile) / height, 17, bold=True, turned=True))
        for column, number in enumerate(numbers):
            one = stack.slices[number]
            if row == 0:
                paper.AddViewProp(_text(one.label, (left + tile * (column + 0.5)) / width, 1 - 0.5 * top / height, 15))
            edges = (left + tile * column + 2, low + 2, left + tile * (column + 1) - 2, low + tile - 2)
            viewport = tuple(edge / (width, height)[at % 2] for at, edge in enumerate(edges))
            renderers.append(_look_at_slice(one, wall, values, window, field, viewport))
    _add_legend(paper, PROBABILITY_SCALE, 0.5, 0.5, (bottom - 66) / height, 1 / height)
    if caption:
        paper.AddViewProp(_text(caption, 0.5, 14 / height, 13))
    draw(renderers, (width, height), path, overwrite)


def _look(wall: Wall, panel: Panel, view: View, viewport: tuple[float, ...], tile: tuple[int, int]) -> vtkRenderer:
    middle = wall.bounds.mean(axis=0)
    data = panel.data
    if view.inside:
        half = vtkPlane()
        half.SetOrigin(*middle)
        half.SetNormal(*(-(view.direction - (view.direction @ view.up) * view.up)))
        clip = vtkTableBasedClipDataSet()
        clip.SetInputData(data)
        clip.SetClipFunction(half)
        clip.Update()
        data = clip.GetOutput()
    actors = [scene.colored_surface(data, panel.scale.limits, panel.scale.colors, panel.flat)]
    if data.GetPointData().HasArray("border"):
        actors.append(scene.border_line(data, 0.005 * float(np.linalg.norm(np.ptp(wall.bounds, axis=0))), INK))
    renderer = _tile(actors, viewport)
    right = np.cross(view.up, view.direction)
    right /= np.linalg.norm(right)
    upward = np.cross(view.direction, right)
    offsets = wall.nodes - middle
    across, along = offsets @ right, offsets @ upward
    center = middle + 0.5 * (across.max() + across.min()) * right + 0.5 * (along.max() + along.min()) * upward
    reach = 0.5 * max(np.ptp(along), np.ptp(across) * tile[1] / tile[0]) * 1.08
    _aim(renderer, center, view.direction, upward, reach)
    return renderer


def _look_at_slice(
    one: Slice, wall: Wall, values: np.ndarray | None, window: tuple[float, float], field: float, viewport: tuple[float, ...]
) -> vtkRenderer:
    section = scene.section(wall, one, values)
    actors: list[vtkActor] = [scene.image_plane(one, window)]
    eye = -one.normal  # rows run down the screen and columns to the right
    if values is not None:
        actors.append(scene.colored_surface(section, PROBABILITY_SCALE.limits, PROBABILITY_SCALE.colors, flat=True, lift=0.1 * eye))
    else:
        actors.append(scene.outline(section, lift=0.1 * eye))
    renderer = _tile(actors, viewport, background=(0.0, 0.0, 0.0))
    center, _ = scene.frame_of(section, one)
    _aim(renderer, center, eye, -one.row_step / one.spacing[0], 0.5 * field)
    return renderer


def _paper() -> vtkRenderer:
    """The background of the whole picture, which carries titles and legends."""
    paper = vtkRenderer()
    paper.SetBackground(*BACKGROUND)
    return paper


def _tile(actors: Sequence[vtkActor], viewport: tuple[float, ...], background: tuple[float, float, float] = BACKGROUND) -> vtkRenderer:
    renderer = vtkRenderer()
    renderer.SetBackground(*background)
    renderer.SetViewport(*viewport)
    for actor in actors:
        renderer.AddActor(actor)
    return renderer


def _aim(renderer: vtkRenderer, center: np.ndarray, direction: np.ndarray, up: np.ndarray, reach: float) -> None:
    """Look at `center` from `direction`, without perspective, `reach` mm up and down from the middle."""
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetFocalPoint(*center)
    camera.SetPosition(*(center + 500.0 * direction))
    camera.SetViewUp(*up)
    camera.SetParallelScale(reach)
    renderer.ResetCameraClippingRange()


def _text(words: str, x: float, y: float, size: int, bold: bool = False, turned: bool = False) -> vtkTextActor:
    text = vtkTextActor()
    text.SetInput(words)
    look = text.GetTextProperty()
    look.SetFontFamilyToArial()
    look.SetFontSize(SUPERSAMPLING * size)
    look.SetBold(bold)
    look.SetColor(*INK)
    look.SetJustificationToCentered()
    look.SetVerticalJustificationToCentered()
    look.SetOrientation(90.0 if turned else 0.0)
    where = text.GetPositionCoordinate()
    where.SetCoordinateSystemToNormalizedViewport()
    where.SetValue(x, y)
    return text


def _add_legend(paper: vtkRenderer, scale: Scale, center: float, width: float, base: float, pixel: float) -> None:
    """Title, bar and numbers, one above the other. center, width, base in shares of the picture; pixel: the share of one pixel."""
    bar = vtkScalarBarActor()
    bar.SetLookupTable(scene.lookup_table(scale.limits, scale.colors))
    bar.SetOrientationToHorizontal()
    bar.SetBarRatio(1.0)
    bar.DrawTickLabelsOff()
    bar.SetPosition(center - 0.5 * width, base + 22 * pixel)
    bar.SetWidth(width)
    bar.SetHeight(14 * pixel)
    paper.AddViewProp(bar)
    paper.AddViewProp(_text(scale.title, center, base + 48 * pixel, 15))
    for share in np.linspace(0, 1, 6):
        value = scale.limits[0] + share * (scale.limits[1] - scale.limits[0])
        paper.AddViewProp(_text(f"{value:.1f}", center + (share - 0.5) * width, base + 10 * pixel, 13))
