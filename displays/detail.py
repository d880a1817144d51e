"""One plot large, with everything that is known of it."""

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QCloseEvent, QColor, QImage, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from displays import palette
from displays.card_paint import paint_picture, paint_text
from displays.card_state import Face, Line, Reading, face_of
from displays.catalogue import Plot
from displays.controls import HeatSlider
from displays.heat import Heat
from displays.likeness import novelty_text, shadow_text, similarity_text
from displays.mask_pencil import Pencil
from displays.mask_row import MaskRow
from displays.picture import as_image
from displays.plot_link import PlotLink
from displays.reference_row import Comparison
from displays.text import percent

EXTRA = ("Similarity", "Novelty", "Shadow")
"""Rows of what not every plot has."""


class BigPicture(QWidget):
    """The picture in full resolution, as large as the window allows."""

    drawn = Signal(object)
    """An outline was drawn: corners in fractions of the picture."""

    def __init__(self, parent: QWidget) -> None:
        """Begin empty."""
        super().__init__(parent)
        self._image: QImage | None = None
        self._scaled: QImage | None = None
        self._scaled_for = QSize()
        self._heat: Heat | None = None
        self._face = face_of_nothing()
        self.opacity = 0.0
        self.pencil = Pencil()
        self.setMinimumSize(480, 360)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)

    def show_picture(self, link: PlotLink) -> None:
        """Take picture and heat map from a link."""
        self._image = None if link.picture is None else as_image(link.picture)
        self._scaled = None
        self._heat = None if link.heat is None else Heat(link.heat)
        self.update()

    def show_face(self, face: Face) -> None:
        """Veil the picture where it is not live."""
        self._face = face
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Set how strongly the heat map is filled."""
        self.opacity = opacity
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint picture, heat map and veil."""
        painter = QPainter(self)
        image = self._fitted()
        paint_picture(
            painter, self.rect(), image, self._face, heat=self._heat, opacity=self.opacity
        )
        self.pencil.paint(painter)
        painter.end()

    def draw_mask(self) -> None:
        """Let the mouse draw an outline: a box by dragging, a polygon by clicks."""
        self.pencil.start()
        self.setCursor(Qt.CrossCursor)
        self.update()

    def draw_no_more(self) -> None:
        """Forget what was drawn."""
        self.pencil.stop()
        self.unsetCursor()
        self.update()

    def picture_box(self) -> QRectF:
        """Give where the picture lies in the widget."""
        image = self._fitted()
        if image is None:
            return QRectF(self.rect())
        ratio = image.devicePixelRatio()
        box = QRectF(0, 0, image.width() / ratio, image.height() / ratio)
        box.moveCenter(QRectF(self.rect()).center())
        return box

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin a box or a corner."""
        if self.pencil.active and event.button() == Qt.LeftButton:
            self.pencil.press(QPointF(event.pos()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Follow the mouse."""
        if self.pencil.active:
            self.pencil.move(QPointF(event.pos()))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take a box, or one more corner."""
        if self.pencil.active and event.button() == Qt.LeftButton:
            self._hand_over(self.pencil.release(QPointF(event.pos()), self.picture_box()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002
        """Close the polygon."""
        if self.pencil.active:
            self._hand_over(self.pencil.close(self.picture_box()))

    def _hand_over(self, points: object) -> None:
        self.update()
        if points is not None:
            self.draw_no_more()
            self.drawn.emit(points)

    def _fitted(self) -> QImage | None:
        if self._image is None:
            return None
        ratio = self.devicePixelRatioF()
        size = self.size() * ratio
        # Scaled once for a size: readings are painted more often than pictures.
        if self._scaled is None or self._scaled_for != size:
            self._scaled = self._image.scaled(size, Qt.KeepAspectRatio, Qt.SmoothTransformation)
            self._scaled.setDevicePixelRatio(ratio)
            self._scaled_for = size
        return self._scaled


class Weights(QWidget):
    """Every output weight as a bar with a tick at its threshold."""

    ROW = 26

    def __init__(self, link: PlotLink, parent: QWidget) -> None:
        """Make room for all labels of the plot."""
        super().__init__(parent)
        self._link = link
        self._reading = Reading()
        self.setMinimumHeight(self.ROW * max(1, len(link.plot.labels)))
        self.setMinimumWidth(340)

    def show_reading(self, reading: Reading) -> None:
        """Paint new weights."""
        self._reading = reading
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint one row for each label."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        for row, label in enumerate(self._link.plot.labels):
            weight = self._reading.weights.get(label.name)
            threshold = self._reading.thresholds.get(label.name)
            top = row * self.ROW
            name = self.rect().adjusted(0, top, 0, 0)
            name.setHeight(self.ROW)
            name.setWidth(90)
            paint_text(painter, name, label.name, size_px=14, colour=palette.INK)
            track = QRectF(96, top + 6, self.width() - 96 - 196, self.ROW - 12)
            painter.fillRect(track, QColor("#dfe4e8"))
            if weight is not None:
                filled = QRectF(track)
                filled.setWidth(track.width() * min(max(weight, 0.0), 1.0))
                painter.fillRect(filled, QColor(label.colour))
            if threshold is not None:
                x = track.left() + track.width() * min(max(threshold, 0.0), 1.0)
                painter.fillRect(QRectF(x - 1.5, top + 2, 3, self.ROW - 4), QColor(palette.INK))
            text = f"{percent(weight)}, threshold {percent(threshold)}"
            numbers = self.rect().adjusted(self.width() - 188, top, 0, 0)
            numbers.setHeight(self.ROW)
            paint_text(painter, numbers, text, size_px=14, colour=palette.INK)
        painter.end()


class DetailWindow(QDialog):
    """Shows one plot and follows its PVs."""

    asked = Signal(str, str)
    closed = Signal(str)

    def __init__(self, link: PlotLink, opacity: float, parent: QWidget) -> None:
        """Lay out the window.

        Args:
            link: The plot's PVs.
            opacity: Of the heat map at first.
            parent: The screen.
        """
        super().__init__(parent)
        self._link = link
        link.want_details()
        self.setWindowTitle(link.plot.name)
        self.setStyleSheet(parent.styleSheet())
        self.resize(1180, 720)
        self.picture = BigPicture(self)
        self.word = _line(self, 26)
        self.weights = Weights(link, self)
        self.heat = HeatSlider(self)
        self.heat.changed.connect(self.picture.set_opacity)
        self.heat.set_opacity(opacity)
        self.mask_row = MaskRow(link, self.picture, self)
        self.comparison = Comparison(link, self.picture, self)
        self.weights.setVisible(not link.plot.judged_by_references)
        self.rows: dict[str, QLabel] = {}
        self._lay_out()
        link.picture_changed.connect(self._take_picture)
        link.heat_changed.connect(self._take_picture)
        self._take_picture()

    def show_reading(self, reading: Reading, face: Face) -> None:
        """Write everything anew."""
        plot = self._link.plot
        confirmed = "   confirmed" if face.confirmed else ""
        self.word.setText(f"{face.word}{confirmed}")
        self.word.setStyleSheet(
            f"color: {palette.FRAME[face.level]}; font-size: 26px; font-weight: 800"
        )
        rows = {
            "Reason": reading.reason or face.note,
            "Do": reading.guidance,
            "Call": reading.contact,
            "Shows": plot.description,
            "Run, chunk": face.origin,
            "Image": f"{reading.image_time}  ({face.age})" if reading.image_time else "",
            "Since": reading.since,
            "Images": "" if reading.count is None else str(reading.count),
            "Model": reading.model,
            "PV": self._link.pv("Class"),
            "Masks": "\n".join(mask.line() for mask in reading.masks),
            "Similarity": similarity_text(self._link.plot, reading),
            "Novelty": novelty_text(self._link.plot, reading),
            "Shadow": shadow_text(self._link.plot, reading),
        }
        self.mask_row.show_masks(reading.masks)
        for name, value in rows.items():
            self.rows[name].setText(value or "-")
        self.weights.show_reading(reading)
        self.picture.show_face(face)
        self.comparison.show_face(face, reading)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Tell that the window is gone."""
        super().closeEvent(event)
        self.closed.emit(self._link.plot.name)

    def reject(self) -> None:
        """Close with Escape; while a mask is drawn, only that is given up."""
        if self.picture.pencil.active:
            self.picture.draw_no_more()
        else:
            self.close()

    def _take_picture(self) -> None:
        self.picture.show_picture(self._link)

    def _lay_out(self) -> None:
        facts = QGridLayout()
        facts.setColumnStretch(1, 1)
        names = ("Reason", "Do", "Call", "Shows", "Run, chunk", "Image", "Since", "Images")
        for row, name in enumerate((*names, "Model", "PV", "Masks", *EXTRA)):
            caption = _line(self, 14, bold=True)
            caption.setText(name)
            value = _line(self, 14)
            facts.addWidget(caption, row, 0, Qt.AlignTop)
            facts.addWidget(value, row, 1)
            self.rows[name] = value
        buttons = QHBoxLayout()
        for text, ask in (
            ("Copy for the log book", "share"),
            ("Save ...", "save"),
            ("Hide", "hide"),
        ):
            button = QPushButton(text, self)
            button.setProperty("ask", ask)
            button.clicked.connect(self._ask)
            buttons.addWidget(button)
        side = QVBoxLayout()
        side.addWidget(self.word)
        side.addWidget(self.weights)
        side.addLayout(facts)
        side.addStretch(1)
        side.addWidget(self.heat)
        side.addWidget(self.mask_row)
        side.addLayout(buttons)
        whole = QHBoxLayout(self)
        whole.addWidget(self.comparison, 3)
        whole.addLayout(side, 2)

    def _ask(self) -> None:
        self.asked.emit(str(self.sender().property("ask")), self._link.plot.name)


def face_of_nothing() -> Face:
    """Give the face of a plot of which nothing is known."""
    return face_of(Plot("?"), Reading(), Line())


def _line(parent: QWidget, size_px: int, *, bold: bool = False) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextSelectableByMouse)
    weight = "700" if bold else "400"
    label.setStyleSheet(f"font-size: {size_px}px; font-weight: {weight}")
    return label
