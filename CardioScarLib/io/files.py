"""Common to all readers and writers: names, checks, and no half-written files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from CardioScarLib.core.errors import UnreadableFile, UnwritableOutput
from CardioScarLib.core.interrupts import interrupts_afterwards
from CardioScarLib.core.printable import printable
from CardioScarLib.io.claims import Claim, abandoned, is_ours
from CardioScarLib.io.json_files import parse_json
from CardioScarLib.io.names import is_plain

PRIVATE = 0o600
"""Mode of a file that holds images of a patient: for its owner alone."""
PREFIX = ".cardioscar-"
"""Of a staging folder, which holds the following."""
FILES, OLD_FILES, JOURNAL, BELONGS_TO = "files", "old", "journal.json", "belongs-to.json"
WORD = {"type": "string"}
NAMES = {"type": "array", "items": {"type": "array", "prefixItems": [WORD, WORD], "minItems": 2, "maxItems": 2}}
"""Schema of a journal: the file to be, and the name of the staging folder beside it."""


def check_readable(path: Path) -> Path:
    """The path, if it is a file that is not empty. Messages name the file without its folders."""
    path = Path(path)
    try:
        if not path.exists():
            raise UnreadableFile(f"There is no file {path.name}; check the path.")
        if path.is_dir():
            raise UnreadableFile(f"{path.name} is a folder; a file is needed here.")
        if not path.is_file():  # a pipe or a device, which may never end
            raise UnreadableFile(f"{path.name} is not a regular file.")
        if path.stat().st_size == 0:
            raise UnreadableFile(f"{path.name} is empty (0 bytes).")
        if not os.access(path, os.R_OK):
            raise UnreadableFile(f"{path.name} cannot be opened; check its permissions.")
    except OSError as problem:
        raise UnreadableFile(f"{path.name} cannot be opened: {problem.strerror}.") from problem
    return path


def check_writable(path: Path, overwrite: bool = False) -> Path:
    """The path, if a file can be written there; call it before long work, not after."""
    path = Path(path)
    folder = path.parent
    if not is_plain(path.absolute()):
        raise UnwritableOutput(f"{printable(path.name)} cannot be written: its name, or that of a folder, is not in UTF-8; choose another.")
    if not folder.is_dir():
        raise UnwritableOutput(f"{path.name} cannot be written: the folder '{folder.name or folder}' does not exist; create it first.")
    if not os.access(folder, os.W_OK):
        raise UnwritableOutput(f"{path.name} cannot be written: the folder '{folder.name or folder}' is read-only.")
    if path.is_dir():
        raise UnwritableOutput(f"{path.name} is a folder; give the name of a file.")
    if path.exists() and not overwrite:
        raise UnwritableOutput(f"{path.name} already exists and was kept; choose another name, or add --overwrite.")
    return path


def made_folder(path: Path) -> Path:
    """The path of a folder, which is made if it does not exist; its parent must. Raises UnwritableOutput."""
    path = Path(path)
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise UnwritableOutput(f"The folder {path} cannot be made: {error.strerror}.") from error
    return path


def check_not_read(outputs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Raise UnwritableOutput for an output that is one of the files that are read, under whatever name."""
    files = [Path(one) for one in inputs if one is not None and Path(one).is_file()]
    for path in (Path(one) for one in outputs if one is not None):
        if path.exists() and any(path.samefile(one) for one in files):
            raise UnwritableOutput(f"{path.name} is one of the files that are read and was kept; choose another name for the result.")


class Step:
    """Files under temporary names that get their own names together: all of them, or none.

    Each folder with such files gets a staging folder, so that a file changes its name only. When several files are complete, their
    names are written to a journal; a process that is killed after that has its work finished by the next one that looks
    (`clear_leftovers`), and before that undone.
    """

    def __init__(self) -> None:
        self._claims: dict[Path, Claim] = {}
        self._pairs: dict[Path, Path] = {}

    def stage(self, path: Path) -> Path:
        """Where to write the file for now; the name keeps its suffixes, because writers choose the format by them."""
        folder = path.parent.resolve()
        if folder not in self._claims:
            clear_leftovers(folder)
            self._claims[folder] = Claim(folder, PREFIX)
            (self._claims[folder].folder / FILES).mkdir()
        temporary = self._claims[folder].folder / FILES / path.name
        self._pairs[folder / path.name] = temporary
        return temporary

    def commit(self) -> None:
        """Raises OSError, and then all old files are back. Signals wait until the files have their names."""
        for temporary in self._pairs.values():
            _sync(temporary)
        with interrupts_afterwards():
            self._give_names()

    def _give_names(self) -> None:
        if len(self._pairs) > 1:
            self._write_journal()
        done: list[tuple[Path, Path | None]] = []
        try:
            for target, temporary in self._pairs.items():
                before = _kept(target, temporary.parent.with_name(OLD_FILES))
                os.replace(temporary, target)
                done.append((target, before))
        except OSError:
            for target, before in reversed(done):
                target.unlink() if before is None else os.replace(before, target)
            raise
        for folder in self._claims:
            _sync(folder)

    def close(self) -> None:
        """Remove the staging folders; that with the journal last."""
        for claim in reversed(self._claims.values()):
            claim.release()

    def _write_journal(self) -> None:
        first, *others = (claim.folder for claim in self._claims.values())
        for other in others:
            _write_synced(other / BELONGS_TO, json.dumps(str(first)))
        names = [[str(target), temporary.parents[1].name] for target, temporary in self._pairs.items()]
        _write_synced(first / "unfinished", json.dumps(names))
        os.replace(first / "unfinished", first / JOURNAL)
        _sync(first)


_step: ContextVar[Step | None] = ContextVar("_step", default=None)


@contextmanager
def one_step(first: Path) -> Iterator[None]:
    """All that `atomic_paths` writes within appears together when the block ends well. first: one of the files, for messages."""
    step = Step()
    token = _step.set(step)
    try:
        yield
        step.commit()
    except OSError as problem:
        raise UnwritableOutput(f"{first.name} cannot be written: {problem.strerror or problem}.") from problem
    finally:
        _step.reset(token)
        step.close()


@contextmanager
def atomic_paths(paths: list[Path], overwrite: bool = False) -> Iterator[list[Path]]:
    """Temporary names that become `paths` together when the block ends well; within `one_step`, when that ends well.

    When the block fails or is interrupted, nothing is left behind.
    """
    paths = [check_writable(path, overwrite) for path in paths]
    outer = _step.get()
    step = outer or Step()
    try:
        yield [step.stage(path) for path in paths]
        if outer is None:
            step.commit()
    except OSError as problem:
        raise UnwritableOutput(f"{paths[0].name} cannot be written: {problem.strerror or problem}.") from problem
    finally:
        if outer is None:
            step.close()


@contextmanager
def atomic_path(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """`atomic_paths` for one file."""
    with atomic_paths([path], overwrite) as (temporary,):
        yield temporary


def clear_leftovers(folder: Path) -> None:
    """Finish or undo what killed processes of this user have begun to write in a folder."""
    for claimed in abandoned(folder, PREFIX):
        with suppress(OSError, UnreadableFile, ValueError, TypeError):  # left for the next one
            _recover(claimed)


def _recover(claimed: Path) -> None:
    """A journal can only move files from staging folders into the folders that these lie in, so a foreign one does no harm.

    Raises what goes wrong before anything is removed.
    """
    first = _first_of(claimed)
    if first != claimed and (first / JOURNAL).is_file() and is_ours(first):
        _recover(first)
    names = parse_json((claimed / JOURNAL).read_bytes(), NAMES, "This is no journal.") if (claimed / JOURNAL).is_file() else []
    for name, folder in names:
        target = Path(name)
        staged = target.parent / Path(folder).name / FILES / target.name
        if folder.startswith(PREFIX) and is_ours(staged.parent) and staged.is_file() and not staged.is_symlink():
            os.replace(staged, target)
            _sync(target.parent)
    shutil.rmtree(claimed, ignore_errors=True)


def _first_of(claimed: Path) -> Path:
    """The staging folder with the journal of all."""
    if not (claimed / BELONGS_TO).is_file():
        return claimed
    first = Path(parse_json((claimed / BELONGS_TO).read_bytes(), {"type": "string"}, "This is no name."))
    return first if first.name.startswith(PREFIX) else claimed


def _kept(target: Path, folder: Path) -> Path | None:
    """Another name for the file that will be replaced, to bring it back; None where there is none."""
    if not target.exists():
        return None
    folder.mkdir(exist_ok=True)
    kept = folder / target.name
    try:
        os.link(target, kept)
    except (OSError, NotImplementedError):  # a disk without links
        shutil.copy2(target, kept)
    return kept


def _write_synced(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    """See that a file, or the names in a folder, are on the disk. Windows has no way to ask that of a folder."""
    if os.name == "nt" and path.is_dir():
        return
    file = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
