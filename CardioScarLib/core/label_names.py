"""What the name of a label or a segment says about it."""

from __future__ import annotations

import re

SCAR = re.compile(r"scar|infarct|fibrosis|necro|no.?reflow|\bmvo\b|microvascular.obstruction", re.IGNORECASE)
NO_REFLOW = re.compile(r"no.?reflow|\bmvo\b|microvascular.obstruction", re.IGNORECASE)
ENHANCED = re.compile(r"enhanc|\blge\b|\bde\b", re.IGNORECASE)
"""Speaks of scar only where it does not speak of the myocardium: "LGE myocardium" was drawn on LGE."""
WITHOUT = re.compile(
    r"\b(no|non|not|without|free of)\b[ _-]*\w*(scar|infarct|fibro|enhanc)|healthy|viable|remote|\bnormal|unscarred", re.IGNORECASE
)
MUSCLE = re.compile(r"myo|muscle|\bwall\b|ventric|\blv\b|\brv\b|heart|blood|pool|cavity|endo|epi|lumen|chamber|atri", re.IGNORECASE)
"""Anatomy, which a label that is named by it means as a whole."""

MYOCARDIUM = re.compile(r"myoc|\bmyo\b|muscle|\bwall\b", re.IGNORECASE)
OF_OTHERS = re.compile(r"right|\brv\b|\ball\b|heart", re.IGNORECASE)


def speaks_of_scar(name: str) -> bool:
    """Such as "Scar", "infarct_core" or "myocardial scar"; not "LV myocardium", nor "myocardium without scar"."""
    name = re.sub(r"[_.-]+", " ", name)
    if WITHOUT.search(name):
        return False
    return bool(SCAR.search(name) or (ENHANCED.search(name) and not MUSCLE.search(name)))


def speaks_of_no_reflow(name: str) -> bool:
    """Such as "No-reflow" or "MVO": the core of an infarct that no contrast agent reaches, which is dark and scar all the same."""
    return bool(NO_REFLOW.search(re.sub(r"[_.-]+", " ", name)))


def speaks_of_other_tissue(name: str) -> bool:
    """Whether a name says that this is something else than scar, such as "LV myocardium" or "blood pool"."""
    name = re.sub(r"[_.-]+", " ", name)
    return not speaks_of_scar(name) and bool(MUSCLE.search(name) or WITHOUT.search(name))


def speaks_of_myocardium(name: str) -> bool:
    """Such as "LV myocardium" or "healthy wall"; not the right ventricle's, nor that of the whole heart."""
    name = re.sub(r"[_.-]+", " ", name)
    return bool(MYOCARDIUM.search(name)) and not OF_OTHERS.search(name)
