"""What became of a unit."""

from __future__ import annotations

from dataclasses import dataclass, field

from CardioScarLib.core.quantity import Quantity

STATES = ("done", "kept", "failed")
POSTPONED = "postponed"
"""The state of a unit whose worker ends too soon for it: it goes back."""


@dataclass(frozen=True)
class Outcome:
    """state: "done", "kept" (done by an earlier run), "failed" or "postponed". message: why it failed, for the user at work.

    case: as the user calls it. name, variant: of the results. told: the message without names of files, for tables. quantities: by
    name. light: "green", "yellow" or "red" by its audit; empty without one. tries: how often it was started. overhead: seconds beside
    those of the steps themselves.
    """

    case: str
    state: str
    seconds: float = 0.0
    message: str = ""
    quantities: dict[str, Quantity] = field(default_factory=dict)
    light: str = ""
    name: str = ""
    variant: str = ""
    told: str = ""
    tries: int = 1
    overhead: float = 0.0
