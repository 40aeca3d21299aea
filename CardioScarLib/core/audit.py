"""The result of an audit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from CardioScarLib.core.provenance import Provenance, plain

LIGHTS = ("green", "yellow", "red")


@dataclass(frozen=True)
class SliceAudit:
    """A left-out slice, predicted from the others.

    number: in the stack. scar: mean scar fraction of its wall. rmse, crps: over its pixels. coverage_95: of the pixels
    near borders; None where there is none. shift: (2,) mm along rows and columns by which its origin would have to move
    to fit the others best; None if it shows too little scar. remark: what stands out, or empty.
    """

    number: int
    label: str
    scar: float
    rmse: float
    coverage_95: float | None
    crps: float
    shift: tuple[float, float] | None
    remark: str = ""


@dataclass(frozen=True)
class PairAudit:
    """Two neighbors, both left out and predicted from the others. rmse: over the pixels of both."""

    numbers: tuple[int, int]
    labels: tuple[str, str]
    rmse: float


@dataclass(frozen=True)
class Claim:
    """name: "scar mass", "transmurality", "channels". supported: by this stack. sentence: with its limits, in words."""

    name: str
    supported: bool
    sentence: str


@dataclass(frozen=True)
class Suspect:
    """A slice that contradicts the others.

    number: in the stack. kind: "shifted", "mislabeled", "artifact" or "out of order". shift: (2,) mm along rows and
    columns by which its origin must move to fit the others, for "shifted".
    """

    number: int
    label: str
    kind: str
    sentence: str
    shift: tuple[float, float] | None = None


@dataclass(frozen=True)
class Audit:
    """What a stack supports, judged without a truth.

    light: one of LIGHTS. sentence: why. expected_error: RMS error of the map that cases like this one had. rmse, coverage_95,
    crps: over all left-out slices. factor: on the spread of the posterior with which 95 % intervals would hold 95 % of the
    left-out pixels near borders; None where there are none. suspects: the worst first. provenance: of the audit.
    """

    light: str
    sentence: str
    claims: tuple[Claim, ...]
    suspects: tuple[Suspect, ...] = ()
    expected_error: float | None = None
    rmse: float | None = None
    coverage_95: float | None = None
    crps: float | None = None
    factor: float | None = None
    slices: tuple[SliceAudit, ...] = ()
    pairs: tuple[PairAudit, ...] = ()
    provenance: Provenance | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Assumptions, as sentences."""
        return self.provenance.notes if self.provenance else ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; "provenance" is that of the audit."""
        return plain(asdict(self))
