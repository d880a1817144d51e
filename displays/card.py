"""The card of one plot."""

from typing import Final

from qtpy.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from qtpy.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from qtpy.QtWidgets import QMenu, QWidget

from displays import card_paint, mask_paint, palette
from displays.action_row import ASKS, ActionRow
from displays.card_state import Face, Level, Line, Reading, Tally, face_of
from displays.heat import Heat
from displays.picture import Scaler, as_image
from displays.plot_link import PlotLink
from displays.text import clock, percent, tool_tip

KEPT: Final = (("",), ("Since", "Do:", "Call:"), ("Since", "Do:"))
"""Beginnings of the lines that stay, by how terse a card is."""
KEYS = {
    Qt.Key_Return: "open",
    Qt.Key_Enter: "open",
    Qt.Key_Space: "open",
    Qt.Key_C: "share",
    Qt.Key_S: "save",
    Qt.Key_H: "hide",
}


class Card(QWidget):
    """Paints one plot: sign, name, age, word, picture, bar, run.

    Attributes:
        link: The plot's PVs.
        face: What is painted now.
        lines: What stands under the picture now.
        buttons: Shown under the mouse; None before the first time.
    """

    asked = Signal(str, str)
    """The user wants something: one of ``ASKS``, and the plot's name."""

    def __init__(self, link: PlotLink, parent: QWidget) -> None:
        """Show what the link reads.

        Args:
            link: The plot's PVs.
            parent: The board it lies on.
        """
        super().__init__(parent)
        self.link = link
        self.face: Face = face_of(link.plot, Reading(), Line())
        self.opacity = 0.4
        self.wordy = False
        """Whether reason, guidance and contact stand under the picture."""
        self._tally = Tally()
        self.terse = 0
        """How much of the text gives way: 1 the reason, 2 also whom to call."""
        self.squeeze = 0
        """Pixels that the picture gives up so that more cards are seen."""
        self.buttons: ActionRow | None = None
        self.lines: tuple[str, ...] = ()
        self._image: QImage | None = None
        self._heat: Heat | None = None
        self._scaler = Scaler(self)
        self._scaler.ready.connect(self._take_image)
        link.picture_changed.connect(self._scale)
        link.heat_changed.connect(self._take_heat)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setCursor(Qt.PointingHandCursor)
        self.setAccessibleName(link.plot.name)

    def show_reading(self, reading: Reading, line: Line) -> None:
        """Paint anew where the face has changed.

        Args:
            reading: The last values of the plot's PVs.
            line: Whether the IOC is heard.
        """
        face = face_of(self.link.plot, reading, line)
        lines = self._compose_lines(face, reading)
        lines = lines if self.wordy else ()
        if face == self.face and lines == self.lines:
            return
        only_age = lines == self.lines and _but_age(face) == _but_age(self.face)
        grown = lines != self.lines
        self.face, self.lines = face, lines
        self.setToolTip(tool_tip(_explain(self.link, face, reading)))
        self.setAccessibleDescription(f"{face.word}. {face.verdict}. {face.age}. {face.note}")
        if grown:
            self.updateGeometry()
        self.update(self._plan().title if only_age else self.rect())

    def set_wordy(self, wordy: bool) -> None:
        """Choose whether text stands under the picture, and the heat map over it."""
        self.wordy = wordy
        if wordy:
            self.link.want_guidance()

    def set_opacity(self, opacity: float) -> None:
        """Set how strongly the heat map is filled, 0 to 1."""
        self.opacity = opacity
        self.update()

    @property
    def text(self) -> tuple[str, ...]:
        """The lines under the picture, as far as there is room for them."""
        return tuple(line for line in self.lines if line.startswith(KEPT[self.terse]))

    @property
    def has_picture(self) -> bool:
        """Whether a picture has been scaled and can be painted."""
        return self._image is not None

    def full_image(self) -> QImage | None:
        """Give the picture in full resolution with the heat map as shown."""
        if self.link.picture is None:
            return None
        image = as_image(self.link.picture).convertToFormat(QImage.Format_RGB32)
        painter = QPainter(image)
        box = QRectF(image.rect())
        if self.wordy and self._heat is not None:
            painter.save()
            mask_paint.clip(painter, self.face.masks, box)
            self._heat.paint(painter, box, self.opacity)
            painter.restore()
        mask_paint.paint(painter, self.face.masks, box)
        painter.end()
        return image

    def height_for(self, width: int) -> int:
        """Give the height that a width needs, in pixels."""
        return card_paint.plan(width, self._line_count(width), self.squeeze).height

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the card."""
        parts = self._plan()
        painter = QPainter(self)
        card_paint.paint_body(painter, self.rect(), self.face, focused=self.hasFocus())
        card_paint.paint_title(painter, parts.title, self.link.plot.name, self.face, parts.letter)
        if event.rect() != parts.title:
            self._paint_below_title(painter, parts)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Have the picture scaled to the new room."""
        super().resizeEvent(event)
        self._scale()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002
        """Open the plot large."""
        self._ask("open")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Do what the key asks; other keys are the board's."""
        if event.key() in KEYS and not event.modifiers() & ~Qt.KeypadModifier:
            self._ask(KEYS[event.key()])
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Offer everything that can be done with the plot."""
        menu = QMenu(self)
        actions = {menu.addAction(f"{tip}\t{key}"): ask for ask, _, tip, key in ASKS}
        chosen = menu.exec_(event.globalPos() if event else self.mapToGlobal(QPoint(20, 20)))
        menu.deleteLater()
        if chosen in actions:
            self._ask(actions[chosen])

    def enterEvent(self, event: QEvent) -> None:  # noqa: N802
        """Offer the buttons while the mouse is on the card."""
        super().enterEvent(event)
        if self.buttons is None:
            self.buttons = ActionRow(self)
            self.buttons.asked.connect(self._ask)
        self.buttons.place(self._plan().picture)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Take the buttons away again."""
        super().leaveEvent(event)
        if self.buttons is not None:
            self.buttons.hide()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show that the focus is gone."""
        super().focusOutEvent(event)
        self.update()

    def _ask(self, what: str) -> None:
        self.asked.emit(what, self.link.plot.name)

    def _plan(self) -> card_paint.Plan:
        return card_paint.plan(self.width(), self._line_count(self.width()), self.squeeze)

    def _line_count(self, width: int) -> int:
        if not self.text:
            return 0
        letter = card_paint.plan(width, 0).letter
        metrics = QFontMetrics(card_paint.font(letter))
        room = QRect(0, 0, width - 16, 10_000)
        return sum(
            round(metrics.boundingRect(room, Qt.TextWordWrap, line).height() / metrics.height())
            for line in self.text
        )

    def _paint_below_title(self, painter: QPainter, parts: card_paint.Plan) -> None:
        card_paint.paint_word(painter, parts.word, self.face, parts.letter)
        heat = self._heat if self.wordy else None
        image = None if self.face.level == Level.NOTHING else self._image
        card_paint.paint_picture(
            painter, parts.picture, image, self.face, heat=heat, opacity=self.opacity
        )
        card_paint.paint_bar(painter, parts.bar, self.face, parts.letter)
        small = round(parts.letter * 0.92)
        half = QRect(parts.foot)
        half.setWidth(round(half.width() * 0.55))
        rest = QRect(parts.foot)
        rest.setLeft(half.right() + 4)
        card_paint.paint_text(painter, half, self.face.origin, size_px=small, colour=palette.FAINT)
        if text := _foot(self.face):
            unlike = text.startswith("UNLIKE")
            colour = palette.FRAME[Level.WARNING] if unlike else palette.FAINT
            card_paint.paint_text(
                painter, rest, text, size_px=small, colour=colour, bold=unlike, align=Qt.AlignRight
            )
        if self.text:
            painter.setFont(card_paint.font(parts.letter))
            painter.setPen(Qt.black)
            painter.drawText(parts.note, Qt.TextWordWrap, "\n".join(self.text))

    def _scale(self) -> None:
        if self.link.picture is not None:
            room = self._plan().picture.size() * self.devicePixelRatioF()
            self._scaler.scale(self.link.picture, QSize(room))

    def _take_image(self, image: QImage) -> None:
        image.setDevicePixelRatio(self.devicePixelRatioF())
        self._image = image
        self.update()

    def _take_heat(self) -> None:
        self._heat = Heat(self.link.heat) if self.link.heat is not None else None
        self.update()

    def _compose_lines(self, face: Face, reading: Reading) -> tuple[str, ...]:
        images = self._tally.images(reading)
        begun = f"Since {clock(reading.since)}" if reading.since else ""
        begun += f", {images} image{'s' if images > 1 else ''}" if begun and images else ""
        lines = [begun, face.note, f"Do: {reading.guidance}" if reading.guidance else ""]
        if reading.contact:
            lines.append(f"Call: {reading.contact}")
        return tuple(line for line in lines if line)


def _foot(face: Face) -> str:
    """Write what stands below the bar: whether the references agree, else the threshold.

    There is no room for both; the tick on the bar shows the threshold anyhow.
    """
    threshold = f"threshold {percent(face.threshold)}" if face.threshold is not None else ""
    return face.likeness or threshold


def _but_age(face: Face) -> tuple[object, ...]:
    return (
        face.level,
        face.word,
        face.verdict,
        face.note,
        face.confidence,
        face.threshold,
        face.confirmed,
        face.origin,
        face.picture_old,
        face.masks,
        face.likeness,
    )


def _explain(link: PlotLink, face: Face, reading: Reading) -> str:
    rows = [
        f"{link.plot.name}: {face.word}",
        link.plot.description,
        reading.reason,
        f"{face.verdict}, threshold {percent(face.threshold)}" if face.verdict else "",
        f"{face.origin}, {reading.image_time}" if reading.image_time else face.origin,
    ]
    return "\n".join(row for row in rows if row)
