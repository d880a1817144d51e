"""Masks over a picture: hatched, so that what lies under them can still be seen."""

from collections.abc import Sequence
from typing import Final

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from displays.masks import Mask

COLOUR: Final = "#1257b8"
"""Blue lines: neither a label's colour nor the heat map's."""
VEIL: Final = 120
"""Opacity of the white below the hatching, 0 to 255."""


def outline(masks: Sequence[Mask], box: QRectF) -> QPainterPath:
    """Give the outlines of masks on a picture that fills a box."""
    path = QPainterPath()
    path.setFillRule(Qt.WindingFill)
    for mask in masks:
        corners = [
            QPointF(box.left() + x * box.width(), box.top() + y * box.height())
            for x, y in mask.points
        ]
        path.addPolygon(QPolygonF(corners))
        path.closeSubpath()
    return path


def paint(painter: QPainter, masks: Sequence[Mask], box: QRectF) -> None:
    """Hatch what masks cover of a picture.

    Args:
        painter: Where to.
        masks: Those in force.
        box: Where the picture lies.
    """
    if not masks:
        return
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    path = outline(masks, box)
    painter.fillPath(path, QColor(255, 255, 255, VEIL))
    hatch = QBrush(QColor(COLOUR), Qt.BDiagPattern)
    # The pattern of a brush does not grow with the picture: three times as wide
    # it can be seen from some way off.
    hatch.setTransform(QTransform.fromScale(1.5, 1.5))
    painter.fillPath(path, hatch)
    painter.setPen(QPen(QColor(COLOUR), 1.6, Qt.DashLine))
    painter.setBrush(Qt.NoBrush)
    painter.drawPath(path)
    painter.restore()


def clip(painter: QPainter, masks: Sequence[Mask], box: QRectF) -> None:
    """Let a painter leave out what masks cover of a picture."""
    if masks:
        rest = QPainterPath()
        rest.addRect(box)
        painter.setClipPath(rest.subtracted(outline(masks, box)), Qt.IntersectClip)
