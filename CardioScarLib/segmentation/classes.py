"""The five classes, and the labels of other sources by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from CardioScarLib.core.errors import BadContours
from CardioScarLib.wall.labels import LABEL_ORDERS, WALL_NAMES, label_names

CLASSES = ("background", "cavity", "myocardium", "scar", "no-reflow")
"""By value, as EMIDEC numbers them; myocardium is that without scar."""
CAVITY, MYOCARDIUM, SCAR, NO_REFLOW = 1, 2, 3, 4
WALL = (MYOCARDIUM, SCAR, NO_REFLOW)
CLASS_OF_NAME = {"cavity": CAVITY, "myocardium": MYOCARDIUM, "edema": MYOCARDIUM, "scar": SCAR, "infarct": SCAR, "no-reflow": NO_REFLOW}
"""Class of each label name; of all others it is background. Edema without scar is myocardium without scar."""


def class_map(pixels: np.ndarray, labels: Mapping[str, Sequence[int]] | str, name: str = "The label map") -> np.ndarray:
    """uint8 classes of an array of label values of any shape.

    labels: values by name, or an order such as "emidec" or "cavity=1,myocardium=2". name: of the label map, for messages.
    Raises BadContours for values that have no name: they may be scar.
    """
    meaning = label_names(labels) if isinstance(labels, str) else labels
    values = np.rint(np.nan_to_num(pixels)).astype(np.int64)
    known = {0, *(int(value) for several in meaning.values() for value in several)}
    unknown = sorted({int(value) for value in np.unique(values)} - known)
    if unknown:
        fitting = [order for order, named in LABEL_ORDERS.items() if set(np.unique(values)) <= {0, *named.values()}]
        advice = f"it would fit the orders {', '.join(fitting)}" if fitting else "name it"
        raise BadContours(f"{name} has the value {unknown[0]}, which none of the labels has; {advice} (--labels).")
    found = np.zeros(values.shape, dtype=np.uint8)
    for word, several in meaning.items():
        if CLASS_OF_NAME.get(word):
            found[np.isin(values, list(several))] = CLASS_OF_NAME[word]
    return found


def has_scar_labels(labels: Mapping[str, Sequence[int]] | str) -> bool:
    """Whether a source tells scar from other myocardium; ACDC and MONAI do not."""
    meaning = label_names(labels) if isinstance(labels, str) else labels
    return any(CLASS_OF_NAME.get(word) in (SCAR, NO_REFLOW) for word in meaning if word in WALL_NAMES)
