"""An audit with the model whose map it is about, and whether it still is."""

from __future__ import annotations

import json

from CardioScarMRML.places import isPlace

AUDIT_ATTRIBUTE = "CardioScar.Audit"
"""Attribute of a model: JSON with "audit", as `CardioScarLib.self_audit.Audit.as_dict`, "about", what was audited,
and "run", how."""

PROVENANCE = "cardioscar versions platform started seconds settings seed inputs summary notes".split()
"""What `CardioScarLib.provenance` puts beside it."""


def aboutOf(settings, reading: dict, place: dict) -> dict:
    """What an audit is about, as JSON values.

    :param settings: `ReconstructionSettings`; its threshold makes no difference.
    :param reading: how nodes were read, as in the provenance. place: of `CardioScarMRML.places.placeOf`.
    """
    return json.loads(json.dumps({"settings": {**settings.as_dict(), "threshold": None}, "reading": reading, "place": place}))


def splitRecord(record: dict) -> tuple[dict, dict]:
    """From what the task "audit" leaves: the audit, and how the run went."""
    audit = {name: value for name, value in record.items() if name not in PROVENANCE}
    return audit, {name: record[name] for name in ("versions", "platform", "started", "seconds", "notes")}


def writeAudit(modelNode, audit: dict, about: dict, run: dict) -> None:
    modelNode.SetAttribute(AUDIT_ATTRIBUTE, json.dumps({"audit": audit, "about": about, "run": run}))


def auditOf(modelNode) -> dict | None:
    """The last audit of a model, as `Audit.as_dict`; None without one."""
    record = _record(modelNode)
    return None if record is None else record["audit"]


def auditIsAbout(modelNode, about: dict) -> bool:
    """Whether the last audit of a model is about this."""
    record = _record(modelNode)
    if record is None or any(record["about"][name] != about[name] for name in ("settings", "reading")):
        return False
    return isPlace(record["about"]["place"], about["place"])


def removeAuditOfOthers(modelNode, settings, reading: dict | None) -> None:
    """Remove the audit of a model unless it is about these settings and slices: the next map is not the audited one."""
    record = _record(modelNode)
    if record is None:
        return
    about = aboutOf(settings, reading or {}, {})
    if any(record["about"][name] != about[name] for name in ("settings", "reading")):
        modelNode.RemoveAttribute(AUDIT_ATTRIBUTE)


def _record(modelNode) -> dict | None:
    text = modelNode.GetAttribute(AUDIT_ATTRIBUTE) if modelNode is not None else None
    return json.loads(text) if text else None
