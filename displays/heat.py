"""The heat map over a plot: a crisp outline of the hot region and a thin fill."""

from typing import Any, Final

import cv2
import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF

from displays.palette import HEAT, HEAT_HALO

OUTLINE_AT: Final = 0.3
"""The outline runs where the map has three tenths of its maximum: maps are flat within a
fault, and what lies below is its edge in cells that it fills in part."""
FLOOR: Final = 40
"""A map whose maximum (0..255) lies below shows nothing: it points nowhere."""
FINE: Final = 512
"""Longer side in pixels to which the coarse map is refined for a smooth line."""
ROOM: Final = 11
"""Pixels of the refined map between a hot region and its outline, twice."""
SPECK: Final = 0.0004
"""Outlined regions below this share of the map are left out."""


class Heat:
    """One heat map, ready to be painted over its picture at any size."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        """Find the outline.

        Args:
            values: uint8 (h, w), 0..255, the hotter the larger.
        """
        self._outline = QPainterPath()
        self._fill = QImage()
        peak = int(values.max(initial=0))
        if values.ndim != 2 or min(values.shape) < 2 or peak < FLOOR:
            return
        height, width = values.shape
        zoom = max(1.0, FINE / max(height, width))
        size = (round(width * zoom), round(height * zoom))
        fine = cv2.resize(values.astype(np.float32) / peak, size, interpolation=cv2.INTER_CUBIC)
        self._outline = _outline(fine)
        self._fill = _fill(fine)

    @property
    def is_empty(self) -> bool:
        """Whether the map points nowhere."""
        return bool(self._outline.isEmpty())

    def region(self) -> QRectF:
        """Give the box around the outlined region, in shares of the picture."""
        return self._outline.boundingRect()

    def paint(self, painter: QPainter, box: QRectF, opacity: float) -> None:
        """Paint over a picture.

        Args:
            painter: Where to.
            box: Where the picture lies.
            opacity: Of the fill, 0 to 1; at 0 nothing is painted.
        """
        if self.is_empty or opacity <= 0:
            return
        painter.save()
        painter.setClipRect(box, Qt.IntersectClip)
        painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
        painter.setOpacity(opacity)
        painter.drawImage(box, self._fill)
        painter.setOpacity(1.0)
        painter.translate(box.topLeft())
        painter.scale(box.width(), box.height())
        for colour, width in ((HEAT_HALO, 5.0), (HEAT, 2.6)):
            pen = QPen(QColor(colour), width)
            pen.setCosmetic(True)
            pen.setJoinStyle(Qt.RoundJoin)
            painter.setPen(pen)
            painter.drawPath(self._outline)
        painter.restore()


def _outline(fine: np.ndarray[Any, Any]) -> QPainterPath:
    height, width = fine.shape
    # A rim of cold pixels closes regions that touch the edge.
    hot = np.pad((fine >= OUTLINE_AT).astype(np.uint8), 1)
    # The line goes round a small region, not over it.
    hot = cv2.dilate(hot, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (ROOM, ROOM)))
    contours, _ = cv2.findContours(hot, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    path = QPainterPath()
    for contour in contours:
        if cv2.contourArea(contour) < SPECK * height * width:
            continue
        points = cv2.approxPolyDP(contour, 0.5, closed=True)[:, 0, :]
        path.addPolygon(
            QPolygonF([QPointF((x - 0.5) / width, (y - 0.5) / height) for x, y in points])
        )
        path.closeSubpath()
    return path


def _fill(fine: np.ndarray[Any, Any]) -> QImage:
    height, width = fine.shape
    colour = QColor(HEAT)
    # Below a fifth of the maximum the plot stays untouched.
    alpha = np.clip((fine - 0.2) / 0.8, 0.0, 1.0)
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = colour.red(), colour.green(), colour.blue()
    pixels[..., 3] = (alpha * 255).astype(np.uint8)
    return QImage(pixels.data, width, height, width * 4, QImage.Format_RGBA8888).copy()
