"""The row of a detail window that adds masks and switches them off."""

from collections.abc import Sequence
from typing import Any, Protocol

from qtpy.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QWidget

from displays.mask_put import MaskDialog, MaskPutter
from displays.masks import Mask
from displays.plot_link import PlotLink
from displays.text import caption


class Canvas(Protocol):
    """Where outlines are drawn."""

    drawn: Any
    """Signal with the corners."""

    def draw_mask(self) -> None:
        """Let the mouse draw."""


class MaskRow(QWidget):
    """Buttons for masks, and what became of the last change."""

    def __init__(self, link: PlotLink, canvas: Canvas, parent: QWidget) -> None:
        """Lay out.

        Args:
            link: The plot.
            canvas: Draws an outline when asked.
            parent: The window.
        """
        super().__init__(parent)
        self._link = link
        self._masks: tuple[Mask, ...] = ()
        self.putter = MaskPutter(link.pv("MaskChange"), self)
        self.putter.answered.connect(self._tell)
        self.add = QPushButton("Mask a part ...", self)
        self.add.setToolTip("Drag a box on the picture, or click corners and double-click")
        self.add.clicked.connect(self._begin)
        self.off = QPushButton("Unmask \u25be", self)
        self.off.setToolTip("Switch a mask off; it stays on record")
        self.off.clicked.connect(self._choose)
        self.told = QLabel(self)
        self.told.setWordWrap(True)
        self._canvas = canvas
        canvas.drawn.connect(self._ask)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.add)
        row.addWidget(self.off)
        row.addWidget(self.told, 1)
        self.show_masks(())

    def show_masks(self, masks: Sequence[Mask]) -> None:
        """Offer these masks to be switched off."""
        self._masks = tuple(masks)
        self.off.setEnabled(bool(masks))

    def _begin(self) -> None:
        self.told.setText("Drag a box, or click corners and double-click; Esc gives up.")
        self._canvas.draw_mask()

    def _ask(self, points: tuple[tuple[float, float], ...]) -> None:
        self.told.setText("")
        dialog = MaskDialog(self._link.plot.name, points, self)
        if dialog.exec_():
            self.send(dialog.change())
        dialog.deleteLater()

    def _choose(self) -> None:
        menu = QMenu(self)
        actions = {menu.addAction(caption(mask.line())): mask.name for mask in self._masks}
        chosen = menu.exec_(self.off.mapToGlobal(self.off.rect().bottomLeft()))
        menu.deleteLater()
        if chosen in actions:
            self.send({"do": "disable", "name": actions[chosen]})

    def send(self, change: dict[str, object]) -> None:
        """Ask the IOC for a change and say so."""
        self.told.setText("asking ...")
        self.putter.put(change)

    def _tell(self, fault: str) -> None:
        self.told.setText(f"Refused: {fault}" if fault else "Done; it holds from the next image.")
