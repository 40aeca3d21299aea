"""One case in one variant: what is to be made, what was made of what, and where it lies.

RESULTS/study.json                    what was asked for; a folder of results has one
RESULTS/CASE/CASE.vtu ...             the results of a case, with several variants RESULTS/CASE/VARIANT/CASE.vtu
RESULTS/CASE/case.json                what they were made of, and their numbers; written last
RESULTS/failed/CASE/failure.json      why there are none, with log.txt
RESULTS/.cohort/                      work that is not finished
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from CardioScarLib.cohort.cases import SURFACES
from CardioScarLib.core.errors import UnreadableFile, UnwritableOutput
from CardioScarLib.core.provenance import plain
from CardioScarLib.core.pseudonyms import pseudonym
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.version import __version__
from CardioScarLib.io.json_files import parse_json, record_of, refused_as
from CardioScarLib.io.records import same_inputs
from CardioScarLib.runner import Limits
from CardioScarLib.tasks.case import CaseTask
from CardioScarLib.tasks.case_settings import SHAPING, SHIPPED_WEIGHTS, CaseSettings

SCHEMA = "cardioscar-cohort-case 1"
RECORD, LOG, FAILURE = "case.json", "log.txt", "failure.json"
STUDY, FAILED, WORK = "study.json", "failed", ".cohort"
OBJECT, WORD, NUMBER = {"type": "object"}, {"type": "string"}, {"type": ["number", "null"]}
ENDS = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
QUANTITY = {
    **record_of(
        {"label": WORD, "value": {"type": "number"}, "unit": WORD, "method": WORD},
        {**dict.fromkeys(("low", "high", "level", "threshold"), NUMBER), "parts": {"type": "object", "additionalProperties": ENDS}},
    ),
    "additionalProperties": False,
}
INPUT = record_of({"bytes": {"type": "integer"}, "sha256": WORD})
RECORD_SCHEMA = record_of(
    {
        "schema": {"const": SCHEMA},
        "cardioscar": WORD,
        "inputs": {"type": "array", "items": INPUT},
        "settings": OBJECT,
        "steps": {"type": "array", "items": WORD},
        "files": {"type": "object", "additionalProperties": {"type": "integer"}},
        "quantities": {"type": "object", "required": ["scar_burden_percent"], "additionalProperties": QUANTITY},
        "sectors": OBJECT,
        "audit": {"anyOf": [{"type": "null"}, record_of({"light": WORD})]},
        "seconds": {"type": "number"},
    }
)
"""Schema of what is looked at in the record of a case."""


class Refused(UnwritableOutput):
    """There are results that may not be replaced."""


@dataclass(frozen=True, eq=False)
class Unit:
    """name: of the case in the results. variant: "" without variants. images, mesh, mask: absolute paths.

    aliases: what files and folders are called in words for people instead of by their names. expected: seconds that the work may take,
    as far as that is known; 0 otherwise. Others: see `Study`.
    """

    name: str
    variant: str
    images: tuple[Path, ...]
    mesh: Path | None
    mask: tuple[Path, ...]
    steps: tuple[str, ...]
    settings: CaseSettings = field(default_factory=CaseSettings)
    insertions: tuple[tuple[float, ...], ...] = ()
    limits: Limits = field(default_factory=Limits)
    retries: int = 1
    any_version: bool = False
    overwrite: bool = False
    keep_names: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    expected: float = 0.0

    @property
    def place(self) -> Path:
        """The folder of the results, within that of all."""
        return Path(self.name, self.variant)

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.mesh, *self.images, *self.mask, self.weights) if path is not None)

    @property
    def weights(self) -> Path | None:
        """The file of the network that segments the case; None for the one that comes with the library, and without one."""
        named = self.settings.segment.weights
        return Path(named) if "segment" in self.steps and named != SHIPPED_WEIGHTS else None

    @property
    def output(self) -> str:
        """Name of the map."""
        return self.name + (".vtp" if self.mesh is not None and self.mesh.suffix.lower() in SURFACES else ".vtu")

    def task(self, folder: Path) -> CaseTask:
        return CaseTask(
            self.images, folder / self.output, self.mesh, self.mask, self.steps, self.settings, self.insertions, self.keep_names
        )

    def shaping(self) -> dict[str, Any]:
        """The choices that the results depend on, and nothing else."""
        chosen = asdict(self.settings)
        map_of = {name: value for name, value in chosen["reconstruct"].items() if name not in ("volume", "interval")}
        map_of["model"] = {name: value for name, value in map_of["model"].items() if name != "jobs"}
        network = {**chosen["segment"], "weights": SHIPPED_WEIGHTS if self.weights is None else "file"}  # whose content is an input
        return plain(
            {
                **({"segment": network} if "segment" in self.steps else {}),
                "read": chosen["read"],
                "labels": chosen["wall"]["labels"],
                "wall_labels": chosen["align"]["wall_labels"],
                "wall": chosen["wall"] if "wall" in self.steps else None,
                "align": chosen["align"] if "align" in self.steps else None,
                "reconstruct": map_of,
                "quantify": {**chosen["quantify"], "insertions": self.insertions} if "quantify" in self.steps else None,
            }
        )

    def record(self, inputs: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], files: Mapping[str, int]) -> dict[str, Any]:
        """What is kept with the results. inputs: see `input_files`. files: bytes by name, of all results."""
        named = [dict(one) if self.keep_names else {**one, "name": pseudonym(one)} for one in inputs]
        return {
            "schema": SCHEMA,
            "cardioscar": __version__,
            "case": self.name,
            "variant": self.variant,
            "steps": list(self.steps),
            "settings": self.shaping(),
            "volume": self.settings.reconstruct.volume,
            "interval": self.settings.reconstruct.interval,
            "inputs": named,
            "files": dict(files),
            **answer,
        }


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of the results in a folder; None where there is nothing. Raises Refused for what is no result of a cohort."""
    path = folder / RECORD
    sentence = f"{RECORD} in the results is no record of this CardioScar; choose another output folder, or add --overwrite."
    try:
        if not path.is_file():
            if folder.is_dir() and any(one.is_file() for one in folder.iterdir()):
                raise Refused("The folder of its results holds other files; choose another output folder, or add --overwrite.")
            return None
        record = parse_json(path.read_bytes(), RECORD_SCHEMA, sentence)
        with refused_as(sentence):
            if record["schema"] != SCHEMA:
                raise UnreadableFile(sentence)
            quantities_of(record), light_of(record), [one["sha256"] for one in record["inputs"]]
            record["settings"]["reconstruct"], set(record["steps"]), dict(record["files"]), float(record["seconds"])
        return record
    except UnreadableFile as problem:
        raise Refused(sentence) from problem


def lacking(record: Mapping[str, Any], folder: Path, unit: Unit, inputs: Sequence[Mapping[str, Any]]) -> set[str]:
    """What the results of a record lack of what is asked for: steps, "volume", "interval", "files"; nothing: they are kept.

    Raises Refused for results of other files, choices or versions.
    """
    reason = ""
    if not same_inputs(record["inputs"], inputs):
        reason = "files"
    elif record["cardioscar"] != __version__ and not unit.any_version:
        reason = f"version {record['cardioscar']} of CardioScar"
    elif others := _differing(record["settings"], unit.shaping(), bool({"quantify"} & set(record["steps"]) & set(unit.steps))):
        reason = f"settings ({', '.join(others[:3])})"
    if reason:
        raise Refused(f"The folder holds results of other {reason}; choose another output folder, or add --overwrite.")
    asked = unit.settings.reconstruct
    missing = set(unit.steps) - set(record["steps"]) - (set(SHAPING) - {"reconstruct"})
    missing |= {"volume"} if asked.volume and not record.get("volume") else set()
    missing |= {"interval"} if asked.interval is not None and asked.interval != record.get("interval") else set()
    if any(not (folder / name).is_file() or (folder / name).stat().st_size != size for name, size in record["files"].items()):
        missing.add("files")
    return missing


def quantities_of(record: Mapping[str, Any]) -> dict[str, Quantity]:
    return {name: Quantity.from_dict(name, values) for name, values in record["quantities"].items()}


def light_of(record: Mapping[str, Any]) -> str:
    return record["audit"]["light"] if record["audit"] else ""


def _differing(earlier: Mapping[str, Any], asked: Mapping[str, Any], numbers: bool) -> list[str]:
    """Names of choices that differ. numbers: whether both have numbers, whose choices count only then."""
    one, other = ({name: value for name, value in values.items() if numbers or name != "quantify"} for values in (earlier, asked))
    flat_one, flat_other = _flat(json.loads(json.dumps(one))), _flat(json.loads(json.dumps(other)))
    names = sorted({*flat_one, *flat_other})
    return [name for name in names if flat_one.get(name, _NONE) != flat_other.get(name, _NONE)]


_NONE = object()


def _flat(values: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(values, dict) or not values:
        return {path: values}
    return {name: one for key, value in values.items() for name, one in _flat(value, f"{path}.{key}".lstrip(".")).items()}
