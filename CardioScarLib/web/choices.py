"""What a page offers, from the library's own descriptions."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def page_choices() -> dict[str, Any]:
    """Options of the selects by their keys, labels, and color tables."""
    # Here, because it takes seconds to load.
    from CardioScarLib.core.choices import choices_of
    from CardioScarLib.core.settings import EvidenceSettings, ModelSettings
    from CardioScarLib.wall.labels import LABEL_ORDERS
    from CardioScarLib.web.case_files import LABELS
    from CardioScarLib.web.steps_map import color_tables

    def options(settings: type, name: str) -> dict[str, list[str]]:
        found = next(one for one in choices_of(settings) if one.path == (name,)).description.options
        return {key: list(words) for key, words in dict(found).items()}  # type: ignore[arg-type]

    return {
        "evidence": options(EvidenceSettings, "method"),
        "preset": options(ModelSettings, "preset"),
        "labels": LABELS,
        "orders": list(LABEL_ORDERS),
        "colors": color_tables(),
    }
