"""A scrolling board of cards in equal columns."""

from collections.abc import Sequence
from typing import Final

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent, QResizeEvent
from qtpy.QtWidgets import QLabel, QScrollArea, QWidget

from displays.card import KEPT, Card
from displays.notice import Notice

GAP: Final = 8
SMALLEST: Final = 196
"""Below this width in pixels a card's text cannot be read from a chair."""
Item = Card | Notice


class Board(QScrollArea):
    """Lays cards out; as many columns as let all be seen without scrolling."""

    def __init__(
        self,
        parent: QWidget,
        *,
        columns: int | None = None,
        squeezed: bool = False,
        empty: str = "",
    ) -> None:
        """Begin empty.

        Args:
            parent: Owner.
            columns: Fixed number of columns; None to choose what fits.
            squeezed: Whether pictures give up height so that more cards are seen.
            empty: Text shown while the board has no item.
        """
        super().__init__(parent)
        self.items: list[Item] = []
        self.zoom = 0
        """Columns fewer (positive) or more (negative) than what fits."""
        self._columns = columns
        self._squeezed = squeezed
        self._ground = QWidget(self)
        self._empty = QLabel(empty, self._ground)
        self._empty.setObjectName("empty")
        self._empty.setAlignment(Qt.AlignCenter)
        self._empty.setWordWrap(True)
        self.setWidget(self._ground)
        self.setFrameShape(QScrollArea.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.NoFocus)

    @property
    def ground(self) -> QWidget:
        """The widget on which cards lie; make them with it as parent."""
        return self._ground

    def set_items(self, items: Sequence[Item]) -> None:
        """Lay out these items, in this order; others on the board are hidden.

        Args:
            items: Cards and notices.
        """
        if list(items) == self.items:
            return
        for item in self.items:
            if item not in items and item.parent() is self._ground:
                item.hide()
        self.items = list(items)
        for item in items:
            if item.parent() is not self._ground:
                item.setParent(self._ground)
        self.arrange()

    def set_empty_text(self, text: str) -> None:
        """Say why nothing is on the board."""
        self._empty.setText(text)

    def set_zoom(self, zoom: int) -> None:
        """Show larger (positive) or smaller cards."""
        self.zoom = zoom
        self.arrange()

    def arrange(self) -> None:
        """Give every item its place."""
        width = self.viewport().width()
        columns = self._columns or self._fitting(width)
        wide = max(80, (width - GAP * (columns + 1)) // columns)
        self._squeeze(wide)
        top, row_height, bottom = GAP, 0, GAP
        for index, item in enumerate(self.items):
            column = index % columns
            if column == 0 and index:
                top += row_height + GAP
                row_height = 0
            height = self._height(item, wide)
            row_height = max(row_height, height)
            item.setGeometry(GAP + column * (wide + GAP), top, wide, height)
            item.show()
            bottom = max(bottom, top + height + GAP)
        shown = self.viewport().height()
        self._ground.resize(width, max(bottom, shown))
        self._empty.setVisible(not self.items)
        self._empty.setGeometry(GAP, GAP, width - 2 * GAP, shown - 2 * GAP)

    def reveal(self, item: Item) -> None:
        """Scroll to an item and give it the focus."""
        self.ensureWidgetVisible(item, 0, GAP)
        item.setFocus(Qt.OtherFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Lay out anew."""
        super().resizeEvent(event)
        self.arrange()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Walk from card to card with the arrows, Home and End."""
        focus = self.focusWidget()
        steps = {
            Qt.Key_Left: -1,
            Qt.Key_Right: 1,
            Qt.Key_Up: -self._columns_now(),
            Qt.Key_Down: self._columns_now(),
        }
        if not self.items or event.key() not in (*steps, Qt.Key_Home, Qt.Key_End):
            event.ignore()
            return
        here = self.items.index(focus) if focus in self.items else 0
        ends = {Qt.Key_Home: 0, Qt.Key_End: len(self.items) - 1}
        there = ends.get(event.key(), here + steps.get(event.key(), 0))
        self.reveal(self.items[min(max(there, 0), len(self.items) - 1)])

    def _squeeze(self, wide: int) -> None:
        cards = [item for item in self.items if isinstance(item, Card)]
        for card in cards:
            card.squeeze, card.terse = 0, 0
        if not (self._squeezed and cards):
            return
        over = self._overflow(cards, wide)
        for card in cards:
            card.squeeze = max(0, -(-over // len(cards)))
        for terse in range(1, len(KEPT)):
            if self._overflow(cards, wide) <= 0:
                break
            # The worst keeps all its text.
            for card in cards[1:]:
                card.terse = terse

    def _overflow(self, cards: list[Card], wide: int) -> int:
        need = sum(card.height_for(wide) + GAP for card in cards) + GAP
        return int(need - self.viewport().height())

    def _columns_now(self) -> int:
        return self._columns or self._fitting(self.viewport().width())

    def _fitting(self, width: int) -> int:
        most = max(1, (width - GAP) // (SMALLEST + GAP))
        height = self.viewport().height()
        fitting = most
        for columns in range(2, most + 1):
            wide = (width - GAP * (columns + 1)) // columns
            rows = -(-len(self.items) // columns)
            card = next((item for item in self.items if isinstance(item, Card)), None)
            tall = card.height_for(wide) if card else wide
            if GAP + rows * (tall + GAP) <= height:
                fitting = columns
                break
        return min(max(1, fitting - self.zoom), max(1, (width - GAP) // (120 + GAP)))

    def _height(self, item: Item, wide: int) -> int:
        if isinstance(item, Card):
            return item.height_for(wide)
        card = next((other for other in self.items if isinstance(other, Card)), None)
        return card.height_for(wide) if card else round(wide * 0.9)
