"""Load of the browser front end: sessions that upload and look at slices while maps are made, then hostile uploads.

    python Utilities/load_web.py --sessions 20 --maps 4 --hostile 200 --workers 2

It starts a server of its own at a free port. Prints one JSON object: times of page actions while maps are made, memory of the server and
its children, errors, and what became of the hostile uploads.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import statistics
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import httpx
import numpy as np
import psutil

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "Testing" / "Python")]

import SimpleITK as sitk  # noqa: E402
from web_server import oblique_image, ring_labels, running_server  # noqa: E402

TOKEN = "x-cardioscar-token"
PATIENCE = 1800.0


class Visitor:
    def __init__(self, address: str):
        self.client = httpx.Client(base_url=address, timeout=300)
        self.seconds: list[float] = []
        self.errors: list[str] = []
        self.token = self.get("api/state").json()["token"]

    def get(self, path: str, told: bool = True) -> httpx.Response:
        return self._ask("GET", path, told)

    def post(self, path: str, **content) -> httpx.Response:
        return self._ask("POST", path, True, headers={TOKEN: self.token}, **content)

    def _ask(self, method: str, path: str, told: bool, **content) -> httpx.Response:
        begin = time.perf_counter()
        answer = self.client.request(method, path, **content)
        if told:
            self.seconds.append(time.perf_counter() - begin)
            if answer.status_code >= 500:
                self.errors.append(f"{method} {path} {answer.status_code}")
        return answer

    def done(self) -> dict:
        end = time.monotonic() + PATIENCE
        while (state := self.get("api/state").json())["job"]["state"] in ("queued", "running"):
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.5)
        return state

    def open(self, files: list[tuple[str, bytes]]) -> dict:
        self.post("api/upload", files=[("files", one) for one in files])
        items = self.done()["items"]
        chosen = {one["role"]: one["file"] for one in items}
        none = dict.fromkeys(("series", "slice_axis", "slice_thickness", "mesh", "order"))
        choice = {**none, "images": [chosen["slices"]], "labels": chosen.get("labels"), "mesh_frame": "auto", "mesh_unit": "auto"}
        self.post("api/open", content=json.dumps(choice))
        return self.done()

    def look(self, until: threading.Event) -> None:
        while not until.is_set():
            self.get(random.choice(["", "static/main.js", "api/state", "api/view/slices.nii.gz", "api/choices", "api/labels"]))
            time.sleep(random.uniform(0.2, 1.0))


def content_of(image: sitk.Image, folder: Path, name: str) -> tuple[str, bytes]:
    sitk.WriteImage(image, str(folder / name))
    return name, (folder / name).read_bytes()


def hostile(number: int, good: bytes) -> tuple[str, bytes]:
    """Damaged, wrong, huge and misleading files, each another one."""
    draw = random.Random(number)
    kind = number % 8
    if kind == 0:
        place = draw.randrange(len(good))
        return "bytes.nrrd", good[:place] + draw.randbytes(20) + good[place + 20 :]
    if kind == 1:
        return "short.nrrd", good[: draw.randrange(1, len(good))]
    if kind == 2:
        return draw.choice(["a.nii.gz", "a.dcm", "a.vtu", "a.stl", "a.mat", "a.mha", "a.ply"]), draw.randbytes(draw.randrange(1, 4000))
    if kind == 3:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../" * draw.randrange(9) + "etc/passwd.nrrd", bytes(draw.randrange(1, 80) << 20))
        return "bomb.zip", buffer.getvalue()
    if kind == 4:
        sizes = " ".join(str(draw.randrange(1, 1 << 40)) for _ in range(3))
        return "huge.nrrd", f"NRRD0004\ntype: double\ndimension: 3\nsizes: {sizes}\nencoding: gzip\n\n".encode() + draw.randbytes(50)
    if kind == 5:
        return "elsewhere.nhdr", b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 9 9 9\nencoding: raw\ndata file: /etc/passwd\n"
    if kind == 6:
        return "pickle.npz", b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."
    return "../../" + "x" * draw.randrange(1, 300) + ".zip", b"PK\x03\x04" + draw.randbytes(200)


def resident_mb(process: psutil.Process) -> float:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total / (1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--maps", type=int, default=4)
    parser.add_argument("--hostile", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    image = oblique_image()
    with tempfile.TemporaryDirectory() as place, running_server(Path(place) / "sessions", workers=chosen.workers) as address:
        folder = Path(place)
        slices, labels = content_of(image, folder, "lge.nrrd"), content_of(ring_labels(image), folder, "heart.nii.gz")
        memory: list[float] = []
        ended = threading.Event()
        threading.Thread(target=lambda: _measure(memory, ended), daemon=True).start()
        visitors = [Visitor(address) for _ in range(chosen.sessions)]
        opening = [threading.Thread(target=one.open, args=([slices, labels],)) for one in visitors]
        for one in opening:
            one.start()
        for one in opening:
            one.join()
        for one in visitors:
            one.seconds.clear()
        for one in visitors[: chosen.maps]:
            one.post("api/jobs/map", content=json.dumps({"evidence": "auto", "preset": "preview"}))
        made = threading.Event()
        looking = [threading.Thread(target=one.look, args=(made,)) for one in visitors[chosen.maps :]]
        for one in looking:
            one.start()
        begin = time.perf_counter()
        ends = [one.done()["job"]["state"] for one in visitors[: chosen.maps]]
        seconds = time.perf_counter() - begin
        made.set()
        for one in looking:
            one.join()
        times = [value for one in visitors[chosen.maps :] for value in one.seconds]
        attacker, outcomes, sentences = Visitor(address), {}, 0
        for number in range(chosen.hostile):
            answer = attacker.post("api/upload", files=[("files", hostile(number, slices[1]))])
            outcome = f"refused {answer.status_code}" if answer.status_code != 200 else (job := attacker.done()["job"])["state"]
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            if outcome == "failed":
                sentences += "nternal error" not in job["error"] and "unexpectedly" not in job["error"]
        ended.set()
        errors = [error for one in (*visitors, attacker) for error in one.errors]
    told = {
        "sessions": chosen.sessions, "maps": ends, "maps_seconds": round(seconds, 1), "page_actions": len(times),
        "page_action_median_ms": round(1000 * statistics.median(times)),
        "page_action_95_percent_ms": round(1000 * float(np.quantile(times, 0.95))),
        "memory_most_mb": round(max(memory)), "errors": errors, "hostile": outcomes, "hostile_failed_with_a_sentence": sentences,
    }  # fmt: skip
    print(json.dumps(told, indent=2))


def _measure(memory: list[float], ended: threading.Event) -> None:
    process = psutil.Process()
    while not ended.wait(1.0):
        memory.append(resident_mb(process))


if __name__ == "__main__":
    main()
