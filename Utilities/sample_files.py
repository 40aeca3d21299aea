"""Make the files of the examples that the Slicer module brings along; run it when a wall or the phantom is made in another way.

    python Utilities/sample_files.py

Needs slicer-core. Prints the checksums that CardioScar/CardioScarMRML/samples.py has to know.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "CardioScar"), str(ROOT / "Testing" / "Python" / "stubs")]

import numpy as np  # noqa: E402
import slicer  # noqa: E402
import vtk  # noqa: E402
from CardioScarMRML.phantoms import addModelNode, addPhantomNodes, gridFromWall  # noqa: E402
from CardioScarMRML.samples import PSIR, PSIR_THICKNESS, SAMPLES, TRUTH_ARRAY  # noqa: E402
from vtk.util.numpy_support import numpy_to_vtk  # noqa: E402

from CardioScarLib.io.contours import read_drawn_contours  # noqa: E402
from CardioScarLib.io.images import read_stack  # noqa: E402
from CardioScarLib.phantom import phantom_case  # noqa: E402
from CardioScarLib.wall import build_wall, shape_from_contours  # noqa: E402


def save(node, path: Path, storage) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.SetFileName(str(path))
    storage.SetUseCompression(True)
    if not storage.WriteData(node):
        raise SystemExit(f"{path} could not be written")
    if path.suffix == ".vtu":  # less than half as large, with the coordinate system that Slicer has written into it
        reader, writer = vtk.vtkXMLUnstructuredGridReader(), vtk.vtkXMLUnstructuredGridWriter()
        reader.SetFileName(str(path))
        reader.Update()
        writer.SetInputData(reader.GetOutput())
        writer.SetFileName(str(path))
        writer.SetCompressorTypeToLZMA()
        writer.EncodeAppendedDataOff()
        writer.Write()


def main() -> None:
    slicer.mrmlScene = slicer.vtkMRMLScene()
    phantom = phantom_case("I3", seed=0, nodes=6000, pixel=2.0)  # larger pixels are fitted sooner
    volumeNode, modelNode = addPhantomNodes(slicer.mrmlScene, phantom)
    truth = numpy_to_vtk(phantom.truth.astype(np.float32), deep=True)
    truth.SetName(TRUTH_ARRAY)
    modelNode.GetMesh().GetPointData().AddArray(truth)
    save(volumeNode, SAMPLES["phantom"].volume, slicer.vtkMRMLNRRDStorageNode())
    save(modelNode, SAMPLES["phantom"].model, slicer.vtkMRMLModelStorageNode())
    stack = read_stack([SAMPLES["psir"].volume], thickness=PSIR_THICKNESS)
    built = build_wall(shape_from_contours(read_drawn_contours(PSIR / "lv_contours.json", stack)))
    save(addModelNode(slicer.mrmlScene, gridFromWall(built.wall), "Pig LV wall"), SAMPLES["psir"].model, slicer.vtkMRMLModelStorageNode())
    for sample in SAMPLES.values():
        for path in (sample.volume, sample.model):
            print(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


if __name__ == "__main__":
    main()
