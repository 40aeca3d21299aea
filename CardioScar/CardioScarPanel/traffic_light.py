"""A traffic light that does not depend on color alone: each light has a shape and a sign of its own."""

from __future__ import annotations

import qt

SIZE = 32
COLORS = {"green": (0, 130, 60), "yellow": (240, 180, 0), "red": (190, 20, 30)}
_SHAPES = {
    "yellow": ((0.5, 0.04), (0.98, 0.94), (0.02, 0.94)),
    "red": ((0.3, 0.02), (0.7, 0.02), (0.98, 0.3), (0.98, 0.7), (0.7, 0.98), (0.3, 0.98), (0.02, 0.7), (0.02, 0.3)),
}
_SIGNS = {
    "green": (((0.25, 0.52), (0.43, 0.7), (0.75, 0.32)),),
    "yellow": (((0.5, 0.36), (0.5, 0.6)), ((0.5, 0.8), (0.5, 0.84))),
    "red": (((0.3, 0.3), (0.7, 0.7)), ((0.7, 0.3), (0.3, 0.7))),
}


def lightPixmap(light: str):
    """A green disc with a check mark, a yellow triangle with an exclamation mark, or a red octagon with a cross."""
    pixmap = qt.QPixmap(SIZE, SIZE)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    pen = qt.QPen()
    pen.setStyle(qt.Qt.NoPen)
    painter.setPen(pen)
    painter.setBrush(qt.QBrush(qt.QColor(*COLORS[light])))
    if light in _SHAPES:
        shape, (first, *others) = qt.QPainterPath(), _SHAPES[light]
        shape.moveTo(SIZE * first[0], SIZE * first[1])
        for x, y in others:
            shape.lineTo(SIZE * x, SIZE * y)
        shape.closeSubpath()
        painter.drawPath(shape)
    else:
        painter.drawEllipse(1, 1, SIZE - 2, SIZE - 2)
    pen.setStyle(qt.Qt.SolidLine)
    pen.setColor(qt.QColor(0, 0, 0) if light == "yellow" else qt.QColor(255, 255, 255))
    pen.setWidth(round(0.12 * SIZE))
    pen.setCapStyle(qt.Qt.RoundCap)
    painter.setPen(pen)
    for line in _SIGNS[light]:
        for (x, y), (toX, toY) in zip(line, line[1:], strict=False):
            painter.drawLine(round(SIZE * x), round(SIZE * y), round(SIZE * toX), round(SIZE * toY))
    painter.end()
    return pixmap
