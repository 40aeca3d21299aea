"""The self-audit: what a stack supports, found by leaving its slices out and predicting them. No truth is needed."""

from __future__ import annotations

from CardioScarLib.core.audit import Audit, Claim, PairAudit, SliceAudit, Suspect
from CardioScarLib.self_audit.run import audit

__all__ = ["Audit", "Claim", "PairAudit", "SliceAudit", "Suspect", "audit"]
