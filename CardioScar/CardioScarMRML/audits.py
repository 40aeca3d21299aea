"""An audit with the model whose map it is about, and whether it still is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from CardioScarLib.core.errors import UnreadableFile
from CardioScarMRML.places import isPlace

if TYPE_CHECKING:
    from CardioScarLib.core.settings import ReconstructionSettings
    from CardioScarLib.self_audit import Audit

AUDIT_ATTRIBUTE = "CardioScar.Audit"
"""Attribute of a model: JSON with "audit", as `Audit.as_dict` with its own provenance, and "about", what was audited."""


def aboutOf(settings: ReconstructionSettings, reading: dict, place: dict) -> dict:
    """What an audit is about, as JSON values.

    :param settings: those that the field does not depend on make no difference.
    :param reading: how nodes were read, as in the provenance. place: of `CardioScarMRML.places.placeOf`.
    """
    return json.loads(json.dumps({"settings": settings.of_field(), "reading": reading, "place": place}))


def writeAudit(modelNode, audit: Audit, about: dict) -> None:
    modelNode.SetAttribute(AUDIT_ATTRIBUTE, json.dumps({"audit": audit.as_dict(), "about": about}))


def auditOf(modelNode) -> Audit | None:
    """The last audit of a model; None without one, or with one that another version has kept in another way."""
    record = _record(modelNode)
    if record is None:
        return None
    from CardioScarLib.core.packing import unpack  # with scipy, which a panel without an audit can do without
    from CardioScarLib.self_audit import Audit

    try:
        return unpack(Audit, record["audit"], {})
    except (UnreadableFile, KeyError):
        return None


def auditIsAbout(modelNode, about: dict) -> bool:
    """Whether the last audit of a model is about this."""
    record = _record(modelNode)
    return record is not None and _isOf(record, about) and isPlace(record["about"]["place"], about["place"])


def removeAuditOfOthers(modelNode, settings: ReconstructionSettings, reading: dict) -> None:
    """Remove the audit of a model unless it is about these settings and slices: the next map is not the audited one."""
    record = _record(modelNode)
    if record is not None and not _isOf(record, aboutOf(settings, reading, {})):
        modelNode.RemoveAttribute(AUDIT_ATTRIBUTE)


def _isOf(record: dict, about: dict) -> bool:
    return all(record["about"].get(name) == about[name] for name in ("settings", "reading"))


def _record(modelNode) -> dict | None:
    text = modelNode.GetAttribute(AUDIT_ATTRIBUTE) if modelNode is not None else None
    return json.loads(text) if text else None
