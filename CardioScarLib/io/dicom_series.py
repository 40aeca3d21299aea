"""The series of a patient's folder: what each shows, and which one is LGE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from CardioScarLib.core.errors import BadSettings, BadStack
from CardioScarLib.io.dicom_headers import DicomFrame

LOCALIZER, SCREEN, SCOUT, CINE, MAP, PERFUSION, FLOW, LGE, OTHER = (
    "localizer", "screenshot", "inversion scout", "cine", "parameter map", "perfusion", "flow", "LGE", "unknown",
)  # fmt: skip
KINDS = (
    (SCOUT, r"ti.?scout|look.?lock|ti.?test|scout.?ti"),
    (LOCALIZER, r"loc(ali[sz]er)?\b|scout|survey|plan\b|\bref"),
    (MAP, r"t[12]\W{0,2}\*?\W{0,2}map|\becv|molli|shmolli|sasha|\bt[12]_?(star)?_?map"),
    (PERFUSION, r"perf|dynamic|first.?pass|\bdyn"),
    (FLOW, r"flow|\bpc\b|venc|phase.?contrast|velocity"),
    (LGE, r"lge|late|delay|enhanc|psir|ps.?mde|mde\b|\bde\b|\bde[-_ ]|viab|scar|\bir[-_ ]?(tfe|gre|flash|true?fi|ssfp|fgre)"),
    (CINE, r"cine|ssfp|trufi|fiesta|retro|b.?tfe|bffe"),
)
"""What the descriptions of series speak of; the first that fits."""
PHASE_SENSITIVE, MAGNITUDE, PHASE = "phase-sensitive", "magnitude", "phase"
PASSES_OF_CINE = 8
"""Images at one place from which on a series is a cine."""
SCREENS = ("1.2.840.10008.5.1.4.1.1.7",)
"""Storage classes of secondary captures."""
STACK = 4
"""Parallel places from which on a series is taken for a stack across the heart."""
PARTS_OF_TYPE = (
    (PHASE_SENSITIVE, {"PSIR", "PS", "PSMDE", "R", "REAL", "CR", "IR_REAL", "PHASE_SENSITIVE"}),
    (PHASE, {"P", "PHASE", "PHASE MAP"}),
)


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """name: for `--series`. kind, part: what it shows (see KINDS; magnitude, phase-sensitive or phase). place: of its planes.

    passes: the frames, one list per image of each place, sorted by inversion time, trigger time and so on; one for a still stack.
    """

    name: str
    description: str
    kind: str
    part: str
    place: str
    passes: tuple[tuple[DicomFrame, ...], ...]

    @property
    def places(self) -> int:
        return len(self.passes[0])

    @property
    def words(self) -> str:
        """Without the description, in which sites write what they like."""
        several = f" x {len(self.passes)} images of each place" if len(self.passes) > 1 else ""
        return f"{self.kind}, {self.part}, {self.place}, {self.places} slice{'s' if self.places != 1 else ''}{several}"


def series_of(frames: Iterable[DicomFrame]) -> tuple[DicomSeries, ...]:
    """Frames by series: those of one place each (a breath-hold per series) are joined, parts of complex images are told apart."""
    by_part: dict[tuple, list[DicomFrame]] = {}
    for frame in frames:
        by_part.setdefault((frame.source.series_uid, _part(frame), frame.size), []).append(frame)
    groups: dict[tuple, list[DicomFrame]] = {}
    for (series, part, size), members in by_part.items():
        alone = len({_place(one) for one in members}) == 1 and members[0].place is not None
        key = ("", members[0].description, part, size, _direction(members[0])) if alone else (series, part, size)
        groups.setdefault(key, []).extend(members)
    listed = sorted(groups.values(), key=lambda group: (min(_number_of(one) for one in group), _part(group[0]), group[0].description))
    numbers = [min(_number_of(one) for one in group) for group in listed]
    stable = len(set(numbers)) == len(numbers) and all(np.isfinite(numbers)) and min(numbers, default=0) > 0
    found = [_series(group, str(int(numbers[n])) if stable else str(n + 1)) for n, group in enumerate(listed)]
    sensitive = [_places(one) for one in found if (one.kind, one.part) == (LGE, PHASE_SENSITIVE)]
    return tuple(replace(one, kind=LGE) if one.kind == OTHER and _places(one) in sensitive else one for one in found)


def proposed(series: Sequence[DicomSeries]) -> DicomSeries | None:
    """LGE of the short axis, phase-sensitive rather than magnitude, the most slices, then the last that was acquired."""
    found = [one for one in series if one.kind == LGE and one.part != PHASE and len(one.passes) == 1]
    stacks = [one for one in found if one.place.startswith("short axis")] or [one for one in found if one.places >= STACK] or found
    if not stacks:
        return None
    return max(stacks, key=lambda one: (one.part == PHASE_SENSITIVE, one.places, series.index(one)))


def chosen_frames(series: Sequence[DicomSeries], wanted: str | None, folder: str) -> tuple[list[DicomFrame], str | None]:
    """The frames to read, and a note if some were left out. wanted: names as listed, such as "5", "5.2" or "5,7"; None chooses.

    Raises BadSettings for a name that is not there, and BadStack where nothing tells which series is meant.
    """
    if wanted is not None:
        return [frame for name in wanted.split(",") for frame in _named(series, name.strip(), folder)], None
    usable = [one for one in series if one.kind not in (LOCALIZER, SCREEN, SCOUT)] or list(series)
    alike = {(one.kind, one.part) for one in usable}
    if len(alike) == 1 and all(len(one.passes) == 1 for one in usable):
        frames = [frame for one in usable for frame in one.passes[0]]
        if len({_place(one) for one in frames}) == len(frames):
            left = len(series) - len(usable)
            said = [f"{left} series of the folder {folder} (localizers, screenshots) were left out."] if left else []
            if usable[0].kind == CINE:
                said.append(f"By its description, the folder {folder} holds a cine, on which scar does not show, and no LGE.")
            return frames, " ".join(said) or None
    one = proposed(usable)
    if one is None:
        listed = "; ".join(f"{each.name}: {each.words}" for each in series)
        hint = next((f"{each.name}.1" for each in series if len(each.passes) > 1), series[0].name)
        raise BadStack(
            f"The folder {folder} holds several images of one place, or series of several kinds, and none is clearly LGE ({listed}); "
            f"choose with --series (such as --series {hint}); cardioscar info lists them with their descriptions."
        )
    note = f"Of the {len(series)} series of the folder {folder}, number {one.name} was used ({one.words}); --series chooses another."
    return list(one.passes[0]), note


def _named(series: Sequence[DicomSeries], name: str, folder: str) -> tuple[DicomFrame, ...]:
    number, _, image = name.partition(".")
    one = next((each for each in series if each.name == number), None)
    if one is None:
        raise BadSettings(f"The folder {folder} has no series {name}; it has {', '.join(each.name for each in series)}.")
    last = len(one.passes)
    if not image and last == 1:
        return one.passes[0]
    if not image.isdigit() or not 1 <= int(image) <= last:
        raise BadSettings(f"Series {number} has {last} images of each place; choose one as {number}.1 to {number}.{last}.")
    return one.passes[int(image) - 1]


def _series(group: list[DicomFrame], name: str) -> DicomSeries:
    places: dict[tuple, list[DicomFrame]] = {}
    for frame in group:
        places.setdefault(_place(frame), []).append(frame)
    columns = [sorted(members, key=lambda one: one.order) for members in places.values()]
    most = max(len(column) for column in columns)
    passes = tuple(tuple(column[n] for column in columns if len(column) > n) for n in range(most))
    first = group[0]
    return DicomSeries(name, first.description, _kind(first, most, group), _part(first), _place_in_words(first, columns), passes)


def _kind(frame: DicomFrame, images: int, group: Sequence[DicomFrame]) -> str:
    if frame.source.sop_class_uid in SCREENS or frame.place is None:
        return SCREEN
    if "LOCALIZER" in frame.image_type:
        return LOCALIZER
    text = frame.text.lower()
    kind = next((kind for kind, words in KINDS if re.search(words, text)), None)
    if kind is None and _part(frame) == PHASE_SENSITIVE:
        kind = LGE
    if images > 1 and kind in (None, LGE) and len({one.inversion_time for one in group}) >= images:
        return SCOUT
    if images >= PASSES_OF_CINE and kind in (None, LGE):
        return CINE
    return kind or OTHER


def _part(frame: DicomFrame) -> str:
    text = frame.text.lower()
    if re.search(r"[_ -]mag|\bmag", text):
        return MAGNITUDE
    part = next((part for part, words in PARTS_OF_TYPE if words & set(frame.image_type)), None)
    if re.search(r"psir|ps.?mde|phase.?sens", text) and (part is not None or "M" not in frame.image_type):
        return PHASE_SENSITIVE
    return part or MAGNITUDE


def _places(series: DicomSeries) -> set[tuple]:
    """Where its slices lie: magnitude and phase-sensitive images of one acquisition share all places."""
    return {_place(frame) for frame in series.passes[0]}


def _place_in_words(frame: DicomFrame, columns: Sequence[Sequence[DicomFrame]]) -> str:
    text = frame.text.lower()
    if re.search(r"\blax|[_ -]lax|long.?ax|[234].?ch|\bhla|\bvla|lvot", text):
        return "long axis"
    if re.search(r"sax|short.?ax|\bsa\b|[_ -]sa[_ -]|kurz", text):
        return "short axis"
    parallel = len({_direction(column[0]) for column in columns}) == 1
    return "parallel planes" if parallel and len(columns) > 1 else "one plane" if len(columns) == 1 else "several directions"


def _place(frame: DicomFrame) -> tuple:
    if frame.place is None:
        return (frame.path, frame.number)
    return (*np.round(np.concatenate([frame.place.position, frame.place.orientation * 100]), 1).tolist(), *frame.size)


def _direction(frame: DicomFrame) -> tuple:
    if frame.place is None:
        return ()
    return tuple((np.round(np.cross(*np.reshape(frame.place.orientation, (2, 3))), 1) + 0.0).tolist())


def _number_of(frame: DicomFrame) -> float:
    return np.inf if frame.series_number is None else frame.series_number
