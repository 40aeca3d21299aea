"""A stack of slices as arrays for an .npz file and plain values for job.json, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from CardioScarLib.geometry.slices import Slice, SliceStack


def stack_arrays(stack: SliceStack) -> dict[str, np.ndarray]:
    planes = {f"plane_{number}": np.stack([one.origin, one.row_step, one.column_step]) for number, one in enumerate(stack)}
    pixels = {f"pixels_{number}": one.pixels for number, one in enumerate(stack)}
    return planes | pixels


def stack_values(stack: SliceStack) -> dict:
    return {"slices": [{"thickness": one.thickness, "label": one.label} for one in stack], "stack_notes": stack.notes}


def stack_from(arrays: Mapping[str, np.ndarray], values: Mapping) -> SliceStack:
    slices = tuple(
        Slice(arrays[f"pixels_{number}"], *arrays[f"plane_{number}"], one["thickness"], one["label"])
        for number, one in enumerate(values["slices"])
    )
    return SliceStack(slices, tuple(values["stack_notes"]))
