"""The result of a reconstruction, with its case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from CardioScarLib.core.audit import Audit
from CardioScarLib.core.case import Case
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.provenance import Provenance, plain
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.settings import ReconstructionSettings

SCHEMA = "cardioscar-result 1"
"""Of the record of a result; the number grows when a reader of the old one would misread the new one."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Everything that was computed.

    evidence: of the pixels that see the wall. posterior: the field itself, for any point.
    arrays: per node of the wall, by name: scar_probability (float32, 0..1), scar_uncertainty (float32, standard deviation;
        absent for baselines), scar_observed (uint8: 2 inside a slice's slab, 1 between slices, 0 beyond the stack),
        scar_binary (float32 0/1, only with a threshold).
    quantities: numbers to report. summary: numbers about the fit, to print and to keep.
    audit: what the stack supports, if requested.
    """

    settings: ReconstructionSettings
    evidence: Evidence
    posterior: Posterior
    arrays: dict[str, np.ndarray]
    quantities: tuple[Quantity, ...]
    provenance: Provenance
    summary: dict[str, Any] = field(default_factory=dict)
    audit: Audit | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Assumptions from reading to fitting, as sentences."""
        return self.provenance.notes

    @property
    def seconds(self) -> dict[str, float]:
        """Wall-clock time of each stage."""
        return self.provenance.seconds

    def record(self) -> dict[str, Any]:
        """The record of a map, as plain JSON values."""
        return plain(
            {
                "schema": SCHEMA,
                "quantities": {one.name: one.as_dict() for one in self.quantities},
                "summary": self.summary,
                "audit": self.audit.as_dict() if self.audit else None,
                "provenance": self.provenance.as_dict(),
            }
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Result(Reconstruction):
    """A reconstruction with its case: audit, advice and reports start from it, and nothing is fitted twice."""

    case: Case

    @classmethod
    def of(cls, case: Case, found: Reconstruction) -> Result:
        return cls(**{**vars(found), "case": case})
