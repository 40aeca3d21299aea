"""An audit with the model whose map it is about."""

import json
from dataclasses import replace

import numpy as np
import pytest
from CardioScarMRML import CardioScarCase
from CardioScarMRML.audits import AUDIT_ATTRIBUTE, auditIsAbout, auditOf
from test_checks import under_transform

from CardioScar import CardioScarLogic
from CardioScarLib.core.settings import ModelSettings

SLICES = [1, 3, 5, 7, 8]


@pytest.fixture(scope="module")
def kept() -> dict:
    """The attribute of the model that was audited; filled by the first test that asks for it, because that takes seconds."""
    return {}


@pytest.fixture
def an_audited_case(a_small_case, quick, kept):
    volume, model, _ = a_small_case
    if not kept:
        reports = []
        before = volume.GetScene().GetNumberOfNodes()
        kept["audit"] = CardioScarLogic().auditStack(
            CardioScarCase(volume, model, sliceIndices=SLICES), settings=quick, progressCallback=reports.append
        )
        kept["stages"] = {report.stage for report in reports}
        kept["new nodes"] = volume.GetScene().GetNumberOfNodes() - before
        kept["text"] = model.GetAttribute(AUDIT_ATTRIBUTE)
    model.SetAttribute(AUDIT_ATTRIBUTE, kept["text"])
    return volume, model


@pytest.mark.slow
def test_an_audit_tells_of_each_slice_and_stays_with_the_model(an_audited_case, kept):
    audit = kept["audit"]
    assert audit.light in ("green", "yellow", "red") and audit.sentence.endswith(".")
    assert [one.label for one in audit.slices] == [f"slice {number}" for number in SLICES]
    assert {one.name for one in audit.claims} == {"scar mass", "transmurality", "channels"}
    assert max(one.rmse for one in audit.slices) > 2 * min(one.rmse for one in audit.slices) > 0
    assert auditOf(an_audited_case[1]) == audit and "audit" in kept["stages"] and kept["new nodes"] == 0
    assert audit.provenance.versions["numpy"] == np.__version__ and audit.provenance.seconds["audit"] > 0
    record = json.loads(kept["text"])
    assert set(record) == {"audit", "about"} and record["about"]["settings"]["model"]["samples"] == 4


def test_an_audit_is_about_its_slices_settings_and_places(an_audited_case, quick):
    volume, model = an_audited_case
    logic = CardioScarLogic()

    def isAbout(settings=quick, slices=SLICES, **choices):
        return auditIsAbout(model, logic.auditWouldBeAbout(CardioScarCase(volume, model, sliceIndices=slices, **choices), settings))

    assert isAbout() and isAbout(replace(quick, threshold=0.7))  # the threshold is how a map is looked at
    assert not isAbout(slices=[1, 3, 5, 7])
    assert not isAbout(replace(quick, model=ModelSettings(preset="preview", samples=4, seed=9)))
    assert not isAbout(sliceThickness=3.0)
    away = np.eye(4)
    away[0, 3] = 0.5
    under_transform(model, away)
    assert not isAbout()
    model.RemoveAttribute(AUDIT_ATTRIBUTE)
    assert auditOf(model) is None and not isAbout()


@pytest.fixture
def logic(a_fake_reconstruct):
    """Gives a map at once, the same everywhere."""
    return CardioScarLogic(a_fake_reconstruct)


@pytest.mark.slow
def test_a_map_of_other_choices_takes_the_audit_away(an_audited_case, quick, logic):
    volume, model = an_audited_case
    logic.reconstruct(CardioScarCase(volume, model, sliceIndices=SLICES), settings=replace(quick, threshold=0.5))
    assert auditOf(model) is not None
    logic.reconstruct(CardioScarCase(volume, model, sliceIndices=SLICES[1:]), settings=quick)
    assert auditOf(model) is None


def test_an_earlier_map_keeps_its_audit_under_its_suffix(an_audited_case, quick, logic):
    volume, model = an_audited_case
    text = model.GetAttribute(AUDIT_ATTRIBUTE)
    logic.reconstruct(CardioScarCase(volume, model, sliceIndices=SLICES), settings=quick)
    logic.reconstruct(CardioScarCase(volume, model), settings=quick, keepEarlierAs="_first")
    assert auditOf(model) is None and model.GetAttribute(f"{AUDIT_ATTRIBUTE}_first") == text


def test_an_audit_stays_in_a_saved_scene(an_audited_case, a_scene, quick, tmp_path):
    volume, model = an_audited_case
    names, audit = (volume.GetName(), model.GetName()), auditOf(model)
    assert a_scene.WriteToMRB(str(tmp_path / "case.mrb"))
    a_scene.Clear(0)
    a_scene.ReadFromMRB(str(tmp_path / "case.mrb"), True)
    volume, model = (a_scene.GetFirstNodeByName(name) for name in names)
    assert auditOf(model) == audit
    assert auditIsAbout(model, CardioScarLogic().auditWouldBeAbout(CardioScarCase(volume, model, sliceIndices=SLICES), settings=quick))


def test_an_audit_that_version_0_1_has_kept_is_still_told_and_a_strange_one_counts_as_none(an_audited_case):
    model = an_audited_case[1]
    record = json.loads(model.GetAttribute(AUDIT_ATTRIBUTE))
    del record["audit"]["provenance"]
    model.SetAttribute(AUDIT_ATTRIBUTE, json.dumps({**record, "run": {"notes": []}}))
    assert auditOf(model).claims and auditOf(model).provenance is None
    model.SetAttribute(AUDIT_ATTRIBUTE, json.dumps({**record, "audit": {"light": 3}}))
    assert auditOf(model) is None
