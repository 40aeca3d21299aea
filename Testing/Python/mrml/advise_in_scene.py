"""Audit and advice in a scene that another process has saved: `python advise_in_scene.py case.mrb SETTINGS`; prints JSON."""

from __future__ import annotations

import json
import sys
import tempfile

import conftest
from CardioScarMRML import CardioScarCase
from CardioScarMRML.audits import auditIsAbout
from CardioScarMRML.run import startHere

from CardioScar import CardioScarLogic
from CardioScarLib.core.settings import AdviceSettings, ReconstructionSettings


def main(path: str, settings: ReconstructionSettings, folder: str) -> None:
    scene = conftest.new_scene(folder)
    scene.ReadFromMRB(path, True)
    case = CardioScarCase(scene.GetFirstNodeByName("Phantom LGE"), scene.GetFirstNodeByName("Phantom LV wall"))
    logic = CardioScarLogic(startHere)
    about = auditIsAbout(case.lvModelNode, logic.auditWouldBeAbout(case, settings))
    audit, advice = logic.startAudit(case, settings), logic.startAdvice(case, settings, AdviceSettings(kind="short", count=2))
    found = {
        "audit": {name: value for name, value in audit.wait().as_dict().items() if name != "provenance"},
        "advice": [one.as_dict() for one in advice.wait().proposals],
        "is about": about,
    }
    print(json.dumps({**found, "fits": {"audit": audit.log.count("  fit"), "advice": advice.log.count("  fit")}}))


with tempfile.TemporaryDirectory() as folder:
    main(sys.argv[1], ReconstructionSettings.from_dict(json.loads(sys.argv[2])), folder)
