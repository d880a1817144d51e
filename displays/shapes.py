"""The sign of each level, drawn so that it is told apart without colour."""

from collections.abc import Callable, Mapping

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPolygonF

from displays.card_state import Level


def paint_sign(painter: QPainter, box: QRectF, level: Level, colour: str, ink: str) -> None:
    """Draw the sign of a level.

    Args:
        painter: Where to.
        box: Square in pixels.
        level: Whose sign.
        colour: Of the body.
        ink: Of the mark inside the body.
    """
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    painter.translate(box.topLeft())
    painter.scale(box.width() / 100, box.height() / 100)
    body, outline_only = _BODIES[level]
    pen = QPen(QColor(colour), 9)
    pen.setJoinStyle(Qt.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.NoBrush if outline_only else QBrush(QColor(colour)))
    painter.drawPath(body())
    mark = QPen(QColor(colour if outline_only else ink), 12, Qt.SolidLine, Qt.RoundCap)
    mark.setJoinStyle(Qt.RoundJoin)
    painter.setPen(mark)
    painter.setBrush(Qt.NoBrush)
    painter.drawPath(_MARKS[level]())
    painter.restore()


def _circle() -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QRectF(8, 8, 84, 84))
    return path


def _square() -> QPainterPath:
    path = QPainterPath()
    path.addRect(QRectF(12, 12, 76, 76))
    return path


def _polygon(*points: tuple[float, float]) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
    path.closeSubpath()
    return path


def _triangle() -> QPainterPath:
    return _polygon((50, 8), (95, 90), (5, 90))


def _diamond() -> QPainterPath:
    return _polygon((50, 5), (95, 50), (50, 95), (5, 50))


def _octagon() -> QPainterPath:
    return _polygon((31, 5), (69, 5), (95, 31), (95, 69), (69, 95), (31, 95), (5, 69), (5, 31))


def _lines(*strokes: tuple[tuple[float, float], ...]) -> QPainterPath:
    path = QPainterPath()
    for stroke in strokes:
        path.moveTo(*stroke[0])
        for point in stroke[1:]:
            path.lineTo(*point)
    return path


def _tick() -> QPainterPath:
    return _lines(((28, 52), (44, 68), (73, 34)))


def _cross() -> QPainterPath:
    return _lines(((33, 33), (67, 67)), ((67, 33), (33, 67)))


def _query() -> QPainterPath:
    path = QPainterPath()
    path.moveTo(39, 50)
    path.cubicTo(37, 30, 66, 32, 60, 50)
    path.cubicTo(57, 58, 50, 56, 50, 66)
    path.moveTo(50, 79)
    path.lineTo(50, 80)
    return path


def _call() -> QPainterPath:
    return _lines(((50, 40), (50, 62)), ((50, 77), (50, 78)))


def _diamond_call() -> QPainterPath:
    return _lines(((50, 27), (50, 56)), ((50, 72), (50, 73)))


def _clock() -> QPainterPath:
    return _lines(((50, 26), (50, 52), (67, 62)))


def _dash() -> QPainterPath:
    return _lines(((32, 50), (68, 50)))


def _dots() -> QPainterPath:
    return _lines(((29, 50), (30, 50)), ((50, 50), (51, 50)), ((70, 50), (71, 50)))


def _pause() -> QPainterPath:
    return _lines(((39, 34), (39, 66)), ((61, 34), (61, 66)))


_BODIES: Mapping[Level, tuple[Callable[[], QPainterPath], bool]] = {
    Level.GOOD: (_circle, True),
    Level.NO_MODEL: (_square, True),
    Level.UNALARMED: (_octagon, True),
    Level.NOTHING: (_circle, True),
    Level.WARNING: (_diamond, False),
    Level.UNCONFIRMED: (_triangle, True),
    Level.BAD: (_octagon, False),
    Level.STALE: (_circle, False),
    Level.INVALID: (_square, False),
    Level.SILENT: (_circle, False),
    Level.DISCONNECTED: (_square, False),
}

_MARKS: Mapping[Level, Callable[[], QPainterPath]] = {
    Level.GOOD: _tick,
    Level.NO_MODEL: _dash,
    Level.UNALARMED: _cross,
    Level.NOTHING: _dots,
    Level.WARNING: _diamond_call,
    Level.UNCONFIRMED: _call,
    Level.BAD: _cross,
    Level.STALE: _clock,
    Level.INVALID: _query,
    Level.SILENT: _pause,
    Level.DISCONNECTED: _cross,
}
