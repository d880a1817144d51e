"""The image of now beside the plot's reference: side by side, in turn, or what differs."""

from enum import Enum
from typing import Any, Final

import cv2
import numpy as np
from qtpy.QtCore import QRect, QSize, Qt, QTimer
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from displays import palette
from displays.card_paint import paint_picture, paint_text
from displays.card_state import Face, Line, Reading, face_of
from displays.catalogue import Plot
from displays.picture import as_image

Pixels = np.ndarray[Any, Any]
TURN_MS: Final = 900
"""How long each picture is shown when they take turns."""
TITLE: Final = 30
"""Height of the line above a picture, in pixels."""
QUIET: Final = 48
"""Grey levels that two pictures may differ by: JPEG and fluctuations of the counts."""
GRAIN: Final = 5
"""Pixels over which differences are averaged before they are compared with that."""
RED: Final = (200, 16, 46)
FADED: Final = 0.3
"""How much of the picture is left under the differences."""


class View(Enum):
    """What is shown."""

    NOW = "Now"
    BESIDE = "Beside reference"
    TURNS = "In turn"
    DIFFERENCE = "Difference"


class ReferenceView(QWidget):
    """Shows the picture of now with the reference; says above each which it is."""

    def __init__(self, parent: QWidget) -> None:
        """Begin empty."""
        super().__init__(parent)
        self.view = View.BESIDE
        self.reference_on = False
        """Whether it is the turn of the reference."""
        self._now: QImage | None = None
        self._reference: QImage | None = None
        self._difference: QImage | None = None
        self._pixels: tuple[Pixels | None, Pixels | None] = (None, None)
        self._face = face_of(Plot("?"), Reading(), Line())
        self._named = ""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._turn)
        self.setMinimumSize(480, 360)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)

    def choose(self, view: View) -> None:
        """Show the pictures another way."""
        self.view, self.reference_on = view, False
        if view is View.TURNS:
            self._timer.start(TURN_MS)
        else:
            self._timer.stop()
        self._compare()
        self.update()

    def show_pictures(self, now: Pixels | None, reference: Pixels | None) -> None:
        """Take the pictures, uint8 (H, W, 3) RGB or (H, W); None where there is none."""
        self._pixels = (now, reference)
        self._now = None if now is None else as_image(now)
        self._reference = None if reference is None else as_image(reference)
        self._difference = None
        self._compare()
        self.update()

    def show_face(self, face: Face, named: str) -> None:
        """Veil the picture of now where it is not live; name the reference."""
        self._face, self._named = face, named
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint what is chosen."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        whole = self.rect()
        if self.view is View.BESIDE:
            left, right = halves(whole, self._now)
            self._paint_now(painter, left)
            self._paint_reference(painter, right)
        elif self.view is View.TURNS and self.reference_on:
            self._paint_reference(painter, whole)
        elif self.view is View.DIFFERENCE:
            self._paint_difference(painter, whole)
        else:
            self._paint_now(painter, whole)
        painter.end()

    def _turn(self) -> None:
        self.reference_on = not self.reference_on
        self.update()

    def _compare(self) -> None:
        now, reference = self._pixels
        if self.view is not View.DIFFERENCE or self._difference is not None:
            return
        if now is not None and reference is not None:
            self._difference = as_image(difference(now, reference))

    def _paint_now(self, painter: QPainter, box: QRect) -> None:
        text = " \u00b7 ".join(part for part in (self._face.origin, self._face.age) if part)
        room = _titled(painter, box, "NOW", text, palette.INK)
        image = _fitted(self._now, room.size())
        paint_picture(painter, room, image, self._face, heat=None, opacity=0.0)

    def _paint_reference(self, painter: QPainter, box: QRect) -> None:
        room = _titled(painter, box, "REFERENCE, not live", self._named, palette.NEWS)
        if self._reference is None:
            _say(painter, room, "no picture: add the references anew to have one")
            return
        _draw(painter, room, _fitted(self._reference, room.size()))

    def _paint_difference(self, painter: QPainter, box: QRect) -> None:
        parts = (self._face.origin, "red: unlike the reference, text and numbers too")
        text = " \u00b7 ".join(part for part in parts if part)
        room = _titled(painter, box, "DIFFERENCE", text, palette.NEWS)
        if self._difference is None:
            _say(painter, room, "nothing to compare: a picture is missing")
        elif self._face.veiled or self._face.picture_old:
            image = _fitted(self._difference, room.size())
            paint_picture(painter, room, image, self._face, heat=None, opacity=0.0)
        else:
            _draw(painter, room, _fitted(self._difference, room.size()))


def difference(now: Pixels, reference: Pixels) -> Pixels:
    """Mark in red where two pictures differ.

    Args:
        now: uint8 (H, W, 3) or (H, W).
        reference: The same; it is brought to the size of ``now``.

    Returns:
        uint8 (H, W, 3): the picture of now, faded, red over what differs.
    """
    now, reference = _colour(now), _colour(reference)
    height, width = now.shape[:2]
    if reference.shape[:2] != (height, width):
        reference = cv2.resize(reference, (width, height), interpolation=cv2.INTER_AREA)
    smooth = [cv2.blur(one, (GRAIN, GRAIN)).astype(np.float32) for one in (now, reference)]
    apart = np.abs(smooth[0] - smooth[1]).max(axis=-1, keepdims=True)
    share = np.clip((apart - QUIET) / QUIET, 0.0, 1.0)
    faded = 255.0 - (255.0 - now.mean(axis=-1, keepdims=True)) * FADED
    mixed = faded * (1.0 - share) + np.array(RED, np.float32) * share
    return np.asarray(np.rint(mixed), np.uint8)


def halves(box: QRect, image: QImage | None) -> tuple[QRect, QRect]:
    """Split a box into two: beside or above each other, whichever gives larger pictures."""
    wide, high = (image.width(), image.height()) if image is not None else (4, 3)
    gap = 8

    def scale(room: QSize) -> float:
        return float(min(room.width() / wide, (room.height() - TITLE) / high))

    side = QSize((box.width() - gap) // 2, box.height())
    above = QSize(box.width(), (box.height() - gap) // 2)
    if scale(side) >= scale(above):
        second = QRect(box.topLeft(), side)
        second.moveRight(box.right())
        return QRect(box.topLeft(), side), second
    second = QRect(box.topLeft(), above)
    second.moveBottom(box.bottom())
    return QRect(box.topLeft(), above), second


def _colour(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)


def _titled(painter: QPainter, box: QRect, word: str, text: str, colour: str) -> QRect:
    """Write a line above a picture; give the room that is left."""
    line = QRect(box.left(), box.top(), box.width(), TITLE)
    painter.fillRect(line, QColor(colour))
    inner = line.adjusted(8, 0, -8, 0)
    taken = paint_text(painter, inner, word, size_px=16, colour=palette.PAPER, bold=True)
    inner.setLeft(inner.left() + taken + 14)
    paint_text(painter, inner, text, size_px=14, colour=palette.PAPER)
    return box.adjusted(0, TITLE, 0, 0)


def _fitted(image: QImage | None, room: QSize) -> QImage | None:
    if image is None or room.isEmpty():
        return None
    return image.scaled(room, Qt.KeepAspectRatio, Qt.SmoothTransformation)


def _draw(painter: QPainter, room: QRect, image: QImage | None) -> None:
    painter.fillRect(room, QColor(palette.PAPER))
    if image is not None:
        place = image.rect()
        place.moveCenter(room.center())
        painter.drawImage(place.topLeft(), image)


def _say(painter: QPainter, room: QRect, text: str) -> None:
    painter.fillRect(room, QColor(palette.PAGE))
    paint_text(painter, room, text, size_px=16, colour=palette.FAINT, align=Qt.AlignHCenter)
