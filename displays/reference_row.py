"""The pictures of a detail window: that of now alone, or with the plot's reference."""

from qtpy.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from displays.card_state import Face, Reading
from displays.plot_link import PlotLink
from displays.reference_view import ReferenceView, View

TIPS = {
    View.NOW: "The image of now, with its heat map",
    View.BESIDE: "The image of now and the reference",
    View.TURNS: "Both in the same place, one after the other: what changes jumps",
    View.DIFFERENCE: "In red what is unlike the reference",
}


class Comparison(QWidget):
    """The picture and, where the plot has references, buttons to compare it."""

    def __init__(self, link: PlotLink, picture: QWidget, parent: QWidget) -> None:
        """Lay out.

        Args:
            link: The plot.
            picture: Shows the image of now alone.
            parent: The window.
        """
        super().__init__(parent)
        self._link = link
        self.view = ReferenceView(self)
        self.buttons: dict[View, QPushButton] = {}
        self._pages = QStackedLayout()
        self._pages.addWidget(picture)
        self._pages.addWidget(self.view)
        group, row = QButtonGroup(self), QHBoxLayout()
        for view in View:
            button = QPushButton(view.value, self)
            button.setCheckable(True)
            button.setToolTip(TIPS[view])
            button.setProperty("view", view.name)
            button.setVisible(link.plot.references)
            button.clicked.connect(self._choose)
            group.addButton(button)
            row.addWidget(button)
            self.buttons[view] = button
        row.addStretch(1)
        self.buttons[View.NOW].setChecked(True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(self._pages, 1)
        whole.addLayout(row)
        for signal in (link.picture_changed, link.reference_changed):
            signal.connect(self._take)

    def choose(self, view: View) -> None:
        """Show the pictures this way."""
        self.buttons[view].setChecked(True)
        self._pages.setCurrentIndex(0 if view is View.NOW else 1)
        self.view.choose(view)
        self._take()

    def show_face(self, face: Face, reading: Reading) -> None:
        """Veil the image of now where it is not live; name the references."""
        self.view.show_face(face, reading.references)

    def _choose(self) -> None:
        self.choose(View[str(self.sender().property("view"))])

    def _take(self) -> None:
        # Comparing costs; nobody sees it while the image of now is shown alone.
        if self._pages.currentIndex():
            self.view.show_pictures(self._link.picture, self._link.reference)
