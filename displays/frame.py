"""The frame of the Run screen: head, controls and the two columns, still empty."""

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from displays.arrangement import Arrangement
from displays.board import Board
from displays.controls import Controls, HeatSlider
from displays.status_bar import HeadlineTile, Legend, NewsStrip, StatusText

NARROW = 1500
"""Below this width in pixels the status is written smaller."""
STYLE = Path(__file__).with_name("style.qss")


class Frame(QWidget):
    """Everything on the Run screen that is there before the first PV."""

    def __init__(self, prefix: str, parent: QWidget) -> None:
        """Make the parts and lay them out.

        Args:
            prefix: Of the deployment.
            parent: The display.
        """
        super().__init__(parent)
        self.setObjectName("run")
        self.setAttribute(Qt.WA_StyledBackground)
        self._fault = ""
        site = prefix.rstrip(":")
        self.name = QLabel("HYDRA" if site == "HYDRA" else f"HYDRA  {site}", self)
        self.name.setObjectName("name")
        self.name.setTextFormat(Qt.PlainText)
        self.headline = HeadlineTile(self)
        self.beam = StatusText("Beam", self)
        self.run = StatusText("Run", self)
        self.last = StatusText("Last update", self)
        self.news = NewsStrip(self)
        self.legend = Legend(self)
        self.controls = Controls(self)
        self.heat = HeatSlider(self)
        self.banner = QLabel(self)
        self.banner.setObjectName("banner")
        self.banner.setTextFormat(Qt.PlainText)
        self.banner.setWordWrap(True)
        self.banner.hide()
        self.board = Board(self, empty=f"Waiting for {prefix}Catalogue")
        self.bad_board = Board(self, columns=1, squeezed=True, empty="No bad plots")
        self.plots_heading = self._heading("plots")
        self.bad_heading = self._heading("bad")
        self._lay_out()
        self.setStyleSheet(STYLE.read_text(encoding="utf-8"))

    def show_counts(self, layout: Arrangement, group: str) -> None:
        """Write the counters of both columns: shown / in all.

        Args:
            layout: What lies where.
            group: The only group that is shown; empty for all.
        """
        only = f"   only group {group}" if group else ""
        self.plots_heading.setText("PLOTS ({} / {})".format(*layout.plots) + only)
        unseen = layout.bads[1] - layout.bads[0]
        more = f"  {unseen} not shown" if unseen else ""
        self.bad_heading.setText("BAD PLOTS ({} / {})".format(*layout.bads) + more)
        state = "bad" if layout.bads[1] else ""
        if self.bad_heading.property("state") != state:
            self.bad_heading.setProperty("state", state)
            self.bad_heading.style().unpolish(self.bad_heading)
            self.bad_heading.style().polish(self.bad_heading)

    def show_fault(self, text: str) -> None:
        """Say that the screen itself failed; stays until it is opened again."""
        self._fault = f"THIS SCREEN HAS A FAULT, open it again: {text}"
        self.show_banner("")

    def show_banner(self, text: str) -> None:
        """Say across the whole screen that something is wrong with the line."""
        text = self._fault or text
        if text != self.banner.text():
            self.banner.setText(text)
            self.banner.setVisible(bool(text))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Write the status smaller where there is less room."""
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        for label in (self.beam, self.run, self.last):
            label.set_narrow(narrow)

    def _heading(self, kind: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName("heading")
        label.setTextFormat(Qt.PlainText)
        label.setProperty("kind", kind)
        return label

    def _lay_out(self) -> None:
        status = QHBoxLayout()
        status.setContentsMargins(12, 0, 12, 0)
        status.setSpacing(10)
        status.addWidget(self.headline, 1)
        for label in (self.beam, self.run, self.last):
            status.addWidget(label)
        second = QHBoxLayout()
        second.setContentsMargins(12, 0, 12, 0)
        second.setSpacing(14)
        second.addWidget(self.name)
        second.addWidget(self.legend)
        second.addStretch(1)
        second.addWidget(self.controls)
        plots = QVBoxLayout()
        plots.setSpacing(0)
        plots.addWidget(self.plots_heading)
        plots.addWidget(self.board, 1)
        bads = QVBoxLayout()
        bads.setSpacing(0)
        bads.addWidget(self.bad_heading)
        bads.addWidget(self.heat)
        bads.addWidget(self.bad_board, 1)
        columns = QHBoxLayout()
        columns.setSpacing(8)
        columns.addLayout(plots, 4)
        columns.addLayout(bads, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        whole.addWidget(self.news)
        whole.addLayout(status)
        whole.addLayout(second)
        whole.addWidget(self.banner)
        whole.addLayout(columns, 1)
