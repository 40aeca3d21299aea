"""Headers of NRRD and MetaImage files, before ITK reads them: which files they name, and whether all their pixels are there.

ITK reads whatever file a header names, and makes room for whatever size it states.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.nifti import read_nifti_header
from CardioScarLib.io.packed import check_unpacked

LONGEST_HEADER = 1 << 20
"""Bytes; the rest of a file is pixels."""
MOST_AXES, MOST_FILES = 10, 20_000
BLOCK = 1 << 20
FARTHEST = 1e9
"""mm, of numbers in the geometry of an image."""
ZLIB_OR_GZIP = 47
"""zlib's word for: either of them, by what the data begin with."""
NRRD_BYTES = {
    1: "signed char|int8|int8_t|uchar|unsigned char|uint8|uint8_t",
    2: "short|short int|signed short|signed short int|int16|int16_t|ushort|unsigned short|unsigned short int|uint16|uint16_t",
    4: "int|signed int|int32|int32_t|uint|unsigned int|uint32|uint32_t|float",
    8: "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t|"
    "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t|double",
}
NRRD_GEOMETRY = ("space directions", "space origin", "spacings", "axis mins", "axis maxs", "measurement frame")
META_GEOMETRY = ("transformmatrix", "orientation", "rotation", "offset", "position", "origin", "elementspacing", "elementsize")
META_BYTES = {"CHAR": 1, "UCHAR": 1, "SHORT": 2, "USHORT": 2, "INT": 4, "UINT": 4, "LONG": 4, "ULONG": 4, "FLOAT": 4}
"""By element type, without its `MET_`; what is not here has 8."""
OTHER_FORMATS = 4
"""Bytes in memory per byte of a file of another format, at most."""


def bytes_held(path: Path) -> int:
    """Bytes that the pixels of a volume take. Raises UnreadableFile where a header states more than there is."""
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return read_nifti_header(path).bytes_held
    with path.open("rb") as file:
        header = file.read(LONGEST_HEADER)
    if header.startswith(b"NRRD"):
        return _nrrd(path, header)
    if path.suffix.lower() in (".mha", ".mhd"):
        return _meta(path, header)
    return path.stat().st_size * OTHER_FORMATS


def _nrrd(path: Path, header: bytes) -> int:
    text, data = _split(header, rb"\r?\n\r?\n")
    lines = text.splitlines()
    fields = {key.strip().lower(): value.strip() for key, _, value in (line.partition(": ") for line in lines if line[:1] != "#")}
    _check_geometry(path, (fields.get(name, "") for name in NRRD_GEOMETRY))
    kind = next((size for size, names in NRRD_BYTES.items() if fields.get("type", "").lower() in names.split("|")), None)
    size = fields.get("block size", fields.get("blocksize", "")) if kind is None else str(kind)
    stated = _product([*fields.get("sizes", "").split(), size], path)
    named = fields.get("data file", fields.get("datafile"))
    if named is None:
        sources = [(path, data)]
    else:
        after = [number for number, line in enumerate(lines) if re.match(r"data ?file: *LIST", line, re.IGNORECASE)]
        listed = lines[after[0] + 1 :] if after else None
        sources = [(one, 0) for one in _named_files(path, named, listed)]
    encoding = fields.get("encoding", "raw").lower()
    if encoding in ("gz", "gzip"):
        found = sum(_unpacked(one, start, stated) for one, start in sources)
    else:
        found = sum(one.stat().st_size - start for one, start in sources)
        if encoding != "raw":  # at least a digit and a blank per number
            found *= 4
    return _checked(path, stated, found)


def _meta(path: Path, header: bytes) -> int:
    text, data = _split(header, rb"ElementDataFile *= *[^\r\n]*\r?\n?", keep=True)
    lines = text.splitlines()
    fields = {key.strip().lower(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    _check_geometry(path, (fields.get(name, "") for name in META_GEOMETRY))
    kind = fields.get("elementtype", "").upper().removeprefix("MET_").removesuffix("_ARRAY")
    size = META_BYTES.get(kind, 8)
    sizes = fields.get("dimsize", "").split()
    if fields.get("ndims") != str(len(sizes)):
        raise _damaged(path)
    stated = _product([*sizes, fields.get("elementnumberofchannels", "1"), str(size)], path)
    named = fields.get("elementdatafile", "")
    if named.lower() == "local":
        sources = [(path, data)]
    else:
        rest = header[data:].decode("utf-8", "replace").splitlines()
        sources = [(one, 0) for one in _named_files(path, named, rest if named.lower().startswith("list") else None)]
    if fields.get("compresseddata", "").lower().startswith("t"):
        found = sum(_unpacked(one, start, stated) for one, start in sources)
    else:
        found = sum(one.stat().st_size - start for one, start in sources)
        if fields.get("binarydata", "").lower().startswith("f"):
            found *= 4
    return _checked(path, stated, found)


def _check_geometry(path: Path, words: Iterable[str]) -> None:
    """ITK searches without end for an orientation in numbers near the largest that there are."""
    for word in re.findall(r"[-+.\w]+", " ".join(words)):
        try:
            far = abs(float(word)) > FARTHEST
        except ValueError:
            continue
        if far:
            raise _damaged(path)


def _split(header: bytes, end: bytes, keep: bool = False) -> tuple[str, int]:
    """The text of a header, and where the data begin. keep: the end belongs to the text."""
    found = re.search(end, header)
    start = len(header) if found is None else found.end()
    return header[: start if keep or found is None else found.start()].decode("utf-8", "replace"), start


def _product(words: Iterable[str], path: Path) -> int:
    words = list(words)
    if not 1 < len(words) <= MOST_AXES + 2 or not all(re.fullmatch(r"[0-9]{1,18}", word) for word in words):
        raise _damaged(path)
    product = 1
    for word in words:
        product *= int(word)
    return product


def _checked(path: Path, stated: int, found: int) -> int:
    if found < stated:
        raise UnreadableFile(f"{path.name} is truncated: its header states {stated:,} bytes of pixels, and there are {found:,} at most.")
    return stated


def _named_files(path: Path, named: str, listed: list[str] | None) -> list[Path]:
    """The files of the pixels that a header names: one, a numbered row of them, or those listed after the header."""
    words = named.split()
    if listed is not None:
        names = [line.strip() for line in listed if line.strip()]
    elif "%" in named and len(words) >= 3:
        names = list(_numbered(words, path))
    else:
        names = [named]
    if not 0 < len(names) <= MOST_FILES:
        raise _damaged(path)
    return [_beside(path, name) for name in names]


def _numbered(words: list[str], path: Path) -> Iterator[str]:
    """`slice%03d.raw 1 9 1`."""
    pattern, *numbers = words
    if not re.fullmatch(r"[^%]*%0?\d{0,3}[du][^%]*", pattern) or not all(re.fullmatch(r"-?\d{1,9}", one) for one in numbers[:3]):
        raise _damaged(path)
    first, last, step = (int(one) for one in (*numbers, "1")[:3])
    if step == 0 or abs((last - first) // step) > MOST_FILES:
        raise _damaged(path)
    for number in range(first, last + (1 if step > 0 else -1), step):
        yield pattern.replace("%u", "%d") % number


def _beside(path: Path, name: str) -> Path:
    """The file, if it is a regular one beside the header or below."""
    outside = UnreadableFile(
        f"{path.name} names a file of pixels in another place ({PurePath(name).name!r}); put that file beside it and change the name."
    )
    if "\0" in name or PurePath(name).is_absolute() or ".." in PurePath(name.replace("\\", "/")).parts:
        raise outside
    file = path.parent / name
    if not file.exists():
        raise UnreadableFile(f"{path.name} names the file of its pixels, {PurePath(name).name!r}, which is not there.")
    if not file.resolve().is_relative_to(path.parent.resolve()):
        raise outside
    if not file.is_file():
        raise UnreadableFile(f"{path.name} names {PurePath(name).name!r} for its pixels, which is not a file of data.")
    return file


def _unpacked(path: Path, start: int, enough: int) -> int:
    """Bytes that a file packed by zlib or gzip holds from `start` on; counted up to `enough`."""
    found, unpack = 0, zlib.decompressobj(ZLIB_OR_GZIP)
    with path.open("rb") as file:
        file.seek(start)
        try:
            while found < enough and not unpack.eof and (block := unpack.unconsumed_tail or file.read(BLOCK)):
                found += len(unpack.decompress(block, BLOCK))
                check_unpacked(path.name, path.stat().st_size, found)
        except (OSError, zlib.error):
            pass  # as much as could be unpacked
    return found


def _damaged(path: Path) -> UnreadableFile:
    return UnreadableFile(f"The header of {path.name} is damaged, so it cannot be read.")
