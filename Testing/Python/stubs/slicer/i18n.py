"""Stand-in for slicer.i18n: no translation is loaded."""

from __future__ import annotations


def translate(context: str, text: str) -> str:
    return text


def tr(text: str) -> str:
    return text
