"""Damage of the kinds that files meet: cut, flipped, repeated and overwritten bytes, and numbers and JSON values that cannot be."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
NUMBERS = (
    b"-1", b"0", b"1", b"255", b"65536", b"2147483647", b"2147483648", b"4294967295", b"9223372036854775807", b"1e308", b"-1e308",
    b"nan", b"inf", b"1e-320", b"99999999999999999999", b"",
)  # fmt: skip
BYTES = (b"\0", b"\xff", b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\x7f", b"%s%n", b"../", b"\n", b"\xff" * 8)
VALUES = (None, True, -1, 0, 10**400, 1e308, "", "\0", [], [[]], {}, "x" * 3000, float("nan"), float("inf"), [1, "a"], {"a": None})


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with one to four kinds of damage."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = chance.choice(MUTATIONS)(content, chance)
    return content


def _place(content: bytes, chance: random.Random) -> int:
    """Headers are hit as often as all the rest."""
    reach = min(len(content), 600) if chance.random() < 0.5 else len(content)
    return chance.randrange(reach + 1)


def _flip(content: bytes, chance: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 10))):
        if found:
            found[min(_place(content, chance), len(found) - 1)] ^= 1 << chance.randrange(8)
    return bytes(found)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)]


def _overwrite(content: bytes, chance: random.Random) -> bytes:
    place, other = _place(content, chance), chance.choice(BYTES)
    return content[:place] + other + content[place + len(other) :]


def _insert(content: bytes, chance: random.Random) -> bytes:
    place = _place(content, chance)
    return content[:place] + chance.choice(BYTES) * chance.choice((1, 2, 50)) + content[place:]


def _remove(content: bytes, chance: random.Random) -> bytes:
    place = _place(content, chance)
    return content[:place] + content[place + chance.choice((1, 2, 8, 100)) :]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    place = _place(content, chance)
    length = chance.choice((1, 4, 30, 200))
    return content[: place + length] + content[place : place + length] * chance.choice((1, 3)) + content[place + length :]


def _number(content: bytes, chance: random.Random) -> bytes:
    """Another number in a text, or in the text that begins a binary file."""
    found = list(NUMBER.finditer(content[:4000]))
    if not found:
        return _overwrite(content, chance)
    one = chance.choice(found)
    return content[: one.start()] + chance.choice(NUMBERS) + content[one.end() :]


def _word(content: bytes, chance: random.Random) -> bytes:
    """Two words of a text in each other's place."""
    words = list(re.finditer(rb"[A-Za-z_]{2,}", content[:4000]))
    if len(words) < 2:
        return _flip(content, chance)
    one, other = chance.choice(words), chance.choice(words)
    return content[: one.start()] + other.group() + content[one.end() :]


def _json(content: bytes, chance: random.Random) -> bytes:
    """Another value somewhere in a JSON text, or a line of one."""
    lines = content.splitlines(keepends=True)
    number = chance.randrange(len(lines)) if lines and lines[0].rstrip().endswith((b"}", b"]")) else None
    try:
        values = json.loads(content if number is None else lines[number])
    except (ValueError, RecursionError):
        return _flip(content, chance)
    place: list | dict = [values]
    top, key = place, 0
    while isinstance(place[key], (list, dict)) and place[key] and chance.random() < 0.85:
        place = place[key]
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
    if isinstance(place, dict) and chance.random() < 0.3:
        del place[key]
    else:
        place[key] = chance.choice(VALUES)
    text = json.dumps(top[0]).encode()
    if number is None:
        return text
    return b"".join([*lines[:number], text, b"\n", *lines[number + 1 :]])


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _cut, _overwrite, _insert, _remove, _repeat, _number, _number, _word, _json,
)  # fmt: skip
