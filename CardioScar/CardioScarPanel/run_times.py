"""About how long a run takes, said before it starts."""

from __future__ import annotations

from slicer.i18n import tr as _

MAP_SECONDS = {"preview": 5.0, "standard": 15.0, "fine": 45.0}
"""Of the model Field by preset, on an ordinary computer; the comparison models take less than a preview."""
TIMES_A_MAP = {"map": 1.0, "audit": 6.0, "advice": 2.0}
"""How many maps as long a run takes."""


class RunTimes:
    """Knows how long runs took in this session, and guesses those that were not made yet."""

    def __init__(self) -> None:
        self._measured: dict[tuple[str, str, str], float] = {}

    def note(self, kind: str, model: str, preset: str, seconds: float) -> None:
        """A run has taken so long. kind: a key of TIMES_A_MAP."""
        self._measured[kind, model, preset] = seconds

    def seconds(self, kind: str, model: str, preset: str) -> float | None:
        """What a run will take; None where nobody knows, as for a network on a device that was not tried."""
        if (kind, model, preset) in self._measured:
            return self._measured[kind, model, preset]
        map_seconds = self._measured.get(("map", model, preset))
        if map_seconds is None:
            map_seconds = {"field": MAP_SECONDS[preset], "network": None}.get(model, MAP_SECONDS["preview"])
        return None if map_seconds is None else TIMES_A_MAP[kind] * map_seconds


def roughlyInWords(seconds: float) -> str:
    """As in "10 s" or "2 min", no more exact than it is known."""
    if seconds < 120:
        step = 5 if seconds < 60 else 10
        return _("{number} s").format(number=max(5, step * round(seconds / step)))
    return _("{number} min").format(number=round(seconds / 60))
