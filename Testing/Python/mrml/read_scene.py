"""Opens an .mrb in a process of its own and prints what it finds as JSON: `python read_scene.py case.mrb`."""

from __future__ import annotations

import json
import sys
import tempfile

import conftest
import slicer
from CardioScarMRML import showScarProbability
from node_values import map_on

from CardioScar import CardioScarLogic


def main(path: str, folder: str) -> None:
    scene = conftest.new_scene(folder)
    scene.ReadFromMRB(path, True)
    model, volume = (scene.GetFirstNodeByName(name) for name in ("Phantom LV wall", "Phantom LGE"))
    display = model.GetDisplayNode()
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(model)
    colors = display.GetColorNode()
    first, last = [0.0] * 4, [0.0] * 4
    colors.GetColor(0, first)
    colors.GetColor(colors.GetNumberOfColors() - 1, last)
    parameters = CardioScarLogic().getParameterNode()
    seen = {
        "arrays": {name: map_on(model, name).tolist() for name in ("scar_probability", "scar_uncertainty", "scar_observed")},
        "points": slicer.util.arrayFromModelPoints(model).tolist(),
        "active": display.GetActiveScalarName(),
        "range": list(display.GetScalarRange()),
        "range_is_manual": display.GetScalarRangeFlag() == display.UseManualScalarRange,
        "scalars_visible": bool(display.GetScalarVisibility()),
        "color_node": colors.GetName(),
        "first_color": first[:3],
        "last_color": last[:3],
        "legend": [legend.GetTitleText(), legend.GetNumberOfLabels(), legend.GetLabelFormat(), bool(legend.GetVisibility())],
        "attributes": {name: model.GetAttribute(name) for name in model.GetAttributeNames()},
        "thickness": volume.GetAttribute("CardioScar.SliceThickness"),
        "parameters": {
            "model": parameters.model.model,
            "preset": parameters.model.preset,
            "lgeVolume": parameters.lgeVolume.GetName(),
            "lvModel": parameters.lvModel.GetName(),
        },
    }
    showScarProbability(model)
    tables = slicer.util.getNodesByClass("vtkMRMLColorTableNode", scene)
    seen["color_tables_after_another_run"] = [node.GetName() for node in tables].count("CardioScar Probability")
    print(json.dumps(seen))


with tempfile.TemporaryDirectory() as folder:
    main(sys.argv[1], folder)
