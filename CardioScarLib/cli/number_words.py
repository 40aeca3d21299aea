"""The numbers of a map as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from CardioScarLib.core.quantity import number_in_words

if TYPE_CHECKING:
    from CardioScarLib.core.quantity import Quantity
    from CardioScarLib.quantification.numbers import Numbers


def numbers_in_words(found: Numbers) -> str:
    """Quantities, what their intervals come from, a table of segments and rings, and one of channels."""
    rows: list[tuple[str, ...]]
    width = max(len(one.label) for one in found.quantities)
    lines = [f"{one.label:<{width}}  {one}" for one in found.quantities]
    if apart := sources_in_words(found.quantities):
        lines += ["", *apart]
    if found.sectors:
        heads = ("part of the wall", "burden %", "mean transmurality %", "maximum %", "class %")
        rows = [heads]
        for one in found.sectors:
            numbers = {number.name: number for number in one.quantities}
            names = ("scar_burden_percent", "transmurality_mean_percent", "transmurality_max_percent")
            rows.append((_sector_name(one.key, one.name), *(_short(numbers[name]) for name in names), one.transmurality))
        lines += ["", *_table(rows)]
    if found.channels:
        rows = [("channel", "probability", "length mm", "mean width mm", "least width mm", "mass g", "segments", "layers")]
        for number, channel in enumerate(found.channels, 1):
            cells = tuple(_short(one) for one in channel.quantities)
            segments = ", ".join(map(str, channel.segments))
            rows.append((str(number), f"{channel.probability:.0%}", *cells, segments, ", ".join(channel.layers)))
        lines += ["", *_table(rows)]
    return "\n".join(lines)


def sources_in_words(quantities: Sequence[Quantity]) -> list[str]:
    """The lines of a table of the intervals that each source of uncertainty alone would give; none where there is one source only."""
    apart = [one for one in quantities if one.parts]
    if not apart:
        return []
    sources = list(apart[0].parts)
    rows = [("if one source alone were uncertain", *sources)]
    rows += [(each.label, *("-".join(map(number_in_words, each.parts[source])) for source in sources)) for each in apart]
    return _table(rows)


def _sector_name(key: str, name: str) -> str:
    return f"{int(key[4:]):>2} {name}" if key.startswith("aha_") else f"ring {name}"


def _short(one: Quantity) -> str:
    """As in "12.3 (10.1-14.2)"."""
    if one.low is None or one.high is None:
        return number_in_words(one.value)
    return f"{number_in_words(one.value)} ({number_in_words(one.low)}-{number_in_words(one.high)})"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
