"""All numbers of a map: amounts, AHA segments, transmurality, channels, each with its interval and how it was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from CardioScarLib.core.errors import BadSettings, BadWall
from CardioScarLib.core.provenance import Provenance, plain
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.quantification.borders import border_widths
from CardioScarLib.quantification.burden import scar_quantities
from CardioScarLib.quantification.channels import Channel, find_channels
from CardioScarLib.quantification.columns import wall_columns
from CardioScarLib.quantification.contours import CONTOURS_ENTER, contours_or_why
from CardioScarLib.quantification.draws import NO_SAMPLES, Drawn, Fields
from CardioScarLib.quantification.places import Septum, septum_at, septum_touching
from CardioScarLib.quantification.points import points_within
from CardioScarLib.quantification.sectors import Sector, sectors, transmurality_quantities
from CardioScarLib.quantification.segments import aha_segments
from CardioScarLib.quantification.thresholds import BORDERS, LEFT_OUT, threshold_quantities
from CardioScarLib.wall.coordinates import WallCoordinates, wall_coordinates

SCHEMA = "cardioscar-numbers 1"
NO_ROTATION = (
    "The rotation of the AHA segments is unknown, since neither insertions nor a label of the right ventricle were given; rings are "
    "given instead of segments."
)


@dataclass(frozen=True, eq=False)
class Numbers:
    """quantities: of the whole wall. sectors: AHA segments and rings. channels: the most probable first.

    arrays: per node: scar_lower and scar_upper (float32, ends of the interval of the scar fraction), aha_segment (uint8, 1 to 17),
    channel_probability (float32); those that could be made.
    missing: why numbers are not given, by what they would be. notes: what was assumed, as sentences.
    """

    quantities: tuple[Quantity, ...]
    sectors: tuple[Sector, ...] = ()
    channels: tuple[Channel, ...] = ()
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Provenance | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return plain(
            {
                "schema": SCHEMA,
                "quantities": {one.name: one.as_dict() for one in self.quantities},
                "sectors": {one.key: one.as_dict() for one in self.sectors},
                "channels": [one.as_dict() for one in self.channels],
                "missing": self.missing,
                "notes": list(self.notes),
                "provenance": self.provenance.as_dict() if self.provenance else None,
            }
        )


def quantify_map(
    source: ScarMap,
    settings: QuantifySettings,
    insertions: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    coordinates: WallCoordinates | None = None,
    step: Callable[[int, int], None] = lambda done, steps: None,
) -> Numbers:
    """All numbers of a map that can be given.

    insertions: (1 or 2, 3) LPS mm of the right ventricle, the anterior one first. right_ventricle: (k, 3) points all over it, LPS mm,
    as of its label, used where no insertions are given. coordinates: of the wall; None computes them. step: called with
    (done, steps). Raises BadSettings for a right ventricle that cannot be used.
    """
    level, (border_zone, core) = settings.interval / 100, settings.thresholds
    wall, insertions = source.wall, _check_insertions(insertions)
    step(0, 4)
    if source.posterior is not None and source.sampled:
        fields = Fields.at(source.posterior, wall.nodes, settings.samples, level)
    else:
        fields = Fields(source.probability[None].astype(np.float32), False, level)
    drawn, unknown = _drawn(source, fields, settings.contour_sd)
    found = Numbers(scar_quantities(wall, source.probability, source.observed, drawn=drawn, level=level), missing=unknown)
    if fields.sampled:
        ends = np.quantile(fields.values, [0.5 - level / 2, 0.5 + level / 2], axis=0).astype(np.float32)
        found.arrays.update(scar_lower=ends[0], scar_upper=ends[1])
    else:
        found.missing["intervals"] = NO_SAMPLES
    step(1, 4)
    if wall.kind != "volume":
        reason = "The LV model has no volume cells; make a tetrahedral wall from it first."
        found.missing.update(dict.fromkeys(("volume", "mass", "core", "border_zone", "segments", "transmurality", "channels"), reason))
        return found
    where, measure = fields, wall.node_measure
    if source.posterior is not None:  # a map alone is known at its nodes only
        points_inside, each = points_within(wall)
        where = Fields.at(source.posterior, points_inside, settings.samples, level)
        measure = np.full(len(points_inside), each)
    whole = float(wall.volumes.sum())
    widths = border_widths(source.posterior, len(where.values))
    counted = threshold_quantities(whole, where, measure, border_zone, core, widths, source.shifts)
    notes = (*_notes(source, fields), *((CONTOURS_ENTER,) if drawn is not None and drawn.contours is not None else ()))
    found = replace(found, quantities=(*found.quantities, *counted), notes=notes)
    try:
        coordinates = coordinates or wall_coordinates(wall)
    except BadWall as problem:
        found.missing.update(dict.fromkeys(("segments", "transmurality", "channels"), str(problem)))
        return found
    step(2, 4)
    septum = None
    if insertions is not None:
        septum = septum_at(wall, coordinates.circumferential, insertions)
    elif right_ventricle is not None:
        septum = septum_touching(wall, coordinates, right_ventricle)
    return _in_the_wall(found, source, fields, settings, septum, coordinates, step)


def _notes(source: ScarMap, fields: Fields) -> tuple[str, ...]:
    if not fields.sampled:
        return ()
    return (BORDERS,) if source.shifts is None else (BORDERS, LEFT_OUT)


def _drawn(source: ScarMap, fields: Fields, contour_sd: float) -> tuple[Drawn | None, dict[str, str]]:
    """What intervals of amounts are made of; and why contours are not part of them, where that was asked for."""
    if not fields.sampled:
        return None, {"contours": NO_SAMPLES} if contour_sd else {}
    contours, why = contours_or_why(source.wall, source.probability, contour_sd, len(fields.values))
    measure = source.wall.node_measure
    told = float(source.probability.astype(np.float64) @ measure)
    return Drawn(told, float(measure.sum()), fields.values @ measure, source.shifts, contours), {"contours": why} if why else {}


def _in_the_wall(
    found: Numbers,
    source: ScarMap,
    fields: Fields,
    settings: QuantifySettings,
    septum: Septum | None,
    coordinates: WallCoordinates,
    step: Callable[[int, int], None],
) -> Numbers:
    """The numbers that need to know where in the wall a node is."""
    wall, probability = source.wall, source.probability
    if septum is None:
        found.missing["segments"] = NO_ROTATION
    segments, columns = aha_segments(wall, coordinates, septum), wall_columns(wall, coordinates)
    if segments.labels is not None:
        found.arrays["aha_segment"] = segments.labels
    parts = sectors(wall, probability, fields, columns, segments)
    quantities = (*found.quantities, *transmurality_quantities(fields, columns))
    step(3, 4)
    seen_in = probability if source.posterior is None else source.posterior
    channels = find_channels(wall, coordinates, seen_in, settings.thresholds[1], settings.samples, fields.level, segments.labels)
    found.arrays.update(channels.arrays)
    step(4, 4)
    return replace(found, quantities=(*quantities, *channels.quantities), sectors=parts, channels=channels.found)


def _check_insertions(insertions: np.ndarray | None) -> np.ndarray | None:
    if insertions is None:
        return None
    points = np.asarray(insertions, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) not in (1, 2) or not np.all(np.isfinite(points)):
        raise BadSettings("Give the anterior insertion of the right ventricle, or both insertions with the anterior one first, LPS mm.")
    return points
