"""The files of a run on real stacks: a page in Markdown, a reliability plot, and all numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from CardioScarLib.benchmark.plots import reliability
from CardioScarLib.benchmark.real.cases import RealCase
from CardioScarLib.benchmark.real.summary import RealSummary
from CardioScarLib.benchmark.summary import Table
from CardioScarLib.core.errors import MissingPackage
from CardioScarLib.core.printable import markdown_words
from CardioScarLib.io.files import atomic_paths

PAGE, RESULTS, PLOT = "real.md", "results.json", "reliability.svg"
LABEL = "Real scars with expert labels, predicted where pixels were left out. Few hearts; research use only."


def write_real_page(cases: Sequence[RealCase], summary: RealSummary, folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """Write the files into `folder`, replacing those of an earlier run; returns their names and what results.json holds."""
    results = {"cases": [_about(case) for case in cases], "summary": summary.as_dict(), "records": [*summary.records, *summary.failed]}
    texts, notes = {RESULTS: json.dumps(results, indent=1) + "\n"}, []
    try:
        texts[PLOT] = reliability({method: summary.reliability(method) for method in summary.methods})
    except MissingPackage as problem:
        notes.append(str(problem))
    notes += [f"{one['method']} on {one['case']}, {one['plan']} failed: {one['failed']}" for one in summary.failed]
    parts = ["# Real scars", f"**{LABEL}**"]
    if notes:
        parts.append("\n".join(f"- {markdown_words(note)}" for note in notes))
    parts += [_case_table(cases).markdown(), *(table.markdown() for table in summary.tables())]
    if PLOT in texts:
        parts.append(f"### Reliability\n\n![Share of scar by predicted probability]({PLOT})\n\nAll left-out pixels of all cases and plans.")
    texts[PAGE] = "\n\n".join(parts) + "\n"
    with atomic_paths([folder / name for name in texts], overwrite=True) as files:
        for temporary, text in zip(files, texts.values(), strict=True):
            temporary.write_text(text, encoding="utf-8")
    return [folder / name for name in (PAGE, *(name for name in texts if name != PAGE))], results


def _about(case: RealCase) -> dict[str, Any]:
    return {
        "case": case.name, "sha": case.sha, "slices": len(case.slices), "gap_mm": case.gap, "pixels": len(case.scar),
        "scar_share": float(case.scar.mean()), "notes": list(case.notes),
    }  # fmt: skip


def _case_table(cases: Sequence[RealCase]) -> Table:
    rows = [
        (markdown_words(one.name), str(len(one.slices)), f"{one.gap:g}",
         f"{min(one.operator.stack.slices[0].spacing):.2f}", str(len(one.scar)),
         f"{one.scar.mean():.3f}")
        for one in cases
    ]  # fmt: skip
    return Table("Cases", ("case", "slices", "gap, mm", "pixel, mm", "labeled pixels", "scar share"), tuple(rows))
