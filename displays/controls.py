"""The row of controls: group filter, hidden plots, size of cards, heat map."""

from collections.abc import Iterable

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSlider, QWidget

from displays.text import caption

ALL_GROUPS = "all"
STEPS = 20
"""The opacity moves in steps of 0.05, as in the original."""


class Controls(QWidget):
    """What a user can choose; everything is reachable by key."""

    group_chosen = Signal(str)
    """Name of the group; empty for all."""
    show_again = Signal(str)
    """A hidden plot shall be shown; empty for all."""
    zoom_asked = Signal(int)
    signs_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        """Begin with no group and nothing hidden."""
        super().__init__(parent)
        self._groups: tuple[str, ...] = ()
        self.groups = QPushButton(self)
        self.groups.setToolTip("Show only one group (G)")
        self.groups.clicked.connect(self.open_groups)
        self.set_groups((), "")
        self.hidden = QPushButton("Hidden (0) \u25be", self)
        self.hidden.setToolTip("Plots you have hidden; they still raise alarms (U)")
        self.hidden.clicked.connect(self.open_hidden)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.groups)
        row.addWidget(self.hidden)
        for text, step, tip in (("\u2212", -1, "Smaller cards (-)"), ("+", 1, "Larger cards (+)")):
            button = QPushButton(text, self)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            button.setProperty("step", step)
            button.clicked.connect(self._zoom)
            row.addWidget(button)
        signs = QPushButton("Signs", self)
        signs.setToolTip("What the signs and keys mean (F1)")
        signs.clicked.connect(self.signs_asked)
        row.addWidget(signs)
        self._names: tuple[str, ...] = ()

    def set_groups(self, names: Iterable[str], chosen: str) -> None:
        """Offer these groups.

        Args:
            names: Of the groups, in order.
            chosen: The one that is on; empty for all.
        """
        self._groups = tuple(names)
        self.groups.setText(caption(f"Group: {chosen or ALL_GROUPS} \u25be"))

    def open_groups(self) -> None:
        """List the groups; choosing one shows only its plots."""
        menu = QMenu(self)
        actions = {menu.addAction(ALL_GROUPS): ""}
        menu.addSeparator()
        actions |= {menu.addAction(caption(name)): name for name in self._groups}
        chosen = menu.exec_(self.groups.mapToGlobal(self.groups.rect().bottomLeft()))
        menu.deleteLater()
        if chosen in actions:
            self.group_chosen.emit(actions[chosen])

    def set_hidden(self, names: Iterable[str]) -> None:
        """Tell which plots are hidden."""
        self._names = tuple(sorted(names))
        self.hidden.setText(f"Hidden ({len(self._names)}) \u25be")

    def open_hidden(self) -> None:
        """List the hidden plots; choosing one shows it again."""
        menu = QMenu(self)
        everything = menu.addAction("Show all again")
        everything.setEnabled(bool(self._names))
        menu.addSeparator()
        actions = {menu.addAction(caption(f"Show {name}")): name for name in self._names}
        chosen = menu.exec_(self.hidden.mapToGlobal(self.hidden.rect().bottomLeft()))
        menu.deleteLater()
        if chosen is everything:
            self.show_again.emit("")
        elif chosen in actions:
            self.show_again.emit(actions[chosen])

    def _zoom(self) -> None:
        self.zoom_asked.emit(int(self.sender().property("step")))


class HeatSlider(QWidget):
    """How strongly the heat map is filled; 0 leaves it away."""

    changed = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        """Begin at 0."""
        super().__init__(parent)
        self._last = 0.5
        self.slider = QSlider(Qt.Horizontal, self)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(5)
        self.slider.setAccessibleName("Opacity of the heat map")
        self.slider.setToolTip("Opacity of the heat map (M switches it off and on)")
        self.slider.valueChanged.connect(self._tell)
        self._text = QLabel(self)
        self._text.setObjectName("small")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 2, 10, 2)
        row.addWidget(self._text)
        row.addWidget(self.slider, 1)
        self._tell(0)

    @property
    def opacity(self) -> float:
        """The choice, 0 to 1."""
        return float(self.slider.value()) / STEPS

    def set_opacity(self, opacity: float) -> None:
        """Move the slider."""
        self.slider.setValue(round(opacity * STEPS))

    def toggle(self) -> None:
        """Switch the heat map off, or on as it was."""
        if self.slider.value():
            self._last = self.opacity
            self.slider.setValue(0)
        else:
            self.set_opacity(self._last)

    def _tell(self, value: int) -> None:
        self._text.setText(f"Heat map {value * 100 // STEPS} %" if value else "Heat map off")
        self.changed.emit(value / STEPS)
