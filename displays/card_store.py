"""All cards with their PVs: made in batches, refreshed together."""

from collections.abc import Sequence
from typing import Final

from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QWidget

from displays.arrangement import Entry
from displays.card import Card
from displays.card_state import Line, in_bad_column
from displays.catalogue import Plot
from displays.plot_link import PlotLink

BATCH: Final = 6
"""Cards made in one turn of the event loop, so that it goes on breathing."""
FLUSH_MS: Final = 40
"""PVs of one image arrive one by one: what arrives within this is painted once."""


class CardStore(QObject):
    """The cards of a deployment.

    Attributes:
        cards: By name of the plot.
        entries: What the arrangement needs to know, by name.
    """

    moved = Signal()
    """A card came, went, or changed its level: arrange anew."""
    refreshed = Signal(str)
    """A card's reading was shown; carries the plot's name."""
    asked = Signal(str, str)
    """Passed on from the cards."""
    dropped = Signal(str)
    """A plot left the catalogue, or its entry changed."""

    def __init__(self, prefix: str, parent: QObject, ground: QWidget) -> None:
        """Begin without cards.

        Args:
            prefix: The deployment's prefix.
            parent: Owner.
            ground: The widget on which new cards lie.
        """
        super().__init__(parent)
        self.cards: dict[str, Card] = {}
        self.entries: dict[str, Entry] = {}
        self.line = Line()
        self.opacity = 0.0
        self._prefix = prefix
        self._ground = ground
        self._dirty: set[str] = set()
        self._waiting: list[Plot] = []
        self._flusher = QTimer(self)
        self._flusher.setSingleShot(True)
        self._flusher.setInterval(FLUSH_MS)
        self._flusher.timeout.connect(self.flush)
        self._builder = QTimer(self)
        self._builder.timeout.connect(self._make_some)

    def set_plots(self, plots: Sequence[Plot]) -> None:
        """Have a card for each of these plots and for no other."""
        gone = [name for name, card in self.cards.items() if card.link.plot not in plots]
        for name in gone:
            self._drop(name)
        if gone:
            self.moved.emit()
        self._waiting = [plot for plot in plots if plot.name not in self.cards]
        self._builder.start(0)

    @property
    def complete(self) -> bool:
        """Whether every plot has its card."""
        return not self._waiting

    def set_line(self, line: Line) -> None:
        """Tell whether the IOC is heard."""
        self.line = line
        self.refresh()

    def set_opacity(self, opacity: float) -> None:
        """Set how strongly heat maps are filled, on all cards."""
        self.opacity = opacity
        for card in self.cards.values():
            card.set_opacity(opacity)

    def refresh(self) -> None:
        """Show all readings anew, as when their age has grown."""
        for card in self.cards.values():
            card.link.check_pictures()
        self._dirty.update(self.cards)
        self.flush()

    def flush(self) -> None:
        """Show the readings that have changed."""
        dirty, self._dirty = self._dirty, set()
        moved = False
        for name in dirty:
            card = self.cards.get(name)
            if card is None:
                continue
            reading = card.link.reading()
            card.show_reading(reading, self.line)
            entry = Entry(card.link.plot, card.face.level, in_bad_column(card.link.plot, reading))
            moved |= entry != self.entries.get(name)
            self.entries[name] = entry
            self.refreshed.emit(name)
        if moved:
            self.moved.emit()

    def close(self) -> None:
        """Unsubscribe from everything."""
        self._builder.stop()
        self._flusher.stop()
        for name in list(self.cards):
            self._drop(name)

    def _make_some(self) -> None:
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        for plot in batch:
            link = PlotLink(self._prefix, plot, self)
            card = Card(link, self._ground)
            card.set_opacity(self.opacity)
            card.asked.connect(self.asked)
            link.changed.connect(self._mark)
            self.cards[plot.name] = card
            self._dirty.add(plot.name)
        if not self._waiting:
            self._builder.stop()
        self.flush()

    def _drop(self, name: str) -> None:
        card = self.cards.pop(name)
        self.entries.pop(name, None)
        card.link.close()
        card.link.deleteLater()
        card.hide()
        card.deleteLater()
        self.dropped.emit(name)

    def _mark(self, name: str) -> None:
        self._dirty.add(name)
        if not self._flusher.isActive():
            self._flusher.start()
