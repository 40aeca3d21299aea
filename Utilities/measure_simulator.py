"""How real simulated hearts look: a network that was trained on patients segments them, and their images' numbers stand beside real ones.

The network is the EMIDEC one of `myopari` (MIT; pip download --no-deps myopari, unzip it), run by onnxruntime; neither is a dependency.

    python Utilities/measure_simulator.py --network tiramisu_emidec_fp32.onnx --real LGE.nii.gz LABELS.nii.gz --hearts 40
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SIDE = 256
"""Pixels of the network's input."""
SMALL = 500
"""Voxels of its input's grid; smaller pieces are not heart."""
CLASSES = {"cavity": (1,), "myocardium": (2, 3, 4), "infarct": (3, 4), "no-reflow": (4,)}


class Peer:
    """The network with its own preparation of images: percentiles to 0 and 1, the largest square, 256 pixels."""

    def __init__(self, path: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(slices, rows, columns) intensities -> labels in EMIDEC's order."""
        low, high = np.percentile(image[image > 0], [0.05, 99.05])
        scaled = (np.clip(image, low, high) - low) / (high - low)
        place = tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(scaled))
        rows, columns = scaled[place].shape[1:]
        side = min(rows, columns)
        window = (
            place[0],
            *(
                slice(part.start + (size - side) // 2, part.start + (size - side) // 2 + side)
                for part, size in zip(place[1:], (rows, columns), strict=True)
            ),
        )
        given = np.stack([_resized(one, SIDE) for one in scaled[window]])
        name = self.session.get_inputs()[0].name
        scores = np.concatenate([self.session.run(None, {name: one[None, None].astype(np.float32)})[0] for one in given])
        found = scores.argmax(axis=1)
        pieces, _ = ndimage.label(found > 0)
        found[(np.bincount(pieces.ravel()) < SMALL)[pieces]] = 0
        labels = np.zeros(image.shape, dtype=np.uint8)
        back = np.clip(np.round((np.arange(side) + 0.5) * SIDE / side - 0.5).astype(int), 0, SIDE - 1)
        labels[window] = found[:, back][:, :, back]
        return labels


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    if len(image) > side:
        image = ndimage.gaussian_filter(image, max(0, (len(image) / side - 1) / 2))
    at = (np.arange(side) + 0.5) * len(image) / side - 0.5
    return ndimage.map_coordinates(image, np.stack(np.meshgrid(at, at, indexing="ij")), order=1, mode="nearest")


def dice(found: np.ndarray, truth: np.ndarray, classes: tuple[int, ...]) -> float:
    a, b = np.isin(found, classes), np.isin(truth, classes)
    return float(2 * (a & b).sum() / (a.sum() + b.sum())) if (a | b).any() else np.nan
