"""Pictures for the cards: scaled off the GUI thread, the latest wins."""

from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from qtpy.QtGui import QImage


def as_image(pixels: np.ndarray[Any, Any]) -> QImage:
    """Wrap pixels as an image of its own.

    Args:
        pixels: uint8 (H, W, 3) RGB or (H, W) grey.
    """
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    kind = QImage.Format_RGB888 if pixels.ndim == 3 else QImage.Format_Grayscale8
    stride = width * (3 if pixels.ndim == 3 else 1)
    return QImage(pixels.data, width, height, stride, kind).copy()


class _Job(QRunnable):
    """Scales one picture in a thread of the pool."""

    def __init__(self, owner: "Scaler", pixels: np.ndarray[Any, Any], size: QSize) -> None:
        super().__init__()
        self._owner = owner
        self._pixels = pixels
        self._size = size

    def run(self) -> None:
        """Scale and hand over; called by the pool."""
        image = as_image(self._pixels)
        if image.width() > self._size.width() or image.height() > self._size.height():
            image = image.scaled(self._size, Qt.KeepAspectRatio, Qt.SmoothTransformation)
        else:
            image = image.scaled(self._size, Qt.KeepAspectRatio, Qt.FastTransformation)
        self._owner.done.emit(image)


class Scaler(QObject):
    """Scales the pictures of one card, one at a time.

    A picture that comes while another is being scaled waits; one that comes
    while another waits replaces it.
    """

    done = Signal(QImage)
    ready = Signal(QImage)

    def __init__(self, parent: QObject) -> None:
        """Begin idle."""
        super().__init__(parent)
        self._busy = False
        self._next: tuple[np.ndarray[Any, Any], QSize] | None = None
        self.done.connect(self._take, Qt.QueuedConnection)

    def scale(self, pixels: np.ndarray[Any, Any], size: QSize) -> None:
        """Ask for a picture in a size; ``ready`` carries it.

        Args:
            pixels: uint8 (H, W, 3) or (H, W).
            size: Box in device pixels; the aspect is kept.
        """
        if size.isEmpty():
            return
        if self._busy:
            self._next = (pixels, size)
            return
        self._busy = True
        QThreadPool.globalInstance().start(_Job(self, pixels, size))

    def _take(self, image: QImage) -> None:
        self._busy = False
        waiting, self._next = self._next, None
        if waiting is not None:
            self.scale(*waiting)
        else:
            self.ready.emit(image)
