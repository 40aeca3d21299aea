"""VTK without a window: finding out whether it can draw here, and drawing into PNG files."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import vtkmodules.vtkRenderingFreeType  # noqa: F401  (text)
import vtkmodules.vtkRenderingOpenGL2 as opengl
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkImagingCore import vtkImageShrink3D
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow, vtkWindowToImageFilter

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.io.files import atomic_path

SUPERSAMPLING = 2
"""Pictures are drawn this much larger and then shrunk: smooth edges on any driver."""

# On Linux the classes are named, because VTK's own choice looks for an X server first and crashes without libX11.
_LINUX_WINDOWS = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow")

_PROBE = """
import sys
import vtkmodules.vtkRenderingOpenGL2 as opengl
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
window = getattr(opengl, sys.argv[1], vtkRenderWindow)()
window.SetOffScreenRendering(1)
window.SetSize(32, 32)
window.AddRenderer(vtkRenderer())
window.Render()
sys.exit(0 if window.SupportsOpenGL() else 3)
"""


class CannotDraw(CardioScarError):
    """There is no OpenGL here to draw pictures with."""


@lru_cache(maxsize=1)
def window_class() -> str:
    """The name of the render window class that works here; raises `CannotDraw` if none does.

    Tried in a child process: without a graphics library VTK does not raise an exception, it crashes.
    """
    candidates = [name for name in _LINUX_WINDOWS if hasattr(opengl, name)] if sys.platform.startswith("linux") else []
    for name in candidates or ["vtkRenderWindow"]:
        try:
            probe = subprocess.run([sys.executable, "-c", _PROBE, name], capture_output=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if probe.returncode == 0:
            return name
    raise CannotDraw(
        "Pictures cannot be drawn here: no OpenGL library works without a display; on Debian or Ubuntu install libegl1 and libgl1-mesa-dri."
    )


def draw(renderers: list[vtkRenderer], size: tuple[int, int], path: Path, overwrite: bool = False) -> None:
    """Draw renderers (each with its viewport) into a PNG file of `size` pixels. Raises `CannotDraw`, `UnwritableOutput`."""
    window = getattr(opengl, window_class(), vtkRenderWindow)()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(SUPERSAMPLING * size[0], SUPERSAMPLING * size[1])
    for renderer in renderers:
        window.AddRenderer(renderer)
    try:
        window.Render()
        grabbed = vtkWindowToImageFilter()
        grabbed.SetInput(window)
        grabbed.ReadFrontBufferOff()
        shrunk = vtkImageShrink3D()
        shrunk.SetInputConnection(grabbed.GetOutputPort())
        shrunk.SetShrinkFactors(SUPERSAMPLING, SUPERSAMPLING, 1)
        shrunk.AveragingOn()
        writer = vtkPNGWriter()
        writer.SetInputConnection(shrunk.GetOutputPort())
        writer.SetCompressionLevel(9)
        writer.WriteToMemoryOn()
        writer.Write()
        content = bytes(vtk_to_numpy(writer.GetResult()))
    finally:
        for renderer in renderers:
            window.RemoveRenderer(renderer)
        window.Finalize()
    with atomic_path(Path(path), overwrite) as temporary:
        temporary.write_bytes(content)
