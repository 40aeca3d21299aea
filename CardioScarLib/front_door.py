"""The interface of `import CardioScarLib as cs`: read a case, reconstruct, quantify, audit, advise, write and read results."""

from __future__ import annotations

from pathlib import Path

from CardioScarLib import pipeline
from CardioScarLib.core import result as core_result
from CardioScarLib.core.case import Case
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.settings import QuantifySettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.io import results as files
from CardioScarLib.io.cases import read_case
from CardioScarLib.pipeline import Progress, advise, align, audit, quantify
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.tasks.files import write

__all__ = [
    "Case",
    "Quantity",
    "QuantifySettings",
    "ReadingSettings",
    "ReconstructionSettings",
    "Result",
    "advise",
    "align",
    "audit",
    "quantify",
    "read_case",
    "read_result",
    "reconstruct",
]


class Result(core_result.Result):
    """A result that can be written; see `core.result.Result` for what it holds."""

    def write(self, output: Path | str, volume: Path | str | None = None, overwrite: bool = False, keep_names: bool = False) -> list[Path]:
        """Write the map as a mesh (.vtu, .vtk, .vtp, or openCARP .dat) and the other files of the result next to it, all or nothing.

        volume: also write the probability as a volume (.nrrd, .nii.gz, .mha). keep_names: of the files it was made from, which the
        results otherwise call by their fingerprints. Returns the files written.
        Raises UnwritableOutput.
        """
        return write(self, output, volume, overwrite, keep_names)


def reconstruct(
    case: Case, settings: ReconstructionSettings | None = None, progress: Progress | None = None, audited: bool = False
) -> Result:
    """Reconstruct the scar field of a case; see `pipeline.reconstruct`."""
    return Result(**vars(pipeline.reconstruct(case, settings, progress, audited)))


def read_result(path: Path | str, case: Case | None = None) -> Result:
    """Read a result from its files, bit for bit; see `io.results.read_result`.

    case: the case of the result, if its `.case.npz` was not kept. Raises UnreadableFile or OtherCase.
    """
    return Result(**vars(files.read_result(Path(path), POSTERIORS, case)))
