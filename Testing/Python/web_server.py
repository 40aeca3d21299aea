"""A server of the browser front end in this process, small slices to put into it, and a Chromium to look at it."""

import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
TURNED = sitk.VersorTransform((0.3, -0.5, 0.8), 0.7).GetMatrix()


def oblique_image(left_handed: bool = False, size=(40, 32, 6)) -> sitk.Image:
    """A bright ring with a brighter part, on an oblique grid; left_handed: with its slices in the other direction."""
    columns, rows, slices = size
    y, x = np.mgrid[:rows, :columns]
    distance = np.hypot((x - 20) * 1.5, (y - 15) * 1.5)
    ring = np.where((distance > 9) & (distance < 18), 100.0, np.where(distance <= 9, 220.0, 20.0))
    ring[(distance > 9) & (distance < 18) & (x > 26)] = 300.0
    image = sitk.GetImageFromArray(np.stack([ring + number for number in range(slices)]).astype(np.float32))
    image.SetSpacing((1.5, 1.5, 8.0))
    direction = np.array(TURNED).reshape(3, 3) @ np.diag([1, 1, -1 if left_handed else 1])
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin((12.5, -40.0, 77.0))
    return image


def ring_labels(image: sitk.Image) -> sitk.Image:
    """Cavity 1, myocardium 2 and scar 3 of `oblique_image`."""
    pixels = sitk.GetArrayFromImage(image)[0]
    labels = np.select([pixels >= 300, pixels >= 220, pixels >= 100], [3, 1, 2], 0).astype(np.uint8)
    found = sitk.GetImageFromArray(np.stack([labels] * image.GetSize()[2]))
    found.CopyInformation(image)
    return found


def options_for(folder: Path, **changes):
    pytest.importorskip("fastapi", reason="FastAPI is not installed")
    from CardioScarLib.web.options import ServerOptions

    return ServerOptions(folder=folder, **{"step_mb": 4000.0, **changes})


@contextmanager
def running_server(folder: Path, **changes):
    """Address of a server at a free port."""
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    from CardioScarLib.web.app import create_app

    app = create_app(options_for(folder, **changes))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def running_browser():
    """A Chromium without a window; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
