"""The buttons that appear on a card under the mouse."""

from typing import Final

from qtpy.QtCore import QRect, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

ASKS: Final = (
    ("open", "Open", "Open large, with all numbers", "Enter"),
    ("share", "Copy", "Copy text and picture for the log book", "C"),
    ("save", "Save", "Save picture and text ...", "S"),
    ("hide", "Hide", "Hide this plot from your screen", "H"),
)
"""What can be asked of a card: word, button, tip and key."""


class ActionRow(QWidget):
    """Open, copy, save, hide."""

    asked = Signal(str)

    def __init__(self, card: QWidget) -> None:
        """Make the buttons.

        Args:
            card: On which they appear.
        """
        super().__init__(card)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        for ask, text, tip, key in ASKS:
            button = QPushButton(text, self)
            button.setObjectName("action")
            button.setToolTip(f"{tip} ({key})")
            button.setProperty("ask", ask)
            button.setFocusPolicy(Qt.NoFocus)
            button.clicked.connect(self._tell)
            row.addWidget(button)

    def place(self, picture: QRect) -> None:
        """Appear on the lower edge of a picture.

        Args:
            picture: Where it lies on the card.
        """
        height = self.sizeHint().height()
        self.setGeometry(picture.left(), picture.bottom() - height, picture.width(), height)
        self.show()
        self.raise_()

    def _tell(self) -> None:
        self.asked.emit(str(self.sender().property("ask")))
