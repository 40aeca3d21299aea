"""Results as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from CardioScarLib.cli.number_words import sources_in_words
from CardioScarLib.report.model_words import model_in_words

if TYPE_CHECKING:
    import numpy as np

    from CardioScarLib.advice.ranking import Advice
    from CardioScarLib.alignment import Alignment
    from CardioScarLib.core.result import Reconstruction
    from CardioScarLib.self_audit import Audit

SHARE_OF = {"volume": "LV myocardium", "closed_surface": "wall's surface", "shell": "wall's surface", "points": "wall's points"}
"""The reference of the scar percentage by kind of wall: without volume cells it is not a share of the volume."""


def map_in_words(found: Reconstruction, outputs: Sequence[Path]) -> str:
    """The text at the end of a run."""
    numbers, summary = {one.name: one for one in found.quantities}, found.summary
    amounts = [str(numbers[name]) for name in ("scar_volume_ml", "scar_mass_g") if name in numbers]
    amount = "".join(f"{one}, " for one in amounts)
    lines = [f"Scar   {amount}{numbers['scar_burden_percent']} of the {SHARE_OF[summary['wall']]} (expected amount)"]
    lines.append(f"Model  {model_in_words(summary['fit'], found.settings.model.preset)}")
    if beyond := summary["nodes_beyond_the_stack"]:
        share = f"{beyond / summary['nodes']:.0%}"
        lines.append(f"Beyond {share} of the nodes lie beyond the slices, where the map is a guess (scar_observed 0)")
    if audit := found.audit:
        lines.append(f"Audit  {audit.light.upper()}: {audit.sentence}")
        lines += [f"       {sentence}" for sentence in (*(one.sentence for one in audit.claims), *(one.sentence for one in audit.suspects))]
    if apart := sources_in_words(found.quantities):
        lines += ["", *apart, ""]
    lines += [f"{'Wrote' if number == 0 else '':<7}{path}" for number, path in enumerate(outputs)]
    lines.append(f"Time   {sum(found.seconds.values()):.1f} s")
    return "\n".join(lines)


def audit_in_words(found: Audit) -> str:
    """The light and its reason, the claims, the suspects and a line per slice."""
    lines = [f"{found.light.upper()}  {found.sentence}"]
    lines += ["", *(f"{'yes' if claim.supported else 'no':<4}{claim.sentence}" for claim in found.claims)]
    if found.suspects:
        lines += ["", *(suspect.sentence for suspect in found.suspects)]
    if found.slices:
        lines += ["", *_audit_table(found)]
    return "\n".join(lines)


def _audit_table(found: Audit) -> list[str]:
    heads = ("left out", "scar", "error", "in 95 %", "CRPS", "seems moved", "remark")
    rows = [heads]
    for one in found.slices:
        moved = "" if one.shift is None else f"{sum(length**2 for length in one.shift) ** 0.5:.0f} mm"
        coverage = "" if one.coverage_95 is None else f"{one.coverage_95:.0%}"
        rows.append((one.label, f"{one.scar:.1%}", f"{one.rmse:.3f}", coverage, f"{one.crps:.4f}", moved, one.remark))
    coverage = "" if found.coverage_95 is None else f"{found.coverage_95:.0%}"
    rows.append(("all slices", "", f"{found.rmse:.3f}", coverage, f"{found.crps:.4f}", "", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def advice_in_words(advice: Advice) -> str:
    """The proposals, best first, for the operator of a scanner."""
    lines = []
    for rank, one in enumerate(advice.proposals, 1):
        normal = ", ".join(f"{value:.3f}" for value in one.plane.normal)
        lines.append(f"{rank:>2}. error {-one.drop:+.0%}, {one.label}")
        lines.append(f"    {one.plane.thickness:.3g} mm thick, center {in_letters(one.plane.center)}, normal {normal} (LPS)")
    return "\n".join([*lines, "The change of the error is the expected change of the map's squared error, for one slice."])


def in_letters(point: np.ndarray) -> str:
    """LPS mm as scanners show it: a letter gives the direction of each number."""
    return " ".join(f"{pair[int(value < 0)]} {abs(value):.1f}" for pair, value in zip(("LR", "PA", "SI"), point, strict=True)) + " mm"


def alignment_in_words(alignment: Alignment) -> str:
    """The shifts as a table."""
    width = max(len(one.label) for one in alignment.slices)
    lines = [f"{'Slice':<{width}}  along rows  along columns  distance (mm)"]
    for one in alignment.slices:
        numbers = [f"{shift:+.1f} \N{PLUS-MINUS SIGN} {sd:.1f}" for shift, sd in zip(one.shift, one.sd, strict=True)]
        doubt = "" if one.reliable else f"  {one.sentence}"
        lines.append(f"{one.label:<{width}}  {numbers[0]:>10}  {numbers[1]:>13}  {one.distance:>13.1f}{doubt}")
    return "\n".join(lines)
