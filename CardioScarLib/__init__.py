"""From a sparse stack of LGE slices and an LV wall to a 3D map of scar probability and its uncertainty.

>>> import CardioScarLib as cs
>>> case = cs.read_case("wall.vtu", "lge.nrrd")
>>> result = cs.reconstruct(case)
>>> print(*result.quantities, sep="\\n")
>>> print(cs.audit(result).sentence)
>>> print(cs.quantify(result).channels)
>>> for proposal in cs.advise(result).proposals:
...     print(proposal.label)
>>> result.write("map.vtu")
>>> cs.write_report(result, "report")
>>> cs.export(result, "exported", ["opencarp", "nrrd"])
>>> cs.read_result("map.vtu").posterior.mean(points)

Modules are loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from CardioScarLib.core.version import __version__

if TYPE_CHECKING:
    from CardioScarLib.front_door import (
        Case,
        PerfusionReport,
        PerfusionSettings,
        QuantifySettings,
        Quantity,
        ReadingSettings,
        ReconstructionSettings,
        Result,
        Segmentation,
        SegmentSettings,
        SpectSettings,
        advise,
        align,
        audit,
        case_of_segmentation,
        export,
        measure_perfusion,
        quantify,
        read_case,
        read_result,
        reconstruct,
        segment,
        write_report,
    )

__all__ = [
    "__version__",
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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("CardioScarLib.front_door"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
