"""The bull's-eye of the 17 AHA segments as a picture; Slicer ships no plotting library that draws into a panel."""

from __future__ import annotations

from math import cos, radians, sin

import qt
from CardioScarMRML.scar_numbers import quantitiesIn
from slicer.i18n import tr as _

RING = 34
"""Pixels from ring to ring."""
MARGIN = 18
SHOWN = "scar_burden_percent"
DARK = 55.0
"""% up to which writing is white."""


def bullsEyePixmap(sectors: dict):
    """A QPixmap with the scar burden of each segment in percent, in the colors of the map; anterior is up.

    :param sectors: of the numbers of a map. A segment without a point of the model stays white. None without AHA segments.
    """
    from CardioScarLib.report.bulls_eye import RINGS  # with what reads files, which a panel without numbers can do without

    burdens = {int(key[4:]): _burden(sector) for key, sector in sectors.items() if key.startswith("aha_")}
    if not burdens:
        return None
    size = 2 * (4 * RING + MARGIN)
    pixmap = qt.QPixmap(size, size)
    pixmap.fill(qt.QColor(255, 255, 255))
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    middle = size // 2
    places = [
        (first + step, radius, start + step * 360 / count, 360 / count) for first, count, radius, start in RINGS for step in range(count)
    ]
    for number, radius, start, width in [*places, (17, 0, 0, 360)]:  # from outside, so that each ring covers the middle of the last
        out = RING * (radius + 1)
        _ink(painter, qt.QColor(128, 128, 128))
        painter.setBrush(qt.QBrush(_color(burdens.get(number))))
        if width == 360:
            painter.drawEllipse(middle - out, middle - out, 2 * out, 2 * out)
        else:
            painter.drawPie(middle - out, middle - out, 2 * out, 2 * out, round(16 * start), round(16 * width))
    for number, radius, start, width in [*places, (17, 0, 0, 360)]:
        burden, away = burdens.get(number), RING * (radius + 0.5) if radius else 0.0
        x, y = middle + away * cos(radians(start + width / 2)), middle - away * sin(radians(start + width / 2))
        _ink(painter, qt.QColor(255, 255, 255) if burden is not None and burden < DARK else qt.QColor(0, 0, 0))
        _write(painter, x, y - 6, str(number))
        _write(painter, x, y + 7, "-" if burden is None else f"{burden:.0f} %")
    _ink(painter, qt.QColor(0, 0, 0))
    for text, x, y in ((_("anterior"), middle, 8), (_("inferior"), middle, size - 9)):
        _write(painter, x, y, text)
    painter.end()
    return pixmap


def _burden(sector: dict) -> float:
    return next(one.value for one in quantitiesIn(sector) if one.name == SHOWN)


def _color(burden: float | None):
    from CardioScarLib.report.colors import PROBABILITY, color_table

    if burden is None:
        return qt.QColor(255, 255, 255)
    return qt.QColor(*(round(255 * part) for part in color_table(PROBABILITY)[round(2.55 * min(max(burden, 0.0), 100.0))]))


def _ink(painter, color) -> None:
    pen = qt.QPen()
    pen.setColor(color)
    painter.setPen(pen)


def _write(painter, x: float, y: float, text: str) -> None:
    """Around a point."""
    painter.drawText(round(x) - 40, round(y) - 8, 80, 16, qt.Qt.AlignCenter, text)
