"""The self-audit: what a stack supports, found by leaving its slices out and predicting them. No truth is needed."""

from __future__ import annotations

from CardioScarLib.reconstruction.audit.audit import audit
from CardioScarLib.reconstruction.audit.disagreement import Suspect
from CardioScarLib.reconstruction.audit.result import Audit, Claim, PairAudit, SliceAudit

__all__ = ["Audit", "Claim", "PairAudit", "SliceAudit", "Suspect", "audit"]
