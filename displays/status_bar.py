"""The head of the Run screen: the state of everything, beam, run, last update, news."""

from qtpy.QtCore import QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from displays import palette
from displays.card_paint import font, paint_text, paint_wrapped
from displays.card_state import Level
from displays.catalogue import Label
from displays.headline import Headline
from displays.shapes import paint_sign
from displays.text import tool_tip

NO_NEWS = "----- No News for now -----"


class HeadlineTile(QWidget):
    """The state of the whole deployment, readable from four metres."""

    def __init__(self, parent: QWidget) -> None:
        """Begin disconnected."""
        super().__init__(parent)
        self.headline = Headline(Level.DISCONNECTED, "DISCONNECTED")
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setMinimumWidth(300)
        self.setMinimumHeight(56)

    def show_headline(self, headline: Headline) -> None:
        """Paint another state."""
        if headline != self.headline:
            self.headline = headline
            self.setAccessibleName(headline.text)
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for room for about twenty letters."""
        return QSize(420, 56)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint sign and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        level = self.headline.level
        loud = level >= Level.BAD
        painter.setPen(QColor(palette.FRAME[level]))
        painter.setBrush(QColor(palette.FRAME[level] if loud else palette.TITLE[level]))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
        side = self.height() - 18
        ink = "#ffffff" if loud else palette.INK
        paint_sign(
            painter,
            QRectF(12, 9, side, side),
            level,
            "#ffffff" if loud else palette.FRAME[level],
            palette.FRAME[level] if loud else "#ffffff",
        )
        room = QRect(side + 24, 2, self.width() - side - 34, self.height() - 4)
        paint_wrapped(
            painter,
            room,
            self.headline.text,
            size_px=round(self.height() * 0.5),
            colour=ink,
            bold=True,
            align=Qt.AlignLeft,
        )
        painter.end()


class StatusText(QLabel):
    """One fact in large type: a small caption and the value."""

    def __init__(self, caption: str, parent: QWidget) -> None:
        """Begin without a value."""
        super().__init__(parent)
        self._caption = caption
        self._value = ""
        self.setTextFormat(Qt.PlainText)
        self.setObjectName("status")
        self.say("?", state="")

    def say(self, value: str, state: str) -> None:
        """Show a value.

        Args:
            value: In words.
            state: ``on``, ``off``, ``old`` or empty; decides the colour.
        """
        text = f"{self._caption}: {value}"
        if self.text() != text:
            self.setText(text)
        self._put("state", state)

    def set_narrow(self, narrow: bool) -> None:
        """Write smaller, or as large as usual."""
        self._put("narrow", "true" if narrow else "false")

    def _put(self, name: str, value: str) -> None:
        if self.property(name) != value:
            self.setProperty(name, value)
            self.style().unpolish(self)
            self.style().polish(self)
            self.updateGeometry()


class Swatch(QWidget):
    """One entry of the legend: a square of the label's colour and its name."""

    def __init__(self, name: str, colour: str, parent: QWidget) -> None:
        """Show a label.

        Args:
            name: Of the label.
            colour: As #rrggbb.
            parent: The legend.
        """
        super().__init__(parent)
        self._name = name
        self._colour = colour
        self.setAccessibleName(f"{name} has the colour {colour}")
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Give the room for square and name."""
        return QSize(QFontMetrics(font(14)).horizontalAdvance(self._name) + 34, 24)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint square and name."""
        painter = QPainter(self)
        painter.fillRect(QRect(2, 5, 14, 14), QColor(self._colour))
        painter.setPen(QColor(palette.INK))
        painter.setFont(font(14))
        painter.drawText(QRect(22, 0, self.width() - 22, 24), Qt.AlignVCenter, self._name)
        painter.end()


class Legend(QWidget):
    """The labels with their colours, from the catalogue."""

    def __init__(self, parent: QWidget) -> None:
        """Begin empty."""
        super().__init__(parent)
        self.names: tuple[str, ...] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(10)

    def show_labels(self, labels: tuple[Label, ...]) -> None:
        """Show these labels, behind the one for plots without model."""
        while self._row.count():
            item = self._row.takeAt(0)
            if item.widget() is not None:
                item.widget().deleteLater()
        self._row.addWidget(Swatch("No Model", "#000000", self))
        for label in labels:
            self._row.addWidget(Swatch(label.name, label.colour, self))
        self.names = ("No Model", *(label.name for label in labels))


class NewsStrip(QWidget):
    """One line of news in a strong colour; the whole text on hover."""

    def __init__(self, parent: QWidget) -> None:
        """Begin without news."""
        super().__init__(parent)
        self.text = NO_NEWS
        self.setFixedHeight(32)

    def say(self, text: str) -> None:
        """Show a line of news; empty for none."""
        line = " ".join(text.split()) or NO_NEWS
        if line != self.text:
            self.text = line
            self.setToolTip(tool_tip(text))
            self.setAccessibleName(f"News: {line}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint the strip."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(palette.NEWS))
        room = self.rect().adjusted(14, 0, -14, 0)
        paint_text(painter, room, f"News:  {self.text}", size_px=17, colour="#ffffff", bold=True)
        painter.end()
