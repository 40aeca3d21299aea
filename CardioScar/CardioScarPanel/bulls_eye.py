"""Bull's-eyes of the 17 AHA segments as pictures; Slicer ships no plotting library that draws into a panel."""

from __future__ import annotations

from math import cos, radians, sin

import qt
from CardioScarMRML.scar_numbers import quantitiesIn
from slicer.i18n import tr as _

RING = 34
"""Pixels from ring to ring."""
MARGIN = 18
SIZE, TITLE = 2 * (4 * RING + MARGIN), 20
"""Pixels of an eye, and of the line above it."""
SHOWN = "scar_burden_percent"
LIGHTNESS, DARK = (0.3, 0.59, 0.11), 0.5
"""Of red, green and blue; up to half of it writing is white."""


def bullsEyePixmap(sectors: dict):
    """A QPixmap with the scar burden of each segment in percent, in the colors of the map; anterior is up.

    :param sectors: of the numbers of a map. A segment without a point of the model stays white. None without AHA segments.
    """
    burdens = {int(key[4:]): _burden(sector) for key, sector in sectors.items() if key.startswith("aha_")}
    if not burdens:
        return None
    from CardioScarLib.report.colors import PROBABILITY, color_table

    table = color_table(PROBABILITY)
    known = [burdens.get(number) for number in range(1, 18)]
    texts = ["-" if one is None else f"{one:.0f} %" for one in known]
    colors = [(1.0, 1.0, 1.0) if one is None else table[round(2.55 * min(max(one, 0.0), 100.0))] for one in known]
    pixmap = _blank(1, 1)
    painter = _painterOf(pixmap)
    _drawEye(painter, 0, 0, colors, texts)
    painter.end()
    return pixmap


def eyesPixmap(record):
    """A QPixmap with the bull's-eyes of perfusion, scar and both beside each other, two in a row.

    :param record: a `CardioScarLib.perfusion.record.PerfusionRecord`.
    """
    from CardioScarLib.perfusion.bulls_eyes import eyes_of

    eyes = eyes_of(record)
    columns = min(2, len(eyes))
    pixmap = _blank(columns, -(-len(eyes) // columns), TITLE)
    painter = _painterOf(pixmap)
    for number, eye in enumerate(eyes):
        left, top = number % columns * SIZE, number // columns * (SIZE + TITLE)
        _ink(painter, qt.QColor(0, 0, 0))
        _write(painter, left + SIZE // 2, top + TITLE // 2, eye.title, SIZE)
        # A class is told by its color; its probability is left to write. Intervals have no room here, the table has them.
        lines = [text.split("\n") for text in eye.texts]
        texts = [one[-1].removesuffix(" %") if one[-1].endswith("%") else one[0] for one in lines]
        _drawEye(painter, left, top + TITLE, eye.colors, texts)
    painter.end()
    return pixmap


def _blank(columns: int, rows: int, title: int = 0):
    pixmap = qt.QPixmap(columns * SIZE, rows * (SIZE + title))
    pixmap.fill(qt.QColor(255, 255, 255))
    return pixmap


def _painterOf(pixmap):
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    return painter


def _drawEye(painter, left: int, top: int, colors, texts: list[str]) -> None:
    """colors: red, green and blue up to 1 of the 17 segments. texts: of them, below whose numbers the texts stand. left, top: pixels."""
    from CardioScarLib.report.bulls_eye import places_of_segments  # with what reads files, which a panel without numbers can do without

    x, y = left + SIZE // 2, top + SIZE // 2
    for number, radius, start, width in places_of_segments():  # from outside, so that each ring covers the middle of the last
        out = RING * (radius + 1)
        _ink(painter, qt.QColor(128, 128, 128))
        painter.setBrush(qt.QBrush(_color(colors[number - 1])))
        if width == 360:
            painter.drawEllipse(x - out, y - out, 2 * out, 2 * out)
        else:
            painter.drawPie(x - out, y - out, 2 * out, 2 * out, round(16 * start), round(16 * width))
    for number, radius, start, width in places_of_segments():
        away = RING * (radius + 0.5) if radius else 0.0
        right, up = away * cos(radians(start + width / 2)), away * sin(radians(start + width / 2))
        isDark = sum(part * share for part, share in zip(colors[number - 1], LIGHTNESS, strict=True)) < DARK
        _ink(painter, qt.QColor(255, 255, 255) if isDark else qt.QColor(0, 0, 0))
        _write(painter, x + right, y - up - 6, str(number))
        _write(painter, x + right, y - up + 7, texts[number - 1])
    _ink(painter, qt.QColor(0, 0, 0))
    for text, below in ((_("anterior"), 8), (_("inferior"), SIZE - 9)):
        _write(painter, x, top + below, text)


def _burden(sector: dict) -> float:
    return next(one.value for one in quantitiesIn(sector) if one.name == SHOWN)


def _color(color):
    return qt.QColor(*(round(255 * part) for part in color))


def _ink(painter, color) -> None:
    pen = qt.QPen()
    pen.setColor(color)
    painter.setPen(pen)


def _write(painter, x: float, y: float, text: str, room: int = 80) -> None:
    """Around a point. room: pixels."""
    painter.drawText(round(x) - room // 2, round(y) - 8, room, 16, qt.Qt.AlignCenter, text)
