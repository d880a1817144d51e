"""How a card is painted; nothing is decided here."""

from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPen

from displays import mask_paint, palette
from displays.card_state import Face, Level
from displays.heat import Heat
from displays.shapes import paint_sign

ASPECT = 0.75
"""Height over width of the room for the picture."""
LEAST = 0.42
"""Where the picture is squeezed, its least height over the width."""
CAPTIONED = frozenset({Level.WARNING, Level.UNALARMED})
"""Levels whose reason stands on the lower edge of the picture."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the parts of a card lie, in pixels."""

    title: QRect
    word: QRect
    picture: QRect
    bar: QRect
    foot: QRect
    note: QRect
    height: int
    letter: int
    """Height of small letters in pixels."""


def plan(width: int, note_lines: int, squeeze: int = 0) -> Plan:
    """Lay out a card.

    Args:
        width: Of the whole card in pixels.
        note_lines: How many lines of text stand under the picture.
        squeeze: Pixels to take from the height of the picture, as far as it is
            still worth seeing.
    """
    letter = max(11, min(24, round(width / 21)))
    line = round(letter * 1.35)
    pad = 8
    inner = width - 2 * pad
    tall = max(round(inner * LEAST), round(inner * ASPECT) - squeeze)
    title = QRect(0, 0, width, round(letter * 2.2))
    word = QRect(pad, title.bottom() + 4, inner, round(letter * 2.0))
    picture = QRect(pad, word.bottom() + 4, inner, tall)
    bar = QRect(pad, picture.bottom() + 5, inner, round(letter * 1.5))
    foot = QRect(pad, bar.bottom() + 2, inner, line)
    note = QRect(pad, foot.bottom() + 2, inner, line * note_lines)
    height = (note if note_lines else foot).bottom() + pad
    return Plan(title, word, picture, bar, foot, note, height, letter)


def font(size_px: int, *, bold: bool = False) -> QFont:
    """Give the letters of the screens in a size."""
    made = QFont("DejaVu Sans")
    made.setStyleHint(QFont.SansSerif)
    made.setPixelSize(max(6, size_px))
    made.setBold(bold)
    return made


def paint_text(
    painter: QPainter,
    box: QRect,
    text: str,
    *,
    size_px: int,
    colour: str,
    bold: bool = False,
    align: int = Qt.AlignLeft,
) -> int:
    """Write one line that always fits: smaller letters first, then dots.

    Returns:
        Its width in pixels.
    """
    for size in range(size_px, max(8, round(size_px * 0.62)) - 1, -1):
        letters = font(size, bold=bold)
        metrics = QFontMetrics(letters)
        if metrics.horizontalAdvance(text) <= box.width():
            break
    painter.setFont(letters)
    painter.setPen(QColor(colour))
    shown = metrics.elidedText(text, Qt.ElideMiddle, box.width())
    painter.drawText(box, align | Qt.AlignVCenter | Qt.TextSingleLine, shown)
    return int(metrics.horizontalAdvance(shown))


def paint_body(painter: QPainter, box: QRect, face: Face, *, focused: bool) -> None:
    """Paint paper and frame; the line style tells who judged it."""
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    width = 5 if face.level in (Level.BAD, Level.UNCONFIRMED) else 3
    pen = QPen(QColor(palette.frame_of(face.level, face.colour)), width)
    if face.level in (Level.NO_MODEL, Level.NOTHING):
        pen.setStyle(Qt.DotLine)
    elif face.level in (Level.SILENT, Level.DISCONNECTED, Level.UNCONFIRMED):
        pen.setStyle(Qt.DashLine)
    inset = QRectF(box).adjusted(width / 2, width / 2, -width / 2, -width / 2)
    painter.setPen(pen)
    painter.setBrush(QColor(palette.PAPER))
    painter.drawRoundedRect(inset, 8, 8)
    if focused:
        painter.setPen(QPen(QColor(palette.NEWS), 2))
        painter.setBrush(Qt.NoBrush)
        painter.drawRoundedRect(inset.adjusted(4, 4, -4, -4), 6, 6)
    painter.restore()


def paint_title(painter: QPainter, box: QRect, name: str, face: Face, letter: int) -> None:
    """Paint the band with sign, name and age."""
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    band = QPainterPath()
    band.addRoundedRect(QRectF(box).adjusted(3, 3, -3, 6), 6, 6)
    painter.setClipRect(box)
    painter.fillPath(band, QColor(palette.TITLE[face.level]))
    painter.setClipping(False)
    ink = palette.TITLE_INK.get(face.level, palette.INK)
    side = box.height() - 10
    sign = QRectF(9, 6, side, side)
    solid = face.level in palette.TITLE_INK
    paint_sign(
        painter,
        sign,
        face.level,
        "#ffffff" if solid else palette.frame_of(face.level, face.colour),
        palette.TITLE[face.level] if solid else "#ffffff",
    )
    left = round(sign.right()) + 7
    room = box.width() - left - 9
    age = QRect(box.width() - 9 - round(room * 0.34), 3, round(room * 0.34), box.height() - 3)
    written = paint_text(painter, age, face.age, size_px=letter, colour=ink, align=Qt.AlignRight)
    place = QRect(left, 3, room - written - 8, box.height() - 3)
    paint_text(painter, place, name, size_px=round(letter * 1.12), colour=ink, bold=True)
    painter.restore()


def paint_word(painter: QPainter, box: QRect, face: Face, letter: int) -> None:
    """Paint the state in words, the check mark and the verdict."""
    colour = palette.frame_of(face.level, face.colour)
    half = QRect(box.left(), box.top(), round(box.width() * 0.56), box.height())
    size = round(letter * 1.45)
    if not face.verdict:
        half.setWidth(box.width())
    used = paint_text(painter, half, face.word, size_px=size, colour=colour, bold=True)
    if face.confirmed:
        side = round(letter * 1.25)
        if used + side + 6 <= half.width():
            spot = QRectF(box.left() + used + 6, box.center().y() - side / 2, side, side)
            paint_check(painter, spot)
    rest = QRect(half.right() + 2, box.top(), box.right() - half.right() - 2, box.height())
    paint_text(painter, rest, face.verdict, size_px=letter, colour=palette.INK, align=Qt.AlignRight)


def paint_check(painter: QPainter, box: QRectF) -> None:
    """Paint the blue mark of a confirmed verdict."""
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setPen(Qt.NoPen)
    painter.setBrush(QColor(palette.NEWS))
    painter.drawEllipse(box)
    pen = QPen(QColor("#ffffff"), box.width() * 0.14, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin)
    painter.setPen(pen)
    x, y, side = box.x(), box.y(), box.width()
    painter.drawPolyline(
        QPointF(x + side * 0.27, y + side * 0.53),
        QPointF(x + side * 0.44, y + side * 0.70),
        QPointF(x + side * 0.74, y + side * 0.33),
    )
    painter.restore()


def paint_bar(painter: QPainter, box: QRect, face: Face, letter: int) -> None:
    """Paint the confidence as a bar with a tick at its threshold."""
    if face.confidence is None:
        return
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    track = QRectF(box.left(), box.top() + letter * 0.35, box.width(), letter * 0.75)
    painter.setPen(QPen(QColor(palette.RULE), 1))
    painter.setBrush(QColor("#f2f4f6"))
    painter.drawRect(track)
    share = min(max(face.confidence, 0.0), 1.0)
    filled = QRectF(track.left(), track.top(), track.width() * share, track.height())
    colour = QColor(palette.FAINT) if face.veiled else QColor(face.colour)
    painter.setPen(Qt.NoPen)
    painter.setBrush(colour if face.confirmed else QBrush(colour, Qt.BDiagPattern))
    painter.drawRect(filled)
    if face.threshold is not None:
        x = track.left() + track.width() * min(max(face.threshold, 0.0), 1.0)
        x = min(x, track.right() - 2)
        painter.setPen(QPen(QColor("#ffffff"), 5))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        painter.setPen(QPen(QColor(palette.INK), 2.4))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
    painter.restore()


def paint_picture(
    painter: QPainter,
    box: QRect,
    image: QImage | None,
    face: Face,
    *,
    heat: Heat | None,
    opacity: float,
) -> None:
    """Paint the picture, the heat map over it and, where due, the veil."""
    painter.save()
    painter.setClipRect(box)
    painter.fillRect(box, QColor(palette.PAPER if image else palette.PAGE))
    if image is not None:
        size = QRectF(
            0,
            0,
            image.width() / image.devicePixelRatio(),
            image.height() / image.devicePixelRatio(),
        )
        size.moveCenter(QRectF(box).center())
        painter.drawImage(size.topLeft(), image)
        if heat is not None and not (face.veiled or face.picture_old):
            painter.save()
            mask_paint.clip(painter, face.masks, size)
            heat.paint(painter, size, opacity)
            painter.restore()
        mask_paint.paint(painter, face.masks, size)
    veiled = face.veiled or face.picture_old
    if veiled:
        painter.fillRect(box, QColor(238, 238, 240, 205))
        painter.fillRect(box, QBrush(QColor(90, 90, 100, 110), Qt.BDiagPattern))
    if veiled or image is None:
        _paint_banner(painter, box, face)
    elif face.level in CAPTIONED and face.note:
        _paint_caption(painter, box, face)
    painter.restore()


def _paint_banner(painter: QPainter, box: QRect, face: Face) -> None:
    veiled = face.veiled or face.picture_old
    text = face.word if face.veiled or face.level == Level.NOTHING else "no picture"
    note = face.note
    if face.picture_old and not face.veiled:
        text, note = "OLD PICTURE", "it belongs to an earlier verdict"
    band = QRect(box.left(), box.center().y() - box.height() // 6, box.width(), box.height() // 3)
    if veiled:
        painter.fillRect(band, QColor(palette.FRAME[face.level if face.veiled else Level.STALE]))
    line = band.adjusted(6, 0, -6, -band.height() // 2)
    below = band.adjusted(6, line.height(), -6, -3)
    ink = "#ffffff" if veiled else palette.FAINT
    size = max(12, min(box.width() // 11, band.height() // 2))
    paint_text(painter, line, text, size_px=size, colour=ink, bold=True, align=Qt.AlignHCenter)
    paint_wrapped(painter, below, note, size_px=max(11, box.width() // 20), colour=ink)


def paint_wrapped(
    painter: QPainter,
    box: QRect,
    text: str,
    *,
    size_px: int,
    colour: str,
    bold: bool = False,
    align: int = Qt.AlignHCenter,
) -> None:
    """Write a sentence in as many lines as it needs; smaller letters until it fits."""
    flags = align | Qt.AlignVCenter | Qt.TextWordWrap
    for size in range(size_px, 7, -1):
        letters = font(size, bold=bold)
        if box.contains(QFontMetrics(letters).boundingRect(box, flags, text)):
            break
    painter.setFont(letters)
    painter.setPen(QColor(colour))
    painter.drawText(box, flags, text)


def _paint_caption(painter: QPainter, box: QRect, face: Face) -> None:
    band = QRect(box.left(), box.bottom() - box.height() // 5, box.width(), box.height() // 5 + 1)
    painter.fillRect(band, QColor(palette.TITLE[face.level]))
    size = max(11, box.width() // 20)
    paint_wrapped(painter, band.adjusted(4, 1, -4, -1), face.note, size_px=size, colour=palette.INK)
