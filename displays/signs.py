"""What the signs and keys of the Run screen mean."""

from collections.abc import Mapping
from typing import Final

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtWidgets import QDialog, QGridLayout, QLabel, QWidget

from displays import palette
from displays.card_state import Level
from displays.shapes import paint_sign

MEANINGS: Final[Mapping[Level, str]] = {
    Level.BAD: "Bad and confirmed: act as the card says",
    Level.UNCONFIRMED: "Bad below its threshold: look at it",
    Level.WARNING: "Another label that wants attention, such as NoData",
    Level.STALE: "No new image for too long: the picture is old",
    Level.INVALID: "The verdict cannot be trusted; the card says why",
    Level.SILENT: "The IOC stands still: nothing is live",
    Level.DISCONNECTED: "The PVs are lost: nothing is known",
    Level.GOOD: "Judged good",
    Level.UNALARMED: "Raises no alarm: taken out of the alarms, or bad without beam",
    Level.NO_MODEL: "Shown, but no model judges it",
    Level.NOTHING: "No image has come yet",
}
KEYS: Final = (
    ("Arrows, Home, End", "walk from card to card"),
    ("Enter, double click", "open the plot large"),
    ("C, S, H", "copy for the log book, save, hide"),
    ("B, P", "go to the bad plots, to the plots"),
    ("M", "heat map off and on"),
    ("G, U", "choose a group, show hidden plots"),
    ("+, -", "larger or smaller cards"),
    ("F11, F1", "fill the display, this window"),
)


class Sign(QWidget):
    """The sign of one level."""

    def __init__(self, level: Level, parent: QWidget) -> None:
        """Show the sign of a level."""
        super().__init__(parent)
        self._level = level
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Give the room for the sign."""
        return QSize(30, 30)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint the sign."""
        painter = QPainter(self)
        colour = palette.FRAME[self._level]
        paint_sign(painter, QRectF(2, 2, 26, 26), self._level, colour, "#ffffff")
        painter.end()


class SignsWindow(QDialog):
    """Lists all signs and keys."""

    def __init__(self, parent: QWidget) -> None:
        """Lay out the list."""
        super().__init__(parent)
        self.setWindowTitle("Signs and keys")
        grid = QGridLayout(self)
        grid.setHorizontalSpacing(14)
        for row, (level, meaning) in enumerate(MEANINGS.items()):
            grid.addWidget(Sign(level, self), row, 0)
            grid.addWidget(self._text(meaning), row, 1)
        check = len(MEANINGS)
        grid.addWidget(self._text("bar, tick"), check, 0)
        grid.addWidget(
            self._text("Confidence and its threshold; hatched below, full when confirmed"), check, 1
        )
        for row, (keys, meaning) in enumerate(KEYS):
            grid.addWidget(self._text(keys), check + 1 + row, 0)
            grid.addWidget(self._text(meaning), check + 1 + row, 1)

    def _text(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setTextFormat(Qt.PlainText)
        label.setStyleSheet("font-size: 15px")
        return label
