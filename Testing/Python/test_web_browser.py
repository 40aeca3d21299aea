"""The browser front end in a real Chromium: the walk of a user, the brush by a mouse, and what a page may not do."""

import io
import json
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import a_series
from web_server import oblique_image, ring_labels, running_browser, running_server

pytestmark = pytest.mark.slow
PATIENCE = 300_000
"""ms: of a machine that does much else."""
AXE = os.environ.get("CARDIOSCAR_AXE")
"""File axe.min.js of the npm package axe-core, for the test of contrast."""


@pytest.fixture(scope="module")
def browser():
    with running_browser() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("sessions"), workers=1) as address:
        yield address


class User:
    """One browser at the page, with everything that went wrong in it."""

    def __init__(self, browser, address, width=1280, height=900, **kwargs):
        self.address, self.foreign, self.errors = address, [], []
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **kwargs)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda one: one.url.startswith((address, "data:", "blob:")) or self.foreign.append(one.url))
        self.page.on("pageerror", lambda one: self.errors.append(str(one)))
        self.page.on("console", lambda one: one.type == "error" and self.errors.append(one.text))
        self.page.on("dialog", lambda one: one.accept())
        self.page.goto(address)
        self.page.wait_for_selector("#start:visible, #case:visible, #choose:visible")

    def upload(self, *files):
        self.page.set_input_files("#files", [str(one) for one in files])
        self.page.wait_for_selector("#choose:visible")

    def open(self, *files):
        self.upload(*files)
        self.page.click("#open")
        self.page.wait_for_selector("#case:visible")
        self.page.wait_for_function("() => document.getElementById('slice-told').textContent.includes(' of ')")
        self.idle()

    def idle(self):
        self.page.wait_for_function("() => document.getElementById('progress').hidden")

    def state(self):
        return self.page.evaluate("fetch('/api/state').then((answer) => answer.json())")

    def wait(self, ready):
        """Until the server's state is so."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not ready(self.state()):
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(50)

    def get(self, path):
        answer = self.context.request.get(self.address + path)
        assert answer.ok, (path, answer.text())
        return answer.body()

    def stroke(self, start, end):
        """Draw with the mouse from and to shares of the width and height of the slices."""
        box = self.page.locator("#slices").bounding_box()
        places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
        version = (self.state()["labels"] or {"version": 0})["version"]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        self.page.mouse.move(*places[1], steps=8)
        self.page.mouse.up()
        self.wait(lambda state: (state["labels"] or {"version": 0})["version"] > version)

    def labels(self, name, tmp_path):
        """The labels as the server writes them."""
        before = self.state()["job"]["number"]
        self.page.click("#label-files")
        self.wait(lambda state: state["job"]["number"] > before and state["job"]["state"] == "done")
        self.page.wait_for_selector(f"#downloads a:text-is('{name}')")
        (tmp_path / name).write_bytes(self.get(f"api/download/{name}"))
        return sitk.ReadImage(str(tmp_path / name))

    def close(self):
        assert self.foreign == [] and self.errors == []
        self.context.close()


@pytest.fixture
def user(browser, server):
    found = User(browser, server)
    yield found
    found.close()


def same_grid(one, other):
    assert one.GetSize() == other.GetSize()
    for name in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(one, name)(), getattr(other, name)(), atol=1e-5)


@pytest.mark.parametrize("left_handed, suffix", [(False, ".nrrd"), (True, ".nii.gz")], ids=["right-handed", "left-handed"])
def test_a_stroke_of_the_mouse_is_saved_on_the_grid_of_the_input(user, tmp_path, left_handed, suffix):
    image = oblique_image(left_handed)
    path = tmp_path / f"oblique{suffix}"
    sitk.WriteImage(image, str(path))
    user.open(path)
    user.page.select_option("#label", "3")
    user.page.fill("#slice", "1")
    user.page.click("#tool-brush")
    user.page.evaluate("document.getElementById('pen').value = 1; document.getElementById('pen').dispatchEvent(new Event('input'))")
    # The image is 40 x 32 pixels of one size, so it fills the height of a wider view; the stroke runs along a row, right of the middle.
    box = user.page.locator("#slices").bounding_box()
    scale = min(box["width"] / 40, box["height"] / 32)
    left, top = (box["width"] - 40 * scale) / 2, (box["height"] - 32 * scale) / 2

    def share(column, row):
        return (left + (column + 0.5) * scale) / box["width"], (top + (row + 0.5) * scale) / box["height"]

    user.stroke(share(24, 5), share(30, 5))
    found = user.labels("labels.nrrd", tmp_path)
    same_grid(found, sitk.ReadImage(str(path)))
    drawn = np.argwhere(sitk.GetArrayFromImage(found) == 3)
    assert {tuple(one) for one in drawn[:, 1:]} == {(5, column) for column in range(24, 31)}
    assert len(set(drawn[:, 0])) == 1 and drawn[0, 0] in (0, 5)
    nifti = sitk.GetArrayFromImage(user.labels("labels.nii.gz", tmp_path))
    np.testing.assert_array_equal(nifti, sitk.GetArrayFromImage(found))

    user.page.click("#undo")
    user.page.wait_for_function("() => document.getElementById('undo').disabled")
    assert sitk.GetArrayFromImage(user.labels("labels.nrrd", tmp_path)).sum() == 0
    user.page.click("#redo")
    user.page.wait_for_function("() => document.getElementById('redo').disabled")
    user.page.reload()
    user.page.wait_for_selector("#case:visible")
    user.idle()
    assert (sitk.GetArrayFromImage(user.labels("labels.nrrd", tmp_path)) == 3).sum() == 7


def test_the_walk_from_slices_and_labels_to_numbers_report_and_a_saved_session(browser, server, tmp_path):
    user = User(browser, server)
    image = oblique_image()
    sitk.WriteImage(image, str(tmp_path / "lge.nrrd"))
    sitk.WriteImage(ring_labels(image), str(tmp_path / "heart.nii.gz"))
    user.upload(tmp_path / "lge.nrrd", tmp_path / "heart.nii.gz")
    assert "lge.nrrd" in user.page.inner_text("#slices-list") and "heart.nii.gz" in user.page.inner_text("#labels-choice")
    user.page.click("#open")
    user.page.wait_for_selector("#case:visible")
    user.idle()
    user.page.click("#make-wall")
    user.page.wait_for_function("() => document.getElementById('wall-words').textContent.includes('mL')")
    user.idle()
    user.page.select_option("#preset", "preview")
    user.page.click("#make-map")
    user.page.wait_for_selector("#progress:visible")
    user.page.reload()  # in the middle of the run
    user.page.wait_for_selector("#numbers:visible")
    user.idle()
    burden = user.page.inner_text("#quantities tbody tr:first-child td")
    told = json.loads(user.get("api/download/map.vtu.numbers.json"))["quantities"]["scar_burden_percent"]["value"]
    assert burden == f"{told:.1f} %" and 5 < told < 60
    assert user.state()["labels"] == {"version": 1, "source": "file"}  # nothing was drawn on them

    user.page.click("#insertion-1")
    user.page.wait_for_function("() => document.getElementById('insertions-told').textContent.includes('LPS mm')")
    user.page.fill("#threshold", "0.5")
    assert user.page.inner_text("#legend-rest").startswith("below 0.50")
    user.page.select_option("#shown", "scar_uncertainty")
    assert "Uncertainty" in user.page.inner_text("#legend-title")

    user.page.click("#make-report")
    user.page.wait_for_selector("#downloads a:text-is('report.pdf')")
    assert user.get("api/download/report.pdf").startswith(b"%PDF-")
    assert b"<html" in user.get("api/download/report.html")
    user.idle()
    user.page.click(".export[data-kind=nifti]")
    user.page.wait_for_selector("#downloads a:text-is('export-nifti.zip')")
    names = zipfile.ZipFile(io.BytesIO(user.get("api/download/export-nifti.zip"))).namelist()
    assert {"scar_probability.nii.gz", "scar_labels.nii.gz"} <= set(names)

    with user.page.expect_download() as download:
        user.page.click("#save-session")
    saved = tmp_path / "saved.zip"
    download.value.save_as(saved)
    other = User(browser, server)
    other.page.set_input_files("#session-file", str(saved))
    other.page.wait_for_selector("#numbers:visible")
    assert other.page.inner_text("#quantities tbody tr:first-child td") == burden
    assert other.get("api/labels") == user.get("api/labels")
    other.close()
    user.close()


def test_a_folder_of_dicom_images_is_taken_with_lge_proposed(user, tmp_path):
    folder = tmp_path / "patient"
    a_series(folder, [0.0, 8.0, 16.0], 3, SeriesDescription="cine sax", images=10)
    a_series(folder, [0.0, 8.0, 16.0, 24.0], 5, SeriesDescription="LGE PSIR")
    user.page.set_input_files("#folder", str(folder))
    user.page.wait_for_selector("#choose:visible")
    chosen = user.page.locator("#slices-list label:has(input:checked)").inner_text()
    assert "LGE" in chosen and "(proposed)" in chosen
    user.page.click("#open")
    user.page.wait_for_selector("#case:visible")
    user.idle()
    assert user.page.inner_text("#case-words").startswith("DICOM series 5: 4 slices of 10 x 12 pixels")


def test_what_cannot_be_read_is_said_and_the_page_goes_on(user, tmp_path):
    (tmp_path / "notes.nii.gz").write_bytes(b"no image")
    user.page.set_input_files("#files", str(tmp_path / "notes.nii.gz"))
    user.page.wait_for_selector("#message:visible")
    assert "notes.nii.gz" in user.page.inner_text("#message p")
    assert user.page.is_visible("#example")


def test_two_browsers_do_not_see_each_other(browser, server, tmp_path):
    one, other = User(browser, server), User(browser, server, width=390, height=800)
    sitk.WriteImage(oblique_image(), str(tmp_path / "one.nrrd"))
    sitk.WriteImage(oblique_image(True, (36, 30, 4)), str(tmp_path / "other.nrrd"))
    one.open(tmp_path / "one.nrrd")
    other.open(tmp_path / "other.nrrd")
    assert one.state()["case"]["shape"] == [6, 32, 40] and other.state()["case"]["shape"] == [4, 30, 36]
    assert one.page.inner_text("#case-words").startswith("one.nrrd") and other.page.inner_text("#case-words").startswith("other.nrrd")
    # The other one is as small as a phone's: nothing may be wider than its window.
    assert other.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.close()
    other.close()


def test_the_keyboard_is_enough(user, tmp_path):
    sitk.WriteImage(oblique_image(), str(tmp_path / "lge.nrrd"))
    user.open(tmp_path / "lge.nrrd")
    user.page.focus("#slices")
    before = user.page.input_value("#slice")
    user.page.keyboard.press("ArrowUp")
    assert int(user.page.input_value("#slice")) == int(before) + 1
    user.page.keyboard.press("ArrowDown")
    assert user.page.input_value("#slice") == before
    reached = set()
    user.page.focus("#save-session")
    for _ in range(60):
        user.page.keyboard.press("Tab")
        reached.add(user.page.evaluate("document.activeElement.id"))
    assert {"slices", "heart", "tool-brush", "label", "pen", "make-map", "segment", "evidence", "preset"} <= reached
    user.page.focus("#tool-brush")
    user.page.keyboard.press("Enter")
    assert user.page.get_attribute("#tool-brush", "aria-pressed") == "true"


def test_contrast_and_names_are_those_that_axe_asks_for(user, tmp_path):
    if AXE is None or not Path(AXE).is_file():
        pytest.skip("axe-core is not here: CARDIOSCAR_AXE names no file axe.min.js")
    script = Path(AXE).read_text(encoding="utf-8")
    sitk.WriteImage(oblique_image(), str(tmp_path / "lge.nrrd"))
    for step in ("begin", "choose", "case"):
        if step == "choose":
            user.upload(tmp_path / "lge.nrrd")
        elif step == "case":
            user.page.click("#open")
            user.page.wait_for_selector("#case:visible")
            user.idle()
        user.page.evaluate(script)
        found = user.page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})")
        told = [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]]
        assert told == []
