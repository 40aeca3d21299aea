"""Many cases without a window, inside Slicer or with any Python that has the library's packages.

    Slicer --no-splash --no-main-window --python-script batch.py cases --output results
    python batch.py cases --output results

The exit code is 0 when every case is done, 1 when any has failed, 2 when nothing could be started.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

# Of CardioScarMRML, and in a source checkout of CardioScarLib.
sys.path += [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

from CardioScarLib.batch import find_cases, in_words, run_batch
from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.settings import (
    DEVICES,
    EVIDENCE_METHODS,
    LGE_TYPES,
    MODELS,
    PRESETS,
    EvidenceSettings,
    ModelSettings,
    NetworkSettings,
    ReconstructionSettings,
)


def main(words: list[str] | None = None) -> int:
    """Run the batch that the words of a command line describe; returns the exit code."""
    try:
        arguments = _parser().parse_args(words)
    except SystemExit as end:  # of argparse: it would not end Slicer
        return int(end.code or 0)
    try:
        outcomes = run_batch(
            find_cases(arguments.cases),
            arguments.output,
            _settings(arguments),
            arguments.slice_thickness,
            arguments.overwrite,
            _scene_saver() if arguments.scene else None,
            _say,
            arguments.audit,
        )
    except CardioScarError as error:
        print(f"Error: {error}", file=sys.stderr, flush=True)
        return 2
    _say("\n" + in_words(outcomes))
    _say(f"Results and table: {arguments.output.resolve()}")
    return 1 if any(one.state == "failed" for one in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    model, evidence = ModelSettings(), EvidenceSettings()
    parser = argparse.ArgumentParser("batch.py", description="Scar maps of many cases. Research use only.")
    add = parser.add_argument
    add("cases", type=Path, help="a folder with a folder per case, or a CSV list with the columns case, volume, model[, segmentation]")
    add("--output", type=Path, required=True, metavar="DIR", help="gets a folder per case, and the table cases.csv")
    add("--model", choices=MODELS, default=model.model, help="how the field between the slices is found (%(default)s)")
    add("--preset", choices=PRESETS, default=model.preset, help="effort of the model field (%(default)s)")
    add("--device", choices=DEVICES, default=NetworkSettings().device, help="for the model network (%(default)s)")
    add("--evidence", choices=EVIDENCE_METHODS, default=evidence.method, help="from pixels to scar evidence (%(default)s)")
    add("--lge-type", choices=LGE_TYPES, default=evidence.lge_type, help="kind of LGE image (%(default)s)")
    add("--n-sd", type=float, default=evidence.n_sd, help="standard deviations above remote myocardium, for nsd (%(default)s)")
    add("--threshold", type=float, help="also make scar_binary: this scar probability or more")
    add("--samples", type=int, default=model.samples, help="joint samples behind the uncertainty (%(default)s)")
    add("--seed", type=int, default=model.seed, help="of everything random (%(default)s)")
    add("--slice-thickness", type=float, metavar="MM", help="of all cases; otherwise what the files say")
    add("--audit", action="store_true", help="also audit each stack: slices are left out and predicted, which takes longer")
    add("--scene", action="store_true", help="also save each case as a Slicer scene (.mrb)")
    add("--overwrite", action="store_true", help="replace results of other settings; without it, what is done is kept")
    return parser


def _settings(arguments: argparse.Namespace) -> ReconstructionSettings:
    network = NetworkSettings(device=arguments.device)
    return ReconstructionSettings(
        evidence=EvidenceSettings(arguments.evidence, arguments.lge_type, arguments.n_sd),
        model=ModelSettings(arguments.model, arguments.preset, arguments.samples, arguments.seed, network),
        threshold=arguments.threshold,
    )


def _scene_saver():
    from CardioScarMRML.case_scene import saveCaseScene

    return saveCaseScene


def _say(text: str) -> None:
    print(text, flush=True)


def _exit(code: int) -> None:
    """Slicer stays open after a script unless it is told to go."""
    slicer = sys.modules.get("slicer")
    if slicer is not None and hasattr(slicer, "app"):
        slicer.util.exit(code)
    else:
        sys.exit(code)


if __name__ == "__main__":
    try:
        code = main()
    except Exception:  # a fault of ours; without a window nobody could close Slicer
        traceback.print_exc()
        code = 1
    _exit(code)
