"""The interface of `import CardioScarLib as cs`: read a case, reconstruct, quantify, audit, advise, report, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CardioScarLib import pipeline
from CardioScarLib.core import result as core_result
from CardioScarLib.core.case import Case
from CardioScarLib.core.perfusion_settings import PerfusionSettings, SpectSettings
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.settings import QuantifySettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.io import results as files
from CardioScarLib.io.cases import read_case
from CardioScarLib.io.images import read_stack
from CardioScarLib.perfusion.record import PerfusionRecord
from CardioScarLib.perfusion.report import PerfusionReport
from CardioScarLib.pipeline import Progress, advise, align, audit
from CardioScarLib.quantification.numbers import Numbers
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.segmentation.predict import Segmentation
from CardioScarLib.segmentation.to_case import case_of as case_of_segmentation
from CardioScarLib.tasks import perfusion as perfusions
from CardioScarLib.tasks import report as reports
from CardioScarLib.tasks.export import export_map
from CardioScarLib.tasks.files import write
from CardioScarLib.tasks.segment import SegmentTask
from CardioScarLib.tasks.sources import MapSource, Written
from CardioScarLib.wall.coordinates import WallCoordinates

__all__ = [
    "Case",
    "Quantity",
    "QuantifySettings",
    "ReadingSettings",
    "ReconstructionSettings",
    "Result",
    "SegmentSettings",
    "Segmentation",
    "advise",
    "align",
    "audit",
    "export",
    "measure_perfusion",
    "PerfusionReport",
    "PerfusionSettings",
    "SpectSettings",
    "case_of_segmentation",
    "quantify",
    "read_case",
    "read_result",
    "reconstruct",
    "write_report",
    "segment",
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


def quantify(
    source: core_result.Result | Path | str,
    settings: QuantifySettings | None = None,
    insertions: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    coordinates: WallCoordinates | None = None,
    progress: Progress | None = None,
) -> Numbers:
    """All numbers of a map: amounts, AHA segments, transmurality and channels, each with its interval.

    source: a result, or the file of a map, whose slices are not needed. insertions: (1 or 2, 3) LPS mm of the right ventricle, the
    anterior one first. right_ventricle: (k, 3) points all over it, LPS mm, used where no insertions are given; without either, rings
    are told instead of segments. coordinates: of the wall; None computes them.
    Raises BadSettings for a right ventricle that cannot be used, and UnreadableFile for a file without a map.
    """
    settings = settings or QuantifySettings()
    return pipeline.quantify(MapSource.of(source).for_numbers(settings), settings, insertions, right_ventricle, coordinates, progress)


def write_report(
    source: core_result.Result | Path | str,
    output: Path | str,
    settings: QuantifySettings | None = None,
    insertions: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    coordinates: WallCoordinates | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
    perfusion: PerfusionReport | None = None,
) -> Written:
    """Write a report of a map into the folder `output`: report.html, report.pdf and numbers.json, without names of files and images.

    perfusion: of `measure_perfusion` with this map, to be reported beside it. The other arguments are those of `quantify`.
    Returns the files written and notes on what was left out.
    Raises MissingPackage without matplotlib, OtherCase for perfusion of another map, and UnwritableOutput.
    """
    where = insertions, right_ventricle, coordinates
    record = None if perfusion is None else PerfusionRecord.of(perfusion.as_dict())
    return reports.write_report(MapSource.of(source), Path(output), settings, *where, progress, overwrite, record)


def export(
    source: core_result.Result | Path | str,
    output: Path | str,
    formats: Sequence[str],
    settings: QuantifySettings | None = None,
    insertions: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    coordinates: WallCoordinates | None = None,
    identity_from: Path | str | None = None,
    pdf: Path | str | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Written:
    """Write a map into the folder `output` for other programs; all files or none.

    formats: some of "mesh", "opencarp", "nrrd", "nifti" and "dicom". The thresholds of the settings tell border zone and core. For
    DICOM alone: insertions, right_ventricle and coordinates as for `quantify`; identity_from: folder of the source images, to copy
    patient and study from, otherwise pseudonyms; pdf: a file to wrap, such as report.pdf.
    Returns the files written and notes on what was assumed.
    Raises BadSettings for another format, MissingPackage for DICOM without highdicom, and UnwritableOutput.
    """
    where = insertions, right_ventricle, coordinates
    with_identity, wrapped = (None if one is None else Path(one) for one in (identity_from, pdf))
    return export_map(MapSource.of(source), Path(output), formats, settings, *where, with_identity, wrapped, progress, overwrite)


def segment(
    images: Path | str | Sequence[Path | str],
    settings: SegmentSettings | None = None,
    reading: ReadingSettings | None = None,
    weights: Path | str = "default",
    progress: Progress | None = None,
) -> Segmentation:
    """Segment the short-axis LGE slices of files with a network; `case_of_segmentation` makes a wall and evidence of the result.

    images: volumes, DICOM files or folders. weights: "default", or a file of `cardioscar segment train`. Raises BadStack where no left
    ventricle is found, UnreadableFile for weights that cannot be verified, MissingPackage without PyTorch and MONAI.
    """
    reading = reading or ReadingSettings()
    paths = [Path(images)] if isinstance(images, Path | str) else [Path(one) for one in images]
    stack = read_stack(paths, reading.slice_axis, reading.slice_indices, reading.slice_thickness, series=reading.series)
    return SegmentTask(stack, settings or SegmentSettings(), str(weights)).run(progress or (lambda stage, step, steps, loss=None: None))


def measure_perfusion(
    scan: Path | str,
    rest: Path | str | None = None,
    scar_map: core_result.Result | Path | str | None = None,
    settings: PerfusionSettings | None = None,
    finding: SpectSettings | None = None,
    wall: str = "network",
    is_registered: bool = False,
    weights: Path | str = "spect-default",
    normal_limits: Path | str | None = None,
    progress: Progress | None = None,
) -> PerfusionReport:
    """Perfusion of SPECT scans: extent, scores, segments and volumes with intervals, and with a map of scar the classes of both.

    scan: a file of reconstructed slices; with `rest`, that at stress. scar_map: a result, or the file of a map, of the same heart.
    wall: "network", or "map" to measure along the wall of the map, brought to the scan. is_registered: it lies there already.
    weights: "spect-default", or a file of `cardioscar spect train`. normal_limits: a text of 17 lower limits, %.
    Raises BadStack for what is no volume of counts or shows no left ventricle, BadAlignment where the wall of the map does not come to
    lie on the scan, UnreadableFile, and MissingPackage without PyTorch and MONAI.
    """
    paths = [None if one is None else Path(one) for one in (rest, normal_limits)]
    source = None if scar_map is None else MapSource.of(scar_map)
    return perfusions.measure_perfusion(
        Path(scan), paths[0], source, settings, finding, wall, is_registered, str(weights), paths[1], progress
    )  # fmt: skip
