"""Names of uploaded files, made harmless."""

from __future__ import annotations

import re


def safe_name(name: str, taken: set[str]) -> str:
    """The last part of a name as a file of ours: letters, digits, dots and dashes, at most 100, and not one that is taken."""
    last = re.split(r"[\\/]", name)[-1]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip(".")[-100:] or "file"
    made, number = plain, 2
    while made.lower() in taken:
        made, number = f"{number}-{plain}", number + 1
    taken.add(made.lower())
    return made
