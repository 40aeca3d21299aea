"""The histogram of the pixels in the wall as a picture; Slicer ships no plotting library that draws into a panel."""

from __future__ import annotations

import qt
from CardioScarMRML.evidence_preview import COLORS

from CardioScarLib.core.quantity import level_in_words
from CardioScarLib.evidence.preview import NO_REFLOW, OTHER, PARTLY, REMOTE, SCAR, EvidencePreview

STACKED = (REMOTE, OTHER, NO_REFLOW, PARTLY, SCAR)
"""Kinds of pixels from the bottom of a bar to its top."""
MARGIN, AXIS = 6, 18


def histogramPixmap(preview: EvidencePreview, width: int, height: int):
    """A QPixmap with one stacked bar per bin, and a dashed line at the threshold.

    Heights go with the square root of the counts, so that a small scar shows beside much remote myocardium.
    """
    pixmap = qt.QPixmap(width, height)
    pixmap.fill(qt.QColor(255, 255, 255))
    painter = qt.QPainter()
    painter.begin(pixmap)
    bottom, tallest = height - AXIS, max(1.0, float(preview.counts.sum(axis=1).max()) ** 0.5)
    scale = (bottom - MARGIN) / tallest
    low, high = float(preview.edges[0]), float(preview.edges[-1])

    def place(intensity: float) -> int:
        return round(MARGIN + (width - 2 * MARGIN) * min(max((intensity - low) / (high - low), 0.0), 1.0))

    for left, right, counts in zip(preview.edges[:-1], preview.edges[1:], preview.counts, strict=True):
        base = 0
        for kind in STACKED:
            top = base + int(counts[kind])
            first, last = round(bottom - scale * top**0.5), round(bottom - scale * base**0.5)
            painter.fillRect(place(left), first, place(right) - place(left), last - first, _color(kind))
            base = top
    pen = qt.QPen()
    pen.setColor(qt.QColor(0, 0, 0))
    painter.setPen(pen)
    painter.drawLine(MARGIN, bottom, width - MARGIN, bottom)
    painter.drawText(MARGIN, height - 5, level_in_words(low, high - low))
    right = level_in_words(high, high - low)
    painter.drawText(width - MARGIN - 7 * len(right), height - 5, right)
    if preview.threshold is not None:
        pen.setStyle(qt.Qt.DashLine)
        pen.setWidth(2)
        painter.setPen(pen)
        at = place(preview.threshold)
        painter.drawLine(at, MARGIN, at, bottom)
        painter.drawText(at + 4 if at < 0.7 * width else at - 60, MARGIN + 10, level_in_words(preview.threshold, high - low))
    painter.end()
    return pixmap


def _color(kind: int):
    return qt.QColor(*(round(255 * part) for part in COLORS[kind][1]))
