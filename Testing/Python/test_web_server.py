"""The server of the browser front end, asked as browsers and others may ask it: sessions, what is refused, and what survives."""

import io
import json
import re
import stat
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from web_server import oblique_image, options_for, ring_labels

pytest.importorskip("fastapi", reason="FastAPI is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from starlette.testclient import TestClient  # noqa: E402

from CardioScarLib.core.errors import BadSettings, UnreadableFile, UnwritableOutput  # noqa: E402
from CardioScarLib.web.app import create_app  # noqa: E402
from CardioScarLib.web.logins import add_user  # noqa: E402
from CardioScarLib.web.security import TOKEN, token_of  # noqa: E402

STATIC = Path(__file__).resolve().parents[2] / "CardioScarLib" / "web" / "static"
NIIVUE = "d6c2be4feb1ad53b2ac76b4196da8d8fd2263b662b511c55ca0fd127eb6a6532"
"""SHA-256 of dist/index.js in the npm package @niivue/niivue 0.69.0."""
PATIENCE = 240.0


class Visitor:
    """A browser without a page: has a session and its token."""

    def __init__(self, app, **headers):
        self.client = TestClient(app, base_url="http://127.0.0.1:8000", headers=headers)
        self.token = self.state()["token"]

    def state(self):
        return self.client.get("/api/state").json()

    def post(self, path, content=None, **kwargs):
        kwargs.setdefault("headers", {TOKEN: self.token})
        return self.client.post(path, json=content if content is not None else {}, **kwargs)

    def upload(self, *files, path="/api/upload"):
        """files: (name, content)."""
        parts = [("files", (name, content)) for name, content in files]
        return self.client.post(path, files=parts, headers={TOKEN: self.token})

    def done(self):
        """The state when the job has ended."""
        end = time.monotonic() + PATIENCE
        while (state := self.state())["job"]["state"] in ("queued", "running"):
            assert time.monotonic() < end
            time.sleep(0.05)
        return state

    def draw(self, voxels, version=0):
        headers = {TOKEN: self.token, "x-labels-version": str(version)}
        return self.client.put("/api/labels", content=np.ascontiguousarray(voxels, dtype=np.uint8).tobytes(), headers=headers)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    made = create_app(options_for(tmp_path_factory.mktemp("sessions"), upload_mb=2, session_mb=4))
    with TestClient(made, base_url="http://127.0.0.1:8000"):
        yield made


@pytest.fixture
def visitor(app):
    return Visitor(app)


def content_of(image, tmp_path, suffix=".nrrd"):
    path = tmp_path / f"image{suffix}"
    sitk.WriteImage(image, str(path))
    return path.read_bytes()


def zipped(*files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


def opened(visitor, tmp_path, image=None):
    """A case of slices alone."""
    content = content_of(oblique_image() if image is None else image, tmp_path)
    assert visitor.upload(("lge.nrrd", content)).status_code == 200
    item = visitor.done()["items"][0]
    none = dict.fromkeys(("series", "slice_axis", "slice_thickness", "mesh", "labels", "order"))
    choice = {**none, "images": [item["file"]], "mesh_frame": "auto", "mesh_unit": "auto"}
    assert visitor.post("/api/open", choice).status_code == 200
    return visitor.done()


# The page


def test_the_viewer_is_the_published_one_with_its_license():
    import hashlib

    folder = STATIC / "vendor" / "niivue"
    assert hashlib.sha256((folder / "niivue.js").read_bytes()).hexdigest() == NIIVUE
    assert "BSD 2-Clause" in (folder / "LICENSE.txt").read_text()


def test_pages_hold_no_scripts_and_styles_of_their_own_and_name_no_other_place():
    for path in [*STATIC.glob("*.html"), *STATIC.glob("*.js"), *STATIC.glob("*.css")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\bstyle=|\bon\w+=\"|https?://", text), path.name


def test_every_answer_says_what_a_page_may_do(visitor):
    for path in ("/", "/static/main.js", "/api/state", "/api/view/wall.mz3", "/nothing"):
        headers = visitor.client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"] and "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


# Sessions


def test_a_session_is_known_by_a_cookie_that_scripts_and_other_sites_do_not_get(app):
    client = TestClient(app, base_url="http://127.0.0.1:8000")
    cookie = client.get("/api/state").headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and len(client.cookies["cardioscar"]) == 43
    assert client.cookies["cardioscar"] != TestClient(app, base_url="http://127.0.0.1:8000").get("/api/state").cookies["cardioscar"]


@pytest.mark.parametrize("headers", [{}, {TOKEN: "0" * 64}], ids=["no token", "wrong token"])
def test_a_change_without_the_token_of_the_page_is_refused(visitor, headers):
    assert visitor.post("/api/example", headers=headers).status_code == 403
    assert visitor.state()["job"] is None


def test_a_change_that_another_site_asks_for_is_refused(visitor):
    headers = {TOKEN: visitor.token, "origin": "http://elsewhere.example"}
    assert visitor.post("/api/example", headers=headers).status_code == 403


def test_a_name_that_leads_here_by_trickery_is_refused(app):
    assert TestClient(app, base_url="http://rebound.example").get("/api/state").status_code == 400


def test_sessions_do_not_see_each_other(app, visitor, tmp_path):
    opened(visitor, tmp_path)
    other = Visitor(app)
    assert other.state()["case"] is None
    assert other.client.get("/api/view/slices.nii.gz").status_code == 404
    assert visitor.client.get("/api/view/slices.nii.gz").status_code == 200


def test_an_old_session_is_removed_and_a_used_one_stays(tmp_path):
    import os

    from CardioScarLib.web.sessions import Sessions, key_of

    sessions = Sessions(tmp_path / "all", most=2, days=3)
    old, used = sessions.make(key_of("old")), sessions.make(key_of("used"))
    for one in (old, used):
        (one.folder / "input").mkdir()
        os.utime(one.folder, (time.time() - 4 * 86400,) * 2)
    with pytest.raises(FileNotFoundError):
        used.touch()
        assert sessions.remove_old() == 1
        old.state()
    assert used.state()["case"] is None
    sessions.make(key_of("third"))
    with pytest.raises(BadSettings, match="as many sessions"):
        sessions.make(key_of("fourth"))


# Uploads


def test_dicom_in_a_zip_is_listed_with_lge_proposed(visitor, tmp_path):
    from dicom_files import a_series

    folder = tmp_path / "dicom"
    folder.mkdir()
    a_series(folder, [0.0, 8.0, 16.0, 24.0], 5, SeriesDescription="LGE PSIR")
    files = [(f"patient/{path.name}", path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]
    visitor.upload(("Smith^John.zip", zipped(*files)))
    state = visitor.done()
    assert state["job"]["state"] == "done", state["job"]
    assert [one["role"] for one in state["items"]] == ["slices"] and state["items"][0]["proposed"]


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("empty.nii", b"", "empty"),
        ("notes.txt", b"no image", "read"),
        ("fake.nii.gz", b"\x1f\x8b not gzip", "NIfTI"),
        ("fake.dcm", b"\0" * 128 + b"DICM" + b"\xff" * 200, ""),
        ("broken.zip", b"PK\x03\x04" + b"\0" * 60, ""),
        ("evil.pkl", b"cos\nsystem\n(S'touch /tmp/owned'\ntR.", ""),
        ("outside.nrrd", b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 9 9 9\nencoding: raw\ndata file: /etc/passwd\n\n", "passwd"),
        ("huge.nrrd", b"NRRD0004\ntype: double\ndimension: 3\nsizes: 99999 99999 99999\nencoding: raw\n\nx", ""),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(visitor, name, content, words):
    visitor.upload((name, content))
    job = visitor.done()["job"]
    assert job["state"] == "failed" and job["error"].endswith(".") and "Internal" not in job["error"] and words in job["error"]


def test_names_in_an_archive_lead_nowhere(app, visitor, tmp_path):
    content = content_of(oblique_image(), tmp_path)
    visitor.upload(("paths.zip", zipped(("../../../escaped.nrrd", content), ("/abs/olute.nrrd", content))))
    files = {one["file"] for one in visitor.done()["items"]}
    assert files == {"input/escaped.nrrd", "input/olute.nrrd"}
    (where,) = app._app.state.server.options.folder.parent.rglob("escaped.nrrd")
    assert where.parent.name == "input" and not Path("/abs").exists()


def test_an_archive_that_grows_is_stopped_at_the_quota(tmp_path):
    from CardioScarLib.web.steps_read import unpack

    archive = tmp_path / "bomb.zip"
    archive.write_bytes(zipped(("zeros.nii", bytes(4 << 20))))
    assert archive.stat().st_size < 1 << 14
    place = tmp_path / "place"
    place.mkdir()
    with pytest.raises(UnreadableFile, match="more than 1 MiB"):
        unpack(archive, place, 1 << 20, 10, lambda name: name)
    assert list(place.iterdir()) == []


def test_links_in_an_archive_are_left_out_and_too_many_files_refused(tmp_path):
    from CardioScarLib.web.steps_read import unpack

    archive = tmp_path / "links.zip"
    link = zipfile.ZipInfo("passwords")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(link, "/etc/passwd")
        made.writestr("file", b"content")
    assert unpack(archive, tmp_path, 100, 1, lambda name: name) == ["file"]
    archive.write_bytes(zipped(*[(f"{number}", b"") for number in range(11)]))
    with pytest.raises(UnreadableFile, match="11 files; at most 10"):
        unpack(archive, tmp_path, 100, 10, lambda name: name)


def test_an_upload_that_is_too_large_is_stopped(visitor):
    answer = visitor.upload(("large.nii", bytes(4 << 20)))
    assert answer.status_code == 413 and "MiB" in answer.json()["error"]
    assert visitor.state()["items"] == []


# Labels


def test_labels_are_saved_with_the_grid_of_a_volume_along_another_axis(visitor, tmp_path):
    """Slices along the first axis of the file."""
    image = sitk.PermuteAxes(oblique_image(), (2, 0, 1))
    visitor.upload(("lge.nrrd", content_of(image, tmp_path)))
    item = visitor.done()["items"][0]
    none = dict.fromkeys(("series", "slice_thickness", "mesh", "labels", "order"))
    choice = {**none, "images": [item["file"]], "slice_axis": "x", "mesh_frame": "auto", "mesh_unit": "auto"}
    visitor.post("/api/open", choice)
    slices, rows, columns = visitor.done()["case"]["shape"]
    drawn = np.zeros((slices, rows, columns), dtype=np.uint8)
    drawn[0, rows - 1 - 3, 7] = 3  # the view has its rows from below
    assert visitor.draw(drawn).status_code == 200
    visitor.post("/api/jobs/labels")
    visitor.done()
    path = tmp_path / "labels.nrrd"
    path.write_bytes(visitor.client.get("/api/download/labels.nrrd").content)
    found = sitk.ReadImage(str(path))
    assert found.GetSize() == image.GetSize() == (6, 40, 32)
    np.testing.assert_allclose(found.GetDirection(), image.GetDirection())
    np.testing.assert_allclose(found.GetOrigin(), image.GetOrigin())
    (where,) = np.argwhere(sitk.GetArrayFromImage(found))
    assert where[2] in (0, 5)
    # The voxel of the file lies where the view tells that the drawn one does.
    matrix = np.array(visitor.state()["case"]["to_lps"])
    spacing = visitor.state()["case"]["spacing"]
    seen = matrix @ [7 * spacing[0], (rows - 4) * spacing[1], 0, 1]
    np.testing.assert_allclose(found.TransformIndexToPhysicalPoint([int(one) for one in where[::-1]]), seen[:3], atol=1e-3)


def test_labels_that_were_changed_elsewhere_are_not_overwritten(visitor, tmp_path):
    shape = opened(visitor, tmp_path)["case"]["shape"]
    assert visitor.draw(np.ones(shape)).json() == {"version": 1}
    assert visitor.draw(np.zeros(shape), version=0).status_code == 409
    assert set(visitor.client.get("/api/labels").content) == {1}


def test_labels_of_another_size_or_value_are_refused(visitor, tmp_path):
    shape = opened(visitor, tmp_path)["case"]["shape"]
    assert visitor.draw(np.ones(3)).status_code == 422
    assert visitor.draw(np.full(shape, 9)).status_code == 422
    assert visitor.state()["labels"] is None


def test_slices_between_drawn_ones_are_filled(visitor, tmp_path):
    shape = opened(visitor, tmp_path)["case"]["shape"]
    drawn = np.zeros(shape, dtype=np.uint8)
    drawn[1, 10:20, 10:20] = drawn[4, 10:20, 10:20] = 2
    visitor.draw(drawn)
    visitor.post("/api/jobs/fill", {"label": 2})
    assert visitor.done()["labels"]["version"] == 2
    found = np.frombuffer(visitor.client.get("/api/labels").content, dtype=np.uint8).reshape(shape)
    np.testing.assert_array_equal(found[2], drawn[1])
    assert found[0].sum() == found[5].sum() == 0


def test_labels_of_a_data_set_are_told_by_its_order(visitor, tmp_path):
    image = oblique_image()
    labels = sitk.GetArrayFromImage(ring_labels(image))
    other = sitk.GetImageFromArray(np.select([labels == 3, labels == 2, labels == 1], [3, 1, 2]).astype(np.uint8))  # ScarNet's order
    other.CopyInformation(image)
    visitor.upload(("lge.nrrd", content_of(image, tmp_path)), ("mask.nrrd", content_of(other, tmp_path)))
    assert {one["role"] for one in visitor.done()["items"]} == {"slices", "labels"}
    none = dict.fromkeys(("series", "slice_axis", "slice_thickness", "mesh"))
    choice = {
        **none,
        "images": ["input/lge.nrrd"],
        "labels": "input/mask.nrrd",
        "order": "scarnet",
        "mesh_frame": "auto",
        "mesh_unit": "auto",
    }
    visitor.post("/api/open", choice)
    assert visitor.done()["labels"]["source"] == "file"
    visitor.post("/api/jobs/labels")
    visitor.done()
    path = tmp_path / "labels.nii.gz"
    path.write_bytes(visitor.client.get("/api/download/labels.nii.gz").content)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), labels)


# Jobs


def test_a_step_that_cannot_be_done_says_why_and_the_case_stays(visitor, tmp_path):
    opened(visitor, tmp_path)
    visitor.post("/api/jobs/map", {"evidence": "auto", "preset": "preview"})
    state = visitor.done()
    assert state["job"]["state"] == "failed" and "no myocardium is drawn" in state["job"]["error"] and state["case"]
    visitor.post("/api/jobs/map", {"evidence": "nonsense", "preset": "preview"})
    assert visitor.done()["job"]["state"] == "failed"


def test_probabilities_of_the_network_are_refused_for_labels_that_were_corrected(tmp_path):
    from CardioScarLib.runner.task import write_answer
    from CardioScarLib.segmentation.predict import Segmentation
    from CardioScarLib.tasks.segment import SegmentTask
    from CardioScarLib.web.case_files import CaseFiles, write_drawn
    from CardioScarLib.web.steps_map import MapStep

    (tmp_path / "input").mkdir()
    sitk.WriteImage(oblique_image(), str(tmp_path / "input" / "lge.nrrd"))
    files = CaseFiles(("input/lge.nrrd",))
    files.write(tmp_path)
    stack = files.stack(tmp_path)
    empty = tuple(np.zeros(one.pixels.shape, dtype=np.float32) for one in stack)
    labels = stack.with_pixels([np.ones(one.shape) for one in empty])
    (tmp_path / "segmentation").mkdir()
    found = Segmentation(stack, labels, tuple(np.stack([one] * 5) for one in empty), empty, empty, "of a test", None, ())
    write_answer(SegmentTask(stack), found, tmp_path / "segmentation")
    write_drawn(np.full((6, 32, 40), 2), tmp_path)
    with pytest.raises(BadSettings, match="labels were changed since the network"):
        MapStep(tmp_path, evidence="network").run(lambda *told, **more: None)


def test_one_step_at_a_time_and_a_waiting_one_can_be_cancelled(app, tmp_path):
    first, second = Visitor(app), Visitor(app)
    first.post("/api/example")
    second.post("/api/example")
    assert second.post("/api/example").status_code == 422
    assert second.state()["job"]["state"] == "queued"
    second.post("/api/cancel")
    assert second.state()["job"]["state"] == "cancelled"
    first.post("/api/cancel")
    assert first.done()["job"]["state"] == "cancelled"


def test_drawn_labels_and_waiting_steps_survive_a_restart(tmp_path):
    folder = tmp_path / "sessions"
    with TestClient(app := create_app(options_for(folder)), base_url="http://127.0.0.1:8000"):
        visitor = Visitor(app)
        shape = opened(visitor, tmp_path)["case"]["shape"]
        drawn = np.zeros(shape, dtype=np.uint8)
        drawn[0, 3, 4], drawn[2, 3, 4] = 2, 2
        visitor.draw(drawn)
        cookie = visitor.client.cookies["cardioscar"]
    state = next(folder.glob("*/state.json"))
    values = json.loads(state.read_text())
    job = {"kind": "fill", "choices": {"label": 2}, "state": "running", "error": None, "number": 3}
    state.write_text(json.dumps({**values, "job": job}))  # as a server that was killed leaves it
    with TestClient(app := create_app(options_for(folder)), base_url="http://127.0.0.1:8000"):
        visitor.client = TestClient(app, base_url="http://127.0.0.1:8000", cookies={"cardioscar": cookie})
        assert visitor.done()["job"]["state"] == "done"
        found = np.frombuffer(visitor.client.get("/api/labels").content, dtype=np.uint8).reshape(shape)
        assert found[1, 3, 4] == 2 and (found > 0).sum() == 3


def test_two_servers_do_not_work_in_one_folder(tmp_path):
    first = create_app(options_for(tmp_path))
    with pytest.raises(UnwritableOutput, match="Another server"):
        create_app(options_for(tmp_path))
    with TestClient(first):
        pass
    with TestClient(create_app(options_for(tmp_path))):
        pass


# Who may


def test_a_server_for_others_needs_a_login(tmp_path):
    with pytest.raises(BadSettings, match="add --users"):
        options_for(tmp_path, host="0.0.0.0")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    pytest.importorskip("argon2", reason="argon2-cffi is not installed")
    folder = tmp_path_factory.mktemp("guarded")
    add_user(folder / "users.json", "ada", "correct horse battery")
    with TestClient(made := create_app(options_for(folder / "sessions", users=folder / "users.json")), base_url="http://127.0.0.1:8000"):
        yield made, folder


def test_a_login_gives_the_session_of_the_user_on_every_machine(guarded):
    app, folder = guarded
    assert "correct horse" not in (folder / "users.json").read_text() and stat.S_IMODE((folder / "users.json").stat().st_mode) == 0o600
    clients = [TestClient(app, base_url="http://127.0.0.1:8000") for _ in range(2)]
    assert clients[0].get("/api/state").status_code == 401 and "Log in" in clients[0].get("/").text
    assert clients[0].post("/api/login", json={"name": "ada", "password": "wrong"}).status_code == 401
    assert clients[0].post("/api/login", json={"name": "nobody", "password": "wrong"}).status_code == 401
    for client in clients:
        assert client.post("/api/login", json={"name": "ada", "password": "correct horse battery"}).status_code == 200
    token = token_of(clients[0].cookies["cardioscar"])
    clients[0].get("/api/state")
    clients[0].post("/api/insertions", json=[[1, 2, 3]], headers={TOKEN: token})
    assert clients[1].get("/api/state").json()["insertions"] == [[1, 2, 3]]
    clients[0].post("/api/logout", headers={TOKEN: token})
    assert clients[0].get("/api/state").status_code == 401 and clients[1].get("/api/state").status_code == 200
    assert "ada" not in "".join(path.read_text() for path in (folder / "sessions").rglob("*.json*"))


def test_too_many_wrong_passwords_are_not_answered(guarded):
    app, _ = guarded
    client = TestClient(app, base_url="http://127.0.0.1:8000")
    answers = [client.post("/api/login", json={"name": "eve", "password": "guess"}).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_a_proxy_tells_who_it_is(tmp_path):
    with TestClient(app := create_app(options_for(tmp_path, user_header="X-Forwarded-User")), base_url="http://127.0.0.1:8000"):
        assert TestClient(app, base_url="http://127.0.0.1:8000").get("/api/state").status_code == 401
        ada = Visitor(app, **{"X-Forwarded-User": "ada"})
        ada.post("/api/insertions", [[1, 2, 3]])
        assert Visitor(app, **{"X-Forwarded-User": "ada"}).state()["insertions"] == [[1, 2, 3]]
        assert Visitor(app, **{"X-Forwarded-User": "grace"}).state()["insertions"] == []


def test_the_audit_log_names_nobody(app, visitor, tmp_path):
    visitor.upload(("Smith_John_1950.nrrd", content_of(oblique_image(), tmp_path)))
    visitor.done()
    log = app._app.state.server.options.folder / "audit.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["action"] == "upload" and lines[-1]["outcome"] == "done"
    assert set(lines[-1]) == {"time", "session", "action", "outcome"} and "Smith" not in log.read_text()
