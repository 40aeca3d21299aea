"""Several results replace earlier ones all together or not at all, whatever ends the process; and what is left is cleared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from CardioScarLib.core.errors import UnwritableOutput
from CardioScarLib.core.interrupts import ends_by_signals
from CardioScarLib.io import files
from CardioScarLib.io.claims import BEGINNING, LOCK, OLD, Claim, abandoned
from CardioScarLib.io.files import atomic_path, atomic_paths, clear_leftovers, one_step

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way.")
WRITING = """
import os, sys
from pathlib import Path
from CardioScarLib.io.files import atomic_path, atomic_paths, one_step

here, kill_at, calls = Path(sys.argv[1]), int(sys.argv[2]), 0
replace = os.replace

def counted(*names):
    global calls
    if calls == kill_at:
        os.kill(os.getpid(), 9)
    calls += 1
    replace(*names)

os.replace = counted
with one_step(here / "map"):
    with atomic_path(here / "elsewhere" / "volume", overwrite=True) as volume:
        volume.write_text("new")
    with atomic_paths([here / "map", here / "record"], overwrite=True) as paths:
        for path in paths:
            path.write_text("new")
"""


@pytest.fixture
def old(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("map", "record", "elsewhere/volume"):
        (tmp_path / name).write_text("old")
    return tmp_path


def contents(folder):
    return {(folder / name).read_text() for name in ("map", "record", "elsewhere/volume")}


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@POSIX
@pytest.mark.parametrize(("kill_at", "then"), [(0, "old"), (1, "new"), (2, "new"), (3, "new")])
@pytest.mark.parametrize("look", ["", "elsewhere"])
def test_a_killed_write_is_undone_before_its_journal_and_finished_after_it(old, kill_at, then, look):
    done = subprocess.run([sys.executable, "-c", WRITING, str(old), str(kill_at)], check=False)
    assert done.returncode == -9
    assert kill_at in (0, 1) or contents(old) == {"old", "new"}  # the mixture that must not stay
    clear_leftovers(old / look)
    if then == "old" and not look:
        clear_leftovers(old / "elsewhere")
    assert contents(old) == {then}
    clear_leftovers(old)
    clear_leftovers(old / "elsewhere")
    assert names(old) == ["elsewhere/volume", "map", "record"]


def test_a_name_that_cannot_be_given_brings_all_old_files_back(old, monkeypatch):
    replace, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        if len(calls) == 3:  # the journal, one file, and this one
            raise PermissionError(13, "in use")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", failing)
    with pytest.raises(UnwritableOutput, match="map cannot be written: in use"):
        with atomic_paths([old / "map", old / "record", old / "elsewhere" / "volume"], overwrite=True) as paths:
            for path in paths:
                path.write_text("new")
    assert contents(old) == {"old"}
    assert names(old) == ["elsewhere/volume", "map", "record"]


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_names_waits_until_all_are_given(old, monkeypatch, number):
    replace, calls = os.replace, []

    def interrupted(source, target):
        replace(source, target)
        calls.append(target)
        if len(calls) == 2:  # the journal, and one of three files
            signal.raise_signal(number)

    monkeypatch.setattr(files.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), ends_by_signals():
        with atomic_paths([old / "map", old / "record", old / "elsewhere" / "volume"], overwrite=True) as paths:
            for path in paths:
                path.write_text("new")
    assert contents(old) == {"new"} and len(calls) == 4
    assert names(old) == ["elsewhere/volume", "map", "record"]


def test_a_failure_within_a_step_leaves_what_was_written_before_it_old(old):
    with pytest.raises(KeyboardInterrupt), one_step(old / "map"):
        with atomic_path(old / "map", overwrite=True) as path:
            path.write_text("new")
        raise KeyboardInterrupt
    assert contents(old) == {"old"}
    with atomic_path(old / "map", overwrite=True) as path:  # the step is over
        path.write_text("new")
    assert (old / "map").read_text() == "new"


def test_the_folder_of_a_living_process_is_left_alone(tmp_path):
    claim = Claim(tmp_path, ".cardioscar-")
    (claim.folder / "work").touch()
    clear_leftovers(tmp_path)
    assert (claim.folder / "work").exists()
    claim.release()
    assert names(tmp_path) == []


@POSIX
def test_without_a_lock_only_an_old_folder_is_given_up(tmp_path):
    for name, age in (("empty", 30), ("empty-since-a-while", BEGINNING + 60), ("full", BEGINNING + 60)):
        (tmp_path / f".cardioscar-{name}").mkdir()
        if name == "full":
            (tmp_path / ".cardioscar-full" / "work").touch()
        os.utime(tmp_path / f".cardioscar-{name}", (time.time() - age, time.time() - age))
    (tmp_path / ".cardioscar-old").mkdir()
    (tmp_path / ".cardioscar-old" / "work").touch()
    (tmp_path / ".cardioscar-file").touch()
    (tmp_path / ".cardioscar-link").symlink_to(tmp_path / ".cardioscar-old")
    before = time.time() - OLD - 60
    os.utime(tmp_path / ".cardioscar-old", (before, before))
    assert [path.name for path in abandoned(tmp_path, ".cardioscar-")] == [".cardioscar-empty-since-a-while", ".cardioscar-old"]


@POSIX
def test_a_foreign_journal_moves_nothing_out_of_its_staging_folders(tmp_path):
    """Such as one that came with somebody's data."""
    staging = tmp_path / "data" / ".cardioscar-x"
    (staging / "files").mkdir(parents=True)
    (staging / LOCK).touch()
    (staging / "files" / "profile").write_text("evil")
    (tmp_path / "profile").write_text("mine")
    journal = [
        [str(tmp_path / "profile"), "data/.cardioscar-x"],
        [str(tmp_path / "profile"), ".cardioscar-x"],
        ["../profile", ".cardioscar-x"],
    ]
    (staging / "journal.json").write_text(json.dumps(journal))
    clear_leftovers(tmp_path / "data")
    assert (tmp_path / "profile").read_text() == "mine"
    assert not staging.exists()


@pytest.mark.parametrize("text", ["", "[1]", '[["a"]]', '{"a": 1}', '[["\\u0000", ".cardioscar-x"]]', "[" * 100_000])
def test_a_damaged_journal_is_no_error(tmp_path, text):
    staging = tmp_path / ".cardioscar-x"
    staging.mkdir()
    (staging / LOCK).touch()
    (staging / "journal.json").write_text(text)
    clear_leftovers(tmp_path)
    with atomic_path(tmp_path / "a") as path:
        path.write_text("1")
    assert (tmp_path / "a").read_text() == "1"
