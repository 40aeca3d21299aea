"""Sound small files of every kind that is read, made here or kept in Testing/Data, each with the reader that it is for."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unittest.mock import patch

import numpy as np
import SimpleITK as sitk
import vtk
from dicom_files import MR, ROWS_AND_COLUMNS, a_series, an_enhanced_image, an_image, item, save
from scipy.io import savemat
from vtk.util.numpy_support import numpy_to_vtk

import CardioScarLib as cs
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cohort import CohortCase, Study, run_study
from CardioScarLib.core.errors import MissingPackage
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, ReconstructionSettings
from CardioScarLib.phantom import phantom_case
from CardioScarLib.tasks.case_settings import CaseSettings, ReconstructStep

DATA = Path(__file__).resolve().parents[1] / "Data"
EVENTS = (
    {"event": "progress", "stage": "fit", "step": 3, "steps": 10, "loss": 0.5},
    {"event": "failed", "kind": "BadStack", "error": "The slices are upside down."},
    {"event": "done"},
)
RECORD = {
    "key": "accuracy/W/1",
    "code": "abc",
    "date": "2026-01-01",
    "cpu": "x",
    "cardioscar": "0",
    "seed": 1,
    "method": "field",
    "nodes": 5,
}
STUDY = """
cases: [{case: A, volume: a.nrrd, model: a.vtu, settings: {read: {slice_thickness: 8}}}]
steps: [align, reconstruct, audit, quantify, report]
settings: {reconstruct: {model: {preset: preview, samples: 8}, threshold: 0.5}, align: {source: image, wall_labels: [1, 2]}}
variants: {reconstruct.evidence.method: [spatial, fwhm], align.source: [none, image]}
limits: {seconds: 60, memory_mb: 1000}
retries: 2
done: {versions: any}
keep_names: true
"""
JOURNAL = [["map.vtu", ".cardioscar-x"], ["map.vtu.json", ".cardioscar-x"]]


@dataclass(frozen=True)
class Seed:
    """folder: with all files that belong together. name: of the one that is damaged. look: the reader, see `looks`."""

    folder: Path
    name: str
    look: str


def make_seeds(place: Path, kinds: tuple[str, ...] = ()) -> list[Seed]:
    """The seeds for these looks, or all, in a new folder."""
    makers = {
        _volumes: {"describe", "labels", "volume", "detached"}, _dicom: {"describe", "folder"}, _meshes: {"describe", "case"},
        _layers: {"describe", "volume"}, _networks: {"describe", "training"}, _workspaces: {"describe", "contour", "volume"},
        _spect: {"spect"}, _scarnet: {"scarnet"}, _results: {"describe", "result", "map", "words", "record", "plan", "status"},
        _texts: {"describe", "drawn", "contour", "records", "events", "journal", "list", "study"},
    }  # fmt: skip
    seeds = []
    numbers = count(1)
    with patch("dicom_files.generate_uid", lambda: f"1.2.826.0.1.{next(numbers)}"):  # the same in every run
        for make, looks in makers.items():
            if not kinds or looks & set(kinds):
                folder = place / make.__name__.strip("_")
                folder.mkdir(parents=True)
                seeds += make(folder)
    return [one for one in seeds if not kinds or one.look in kinds]


def _alone(folder: Path, source: Path, look: str) -> Seed:
    """A file in a folder of its own."""
    own = folder / f"{source.name}.{look}"
    own.mkdir()
    shutil.copy(source, own / source.name)
    return Seed(own, source.name, look)


def _volumes(folder: Path) -> list[Seed]:
    image = sitk.GetImageFromArray(np.random.default_rng(1).integers(0, 100, (4, 6, 5)).astype(np.int16))
    image.SetSpacing((1.5, 1.5, 8.0))
    image.SetOrigin((1, 2, 3))
    seeds = []
    for suffix in (".nii", ".nii.gz", ".nrrd", ".mha"):
        for packed in (False, True):
            path = folder / f"image{'-packed' if packed else ''}{suffix}"
            sitk.WriteImage(image, str(path), useCompression=packed)
            seeds += [_alone(folder, path, look) for look in ("describe", "labels")]
    for suffix, raw in ((".nhdr", "image.raw"), (".mhd", "image.raw")):
        own = folder / f"detached{suffix}"
        own.mkdir()
        sitk.WriteImage(image, str(own / f"image{suffix}"))
        seeds += [Seed(own, f"image{suffix}", "volume"), Seed(own, raw, "detached")]
    return seeds


def _dicom(folder: Path) -> list[Seed]:
    source = DATA / "cine_short_axis_dicom"
    names = sorted(path.name for path in source.glob("*.dcm"))
    seeds = [_alone(folder, source / names[0], "describe")]
    own = folder / "series"
    own.mkdir()
    for name in names:
        shutil.copy(source / name, own / name)
    seeds.append(Seed(own, names[1], "folder"))
    pixels = np.random.default_rng(4).integers(0, 500, (4, 12, 10))
    enhanced = an_enhanced_image(pixels, [(-7, -8, 8 * number) for number in range(4)], [(1, 0), (2, -5), (1, 0), (1, 0)])
    seeds.append(_alone(folder, save(enhanced, folder / "enhanced.dcm"), "describe"))
    own = folder / "patient"
    a_series(own, [0, 8, 16], 5, SeriesDescription="LGE PSIR SAX")
    a_series(own, [0, 8, 16], 6, images=2, SeriesDescription="cine SAX")
    return [*seeds, Seed(own, "05_01_00.dcm", "folder"), Seed(own, "06_00_01.dcm", "folder")]


def _meshes(folder: Path) -> list[Seed]:
    split = vtk.vtkDataSetTriangleFilter()
    image = vtk.vtkImageData()
    image.SetDimensions(3, 3, 2)
    image.SetSpacing(20, 20, 20)
    split.SetInputData(image)
    split.Update()
    grid = split.GetOutput()
    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(30)
    sphere.Update()
    surface = sphere.GetOutput()
    for dataset in (grid, surface):
        array = numpy_to_vtk(np.arange(dataset.GetNumberOfPoints(), dtype=np.float32), deep=True)
        array.SetName("x")
        dataset.GetPointData().AddArray(array)
        words = vtk.vtkStringArray()
        words.SetName("SPACE")
        words.InsertNextValue("RAS")
        dataset.GetFieldData().AddArray(words)
    writers = {
        "grid.vtk": (vtk.vtkDataSetWriter, grid), "surface.vtk": (vtk.vtkDataSetWriter, surface),
        "grid.vtu": (vtk.vtkXMLUnstructuredGridWriter, grid), "surface.vtp": (vtk.vtkXMLPolyDataWriter, surface),
        "surface.ply": (vtk.vtkPLYWriter, surface), "surface.stl": (vtk.vtkSTLWriter, surface),
        "surface.obj": (vtk.vtkOBJWriter, surface),
    }  # fmt: skip
    seeds = []
    for name, (kind, dataset) in writers.items():
        xml, plain = ("DataModeToAscii", "DataModeToBinary", "DataModeToAppended"), ("FileTypeToASCII", "FileTypeToBinary")
        for mode in xml if name.endswith(("u", "p")) else ("",) if name.endswith(".obj") else plain:
            writer = kind()
            if mode:
                getattr(writer, f"Set{mode}")()
            path = folder / f"{mode}-{name}"
            writer.SetFileName(str(path))
            writer.SetInputData(dataset)
            writer.Write()
            seeds.append(_alone(folder, path, "describe"))
    image = sitk.GetImageFromArray(np.random.default_rng(3).random((3, 8, 8)).astype(np.float32))
    image.SetSpacing((10, 10, 10))
    sitk.WriteImage(image, str(folder / "image.nrrd"))
    for name in [seed.name for seed in seeds]:
        seeds.append(_alone(folder, folder / name, "case"))
        shutil.copy(folder / "image.nrrd", seeds[-1].folder)
    own = folder / "opencarp"
    own.mkdir()
    (own / "mesh.pts").write_text("5\n0 0 0\n9000 0 0\n0 9000 0\n0 0 9000\n9000 9000 9000\n")
    (own / "mesh.elem").write_text("2\nTt 0 1 2 3 1\nTt 1 2 3 4 2\n")
    return [*seeds, Seed(own, "mesh.pts", "describe"), Seed(own, "mesh.elem", "describe")]


def _layers(folder: Path) -> list[Seed]:
    files = [DATA / "cardioscar_files" / "slice_04.vtk", DATA / "cardioscar_layers" / "slice_z003.vtk"]
    return [_alone(folder, path, look) for path in files for look in ("describe", "volume")]


def _networks(folder: Path) -> list[Seed]:
    source = DATA / "cardioscar_files"
    seeds = [_alone(folder, source / "prepare_image.npz", look) for look in ("describe", "training")]
    table = np.random.default_rng(2).random((20, 5)).round(1)
    table[:, -1] = np.arange(20) // 5
    np.save(folder / "table.npy", table)
    seeds.append(_alone(folder, folder / "table.npy", "training"))
    try:
        from CardioScarLib.io.checkpoints import read_checkpoint, write_checkpoint

        write_checkpoint(read_checkpoint(source / "gen2_cli_train.pth"), folder / "net.safetensors")
    except MissingPackage:  # without PyTorch there are no networks
        return seeds
    return [*seeds, _alone(folder, source / "gen2_cli_train.pth", "describe"), _alone(folder, folder / "net.safetensors", "describe")]


def _workspaces(folder: Path) -> list[Seed]:
    """Of Segment, in MATLAB's version 5, and of cvi42, beside the images that it was drawn on."""
    turn = np.linspace(0, 2 * np.pi, 12)
    ways = (("EndoX", 2, np.cos), ("EndoY", 2, np.sin), ("EpiX", 4, np.cos), ("EpiY", 4, np.sin))
    curves = {name: np.repeat((8.0 + radius * way(turn))[:, None, None], 3, axis=2) for name, radius, way in ways}
    mask = np.random.default_rng(5).random((16, 16, 3)) > 0.5
    segment = {
        "IM": np.random.default_rng(6).random((16, 16, 1, 3)), "ImageOrientation": np.array([1.0, 0, 0, 0, 1, 0]),
        "ImagePosition": np.zeros(3), "ResolutionX": 1.5, "ResolutionY": 1.5, "SliceThickness": 8.0, "SliceGap": 0.0,
        "SeriesDescription": "LGE", "ImageType": "", "Scar": {"MyocardMask": mask, "Result": mask, "NoReflow": ~mask}, **curves,
    }  # fmt: skip
    seeds = []
    for packed in (False, True):
        path = folder / f"segment-{packed}.mat"
        savemat(path, {"setstruct": segment}, do_compression=packed)
        seeds += [_alone(folder, path, look) for look in ("describe", "volume")]
    own = folder / "cvi42"
    states = []
    for number in range(3):
        place = {"ImagePositionPatient": [0.0, 0.0, 8.0 * number], "ImageOrientationPatient": list(ROWS_AND_COLUMNS)}
        image = an_image(np.full((40, 40), 100), MR, **place, PixelSpacing=[1.5, 1.5], SliceThickness=8.0, SeriesInstanceUID="1.2.3.5")
        save(image, own / "image.nrrd" / f"{number}.dcm")  # a folder under the name that the look reads
        drawn = "".join(_cvi42_contour(name, 20 + radius * np.column_stack([np.cos(turn), np.sin(turn)]))
                        for name, radius in (("saendocardialContour", 8), ("saepicardialContour", 12)))  # fmt: skip
        states.append(f'<H:i H:key="{image.SOPInstanceUID}"><H:i H:key="Contours">{drawn}</H:i></H:i>')
    text = f'<W xmlns:H="urn:h" xmlns:P="urn:p"><H:i H:key="ImageStates">{"".join(states)}</H:i></W>'
    (own / "study.cvi42wsx").write_text(text)
    return [*seeds, Seed(own, "study.cvi42wsx", "describe"), Seed(own, "study.cvi42wsx", "contour")]


def _cvi42_contour(name: str, points: np.ndarray) -> str:
    inner = "".join(f"<i><P:x>{4 * x:.0f}</P:x><P:y>{4 * y:.0f}</P:y></i>" for x, y in points)
    return f'<H:i H:key="{name}"><H:i H:key="Points">{inner}</H:i><H:i H:key="SubpixelResolution">4</H:i></H:i>'


def _spect(folder: Path) -> list[Seed]:
    counts = np.random.default_rng(7).integers(0, 900, (4, 6, 5))
    detector = item(ImageOrientationPatient=[1.0, 0, 0, 0, 1, 0], ImagePositionPatient=[-10.0, -20.0, 30.0])
    of_gates = {"NumberOfFrames": 4, "SliceVector": [1, 2, 1, 2], "TimeSlotVector": [1, 1, 2, 2]}
    nuclear = an_image(
        counts, "1.2.840.10008.5.1.4.1.1.20", Modality="NM", ImageType=["ORIGINAL", "PRIMARY", "RECON GATED TOMO", "EMISSION"],
        PixelSpacing=[4.0, 5.0], SpacingBetweenSlices=6.0, DetectorInformationSequence=detector, **of_gates,
    )  # fmt: skip
    volume = sitk.GetImageFromArray(counts.astype(np.float32))
    images = {"stress.nii": volume, "stress.nrrd": sitk.JoinSeries([volume, volume]), "gated.nii": sitk.JoinSeries([volume] * 3)}
    for name, image in images.items():
        sitk.WriteImage(image, str(folder / name))
    paths = [save(nuclear, folder / "nuclear.dcm"), *(folder / name for name in images)]
    return [_alone(folder, path, "spect") for path in paths]


def _scarnet(folder: Path) -> list[Seed]:
    try:
        import h5py
    except ImportError:
        return []
    for name, values in (("image", np.random.default_rng(8).random((12, 12))), ("mask", np.eye(12))):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["image_mag" if name == "image" else "mask"] = values
    seed = _alone(folder, folder / "image.h5", "scarnet")
    shutil.copy(folder / "mask.h5", seed.folder)
    return [seed, Seed(seed.folder, "mask.h5", "scarnet")]


def _results(folder: Path) -> list[Seed]:
    files = write_phantom(phantom_case("B", seed=0, nodes=500), folder)
    settings = ReconstructionSettings(evidence=EvidenceSettings("values"), model=ModelSettings("nearest"))
    own = folder / "map"
    own.mkdir()
    cs.reconstruct(cs.read_case(files.mesh, files.image), settings).write(own / "map.vtu")
    seeds = [Seed(own, f"map.vtu{end}", "result") for end in ("", ".field.npz", ".case.npz")]
    seeds += [Seed(own, f"map.vtu{end}", "describe") for end in (".field.npz", ".case.npz")]
    seeds += [Seed(own, f"map.vtu{end}", "map") for end in ("", ".field.npz")]
    # Damage inside of the packed words passes the checksum of the archive only if the archive is made of the damaged words.
    words = folder / "words"
    shutil.copytree(own, words)
    for end in (".field.npz", ".case.npz"):
        with np.load(own / f"map.vtu{end}") as found:
            (words / f"map.vtu{end}.words").write_bytes(bytes(found["words"]))
        seeds.append(Seed(words, f"map.vtu{end}.words", "words"))
    cohort = folder / "cohort"
    case = CohortCase("A", files.image, files.mesh, listed=True)
    step = CaseSettings(reconstruct=ReconstructStep(**vars(settings)))
    run_study(Study((case,), settings=step), cohort, say=lambda text: None)
    of_case = [Seed(cohort / "A", "case.json", "record"), Seed(cohort, "study.json", "plan"), Seed(cohort, "status.json", "status")]
    return [*seeds, *of_case]


def _texts(folder: Path) -> list[Seed]:
    image = sitk.GetImageFromArray(np.zeros((3, 40, 40), dtype=np.float32))
    sitk.WriteImage(image, str(folder / "image.nrrd"))
    points = [[10, 10], [30, 10], [30, 30], [10, 30]]
    inner = [[15, 15], [25, 15], [25, 25], [15, 25]]
    drawn = {"contours": [{"slice": number, "endo": inner, "epi": points} for number in range(3)]}
    texts = {
        ("drawn.json", "drawn"): json.dumps(drawn),
        ("slice_01_epi.txt", "contour"): "\n".join(f"{column} {row}" for column, row in points),
        ("records.jsonl", "records"): json.dumps(RECORD) + "\n" + json.dumps({**RECORD, "key": "b"}) + "\n",
        ("events.jsonl", "events"): "".join(json.dumps(event) + "\n" for event in EVENTS),
        ("journal.json", "journal"): json.dumps(JOURNAL),
        ("study.yaml", "study"): STUDY,
        ("list.csv", "list"): "case,volume,model,segmentation\nA,a/lge.nrrd,a/wall.vtu,\nB 2,b.nrrd,b.vtu,b_seg.nrrd\n",
    }
    seeds = []
    for (name, look), text in texts.items():
        own = folder / look
        own.mkdir()
        (own / name).write_text(text)
        shutil.copy(folder / "image.nrrd", own / "image.nrrd")
        seeds.append(Seed(own, name, look))
    own = folder / "packed"
    own.mkdir()
    (own / "image.nii.gz").write_bytes(gzip.compress(b"\0" * 1000))
    return [*seeds, Seed(own, "image.nii.gz", "describe")]
