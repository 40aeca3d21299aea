"""The self-audit: what a stack supports, judged without a truth by leaving slices out and predicting them."""

from __future__ import annotations

from CardioScarLib.core.audit import Audit, Claim, PairAudit, SliceAudit, Suspect
from CardioScarLib.self_audit.run import audit

__all__ = ["Audit", "Claim", "PairAudit", "SliceAudit", "Suspect", "audit"]
