"""What is left in a card's place when the card is in the Bad column."""

from qtpy.QtCore import QRect, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from displays import card_paint, palette
from displays.card_state import Level
from displays.shapes import paint_sign
from displays.text import tool_tip


class Notice(QWidget):
    """A frame with a triangle that leads to the card in the Bad column."""

    followed = Signal(str)
    """The link was clicked; carries the plot's name."""

    def __init__(self, name: str, parent: QWidget) -> None:
        """Stand in for a plot.

        Args:
            name: The plot's name.
            parent: The board it lies on.
        """
        super().__init__(parent)
        self.name = name
        self.setFocusPolicy(Qt.StrongFocus)
        self.setCursor(Qt.PointingHandCursor)
        self.setAccessibleName(f"{name} is among the bad plots")
        self.setToolTip(tool_tip(f"{name} is among the bad plots: click to find it there"))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint frame, triangle, name and link."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        colour = palette.FRAME[Level.BAD]
        painter.setPen(QPen(QColor(colour), 2, Qt.DashLine))
        painter.setBrush(QColor("#fff6f6"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 8, 8)
        letter = card_paint.plan(self.width(), 0).letter
        side = letter * 4
        middle = self.height() // 2
        sign = QRectF((self.width() - side) / 2, middle - side - letter, side, side)
        paint_sign(painter, sign, Level.UNCONFIRMED, colour, "#ffffff")
        room = self.width() - 20
        for row, (text, bold, ink) in enumerate(
            ((self.name, True, palette.INK), ("see BAD PLOTS \u2192", False, palette.NEWS))
        ):
            box = QRect(10, middle + round(row * letter * 1.8), room, round(letter * 1.8))
            card_paint.paint_text(
                painter,
                box,
                text,
                size_px=round(letter * 1.15),
                colour=ink,
                bold=bold,
                align=Qt.AlignHCenter,
            )
        if self.hasFocus():
            painter.setPen(QPen(QColor(palette.NEWS), 2))
            painter.setBrush(Qt.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(6, 6, -6, -6), 6, 6)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002
        """Follow the link."""
        self.followed.emit(self.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Follow the link with Enter or Space."""
        if event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space):
            self.followed.emit(self.name)
        else:
            event.ignore()
