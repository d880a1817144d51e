"""Drawing the outline of a mask with the mouse: drag a box, or click corners."""

from typing import Final

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from displays.mask_paint import COLOUR

DRAG: Final = 6.0
"""Pixels that the mouse must move for a box; less is a click on a corner."""
MOST: Final = 40
"""Corners; the Keeper takes no more."""
Points = tuple[tuple[float, float], ...]


class Pencil:
    """One outline that is being drawn.

    Attributes:
        active: Whether the mouse draws now.
    """

    def __init__(self) -> None:
        """Begin at rest."""
        self.active = False
        self._corners: list[QPointF] = []
        self._begun: QPointF | None = None
        self._at: QPointF | None = None

    def start(self) -> None:
        """Draw from now on."""
        self.active = True
        self._corners, self._begun, self._at = [], None, None

    def stop(self) -> None:
        """Draw no more; what was begun is forgotten."""
        self.active = False
        self._corners, self._begun, self._at = [], None, None

    def press(self, at: QPointF) -> None:
        """Note where the mouse was pressed, in pixels of the widget."""
        self._begun = self._at = QPointF(at)

    def move(self, at: QPointF) -> None:
        """Note where the mouse is."""
        self._at = QPointF(at)

    def release(self, at: QPointF, box: QRectF) -> Points | None:
        """Take a box that was dragged, or one more corner.

        Args:
            at: Where the mouse was released.
            box: Where the picture lies.

        Returns:
            Two opposite corners in fractions of the picture, when a box is done.
        """
        begun, self._begun = self._begun, None
        if begun is None:
            return None
        away = at - begun
        if not self._corners and max(abs(away.x()), abs(away.y())) > DRAG:
            return _fractions([begun, at], box)
        if len(self._corners) < MOST:
            self._corners.append(QPointF(at))
        return None

    def close(self, box: QRectF) -> Points | None:
        """Give the polygon of the corners so far; None with fewer than three."""
        corners = [
            corner
            for index, corner in enumerate(self._corners)
            if index == 0 or corner != self._corners[index - 1]
        ]
        return _fractions(corners, box) if len(corners) >= 3 else None

    def paint(self, painter: QPainter) -> None:
        """Paint what is drawn so far."""
        if not self.active:
            return
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(QPen(QColor(COLOUR), 2, Qt.DashLine))
        if self._begun is not None and self._at is not None and not self._corners:
            painter.drawRect(QRectF(self._begun, self._at).normalized())
        line = [*self._corners, *([self._at] if self._at is not None else [])]
        if self._corners:
            painter.drawPolyline(QPolygonF(line))
            for corner in self._corners:
                painter.drawEllipse(corner, 4.0, 4.0)
        painter.restore()


def _fractions(corners: list[QPointF], box: QRectF) -> Points:
    return tuple(
        (
            round(min(max((corner.x() - box.left()) / box.width(), 0.0), 1.0), 5),
            round(min(max((corner.y() - box.top()) / box.height(), 0.0), 1.0), 5),
        )
        for corner in corners
    )
