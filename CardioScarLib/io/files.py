"""Common to all readers and writers: names, checks, and no half-written files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from CardioScarLib.core.errors import UnreadableFile, UnwritableOutput


def check_readable(path: Path) -> Path:
    """The path, if it is a file that is not empty. Messages name the file without its folders."""
    path = Path(path)
    try:
        if not path.exists():
            raise UnreadableFile(f"There is no file {path.name}; check the path.")
        if not path.is_file():
            raise UnreadableFile(f"{path.name} is a folder; a file is needed here.")
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


@contextmanager
def atomic_paths(paths: list[Path], overwrite: bool = False) -> Iterator[list[Path]]:
    """Temporary names in the same folder that become `paths` together when the block ends well.

    The temporary names keep the whole suffix (".nii.gz"), because writers choose the format by it. When the block
    fails or is interrupted, nothing is left behind.
    """
    paths = [check_writable(path, overwrite) for path in paths]
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix=".cardioscar-", dir=paths[0].parent))
        temporary = [folder / path.name for path in paths]
        yield temporary
        for source, target in zip(temporary, paths, strict=True):
            os.replace(source, target)
    except OSError as problem:
        raise UnwritableOutput(f"{paths[0].name} cannot be written: {problem.strerror or problem}.") from problem
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def atomic_path(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """`atomic_paths` for one file."""
    with atomic_paths([path], overwrite) as (temporary,):
        yield temporary
