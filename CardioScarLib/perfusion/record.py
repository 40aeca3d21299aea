"""Measured perfusion as it is kept: in a JSON file, or with a model; for reports and pictures of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.errors import OtherCase
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.json_files import check_json, parse_json, record_of, refused_as
from CardioScarLib.perfusion.beside_scar import map_mark
from CardioScarLib.perfusion.scores import SEGMENTS, segment_name
from CardioScarLib.perfusion.viability import CLASSES

NUMBER, WORD = {"type": "number"}, {"type": "string"}
MAYBE = {"type": ["number", "null"]}
QUANTITIES = {
    "type": "object",
    "additionalProperties": record_of({"label": WORD, "value": NUMBER, "unit": WORD, "method": WORD, "low": MAYBE, "high": MAYBE}),
}
PERCENTS = {"type": "array", "minItems": SEGMENTS, "maxItems": SEGMENTS, "items": MAYBE}
RECORD = record_of(
    {
        "studies": {"type": "object", "minProperties": 1, "additionalProperties": record_of({"quantities": QUANTITIES})},
        "difference": QUANTITIES,
        "scar_and_perfusion": QUANTITIES,
        "notes": {"type": "array", "items": WORD},
    },
    {
        "segments": record_of({"scar_percent": PERCENTS, "class_percent": record_of(dict.fromkeys(CLASSES, PERCENTS))}),
        "map_sha256": WORD,
    },
)
"""Schema of what `perfusion.report.PerfusionReport.as_dict` gives."""
TOLD = ("studies", "difference", "scar_and_perfusion", "segments", "notes")
"""What a report takes from it: other entries may hold names of files."""
SENTENCE = "{name} holds no measured perfusion; write it with cardioscar spect measure --output."


@dataclass(frozen=True, eq=False)
class PerfusionRecord:
    """studies: numbers of "stress", "rest" or "scan". both: of the pair. scar: shares of the wall by class. map: `map_mark` of the map.

    scar_percent: (17,) scar of the segments of the scan. classes: (4, 17) probability of each class, %; both None without a map.
    values: all of it, plain.
    """

    studies: Mapping[str, tuple[Quantity, ...]]
    both: tuple[Quantity, ...]
    scar: tuple[Quantity, ...]
    notes: tuple[str, ...]
    scar_percent: np.ndarray | None
    classes: np.ndarray | None
    map: str
    values: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, values: Mapping[str, Any], name: str = "The record") -> PerfusionRecord:
        """values: as of `PerfusionReport.as_dict`. name: for the sentence. Raises UnreadableFile."""
        sentence = SENTENCE.format(name=name)
        check_json(values, RECORD, sentence)
        with refused_as(sentence):
            segments = values.get("segments")
            return cls(
                {study: _quantities(one["quantities"]) for study, one in values["studies"].items()},
                _quantities(values["difference"]),
                _quantities(values["scar_and_perfusion"]),
                tuple(values["notes"]),
                None if segments is None else np.array(segments["scar_percent"], dtype=float),
                None if segments is None else np.array([segments["class_percent"][one] for one in CLASSES], dtype=float),
                values.get("map_sha256", ""),
                values,
            )

    def told(self) -> dict[str, Any]:
        """Plain values without names of files."""
        return {name: self.values[name] for name in TOLD if name in self.values}

    def check_map(self, probability: np.ndarray) -> None:
        """Raise OtherCase unless it was measured beside the map with this scar probability at the nodes."""
        if not self.map:
            raise OtherCase("Perfusion was measured without a map of scar; measure it again with --scar-map and this map.")
        if self.map != map_mark(probability):
            raise OtherCase("Perfusion was measured beside another map of scar than this one; measure it again with this one.")

    def segments(self, study: str) -> tuple[Quantity | None, ...]:
        """Perfusion of the 17 segments; None for those that the scan does not have."""
        found = {one.name: one for one in self.studies[study]}
        return tuple(found.get(segment_name(number)) for number in range(1, SEGMENTS + 1))


def read_perfusion(path: Path) -> PerfusionRecord:
    """What `cardioscar spect measure --output` wrote. Raises UnreadableFile."""
    sentence = SENTENCE.format(name=path.name)
    with refused_as(sentence):
        text = check_readable(path).read_text(encoding="utf-8")
    return PerfusionRecord.of(parse_json(text, RECORD, sentence), path.name)


def _quantities(values: Mapping[str, Any]) -> tuple[Quantity, ...]:
    return tuple(Quantity.from_dict(name, one) for name, one in values.items())
