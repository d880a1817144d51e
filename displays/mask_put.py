"""Asking the IOC for a change of a mask: a put off the GUI thread, and its answer."""

import json
import logging
import time
from typing import Any, Final

from p4p.client.thread import Context
from qtpy.QtCore import QObject, QRunnable, QThreadPool, Signal
from qtpy.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QWidget

from displays.mask_pencil import Points

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 10.0
"""The IOC itself waits at most a few seconds for the Keeper."""
SPANS: Final = {
    "8 hours": 8 * 3600.0,
    "1 day": 86400.0,
    "3 days": 3 * 86400.0,
    "1 week": 7 * 86400.0,
    "until switched off": None,
}
"""Offered times in seconds; None never ends."""


class MaskPutter(QObject):
    """Puts changes of a plot's masks."""

    answered = Signal(str)
    """Empty when the change is committed, else why it is not."""

    def __init__(self, pv: str, parent: QObject) -> None:
        """Name the PV.

        Args:
            pv: Name of the plot's MaskChange.
            parent: Owner.
        """
        super().__init__(parent)
        self._pv = pv

    def put(self, change: dict[str, Any]) -> None:
        """Ask for a change; ``answered`` tells what became of it."""
        QThreadPool.globalInstance().start(_Job(self, self._pv, json.dumps(change)))


class _Job(QRunnable):
    def __init__(self, owner: MaskPutter, pv: str, text: str) -> None:
        super().__init__()
        self._owner = owner
        self._pv = pv
        self._text = text

    def run(self) -> None:
        """Put and tell; called by the pool."""
        try:
            with Context("pva") as context:
                context.put(self._pv, {"value": self._text}, timeout=TIMEOUT_S)
        except TimeoutError:
            answer = f"no answer from {self._pv} within {TIMEOUT_S:g} s"
        except Exception as error:  # noqa: BLE001 - the library raises what the server says
            answer = str(error) or type(error).__name__
        else:
            answer = ""
        if answer:
            logger.warning("pv=%s event=put-refused reason=%r", self._pv, answer)
        self._owner.answered.emit(answer)


class MaskDialog(QDialog):
    """Asks for name, reason and end of a new mask."""

    def __init__(self, plot: str, points: Points, parent: QWidget) -> None:
        """Lay out.

        Args:
            plot: Name of the plot.
            points: Outline in fractions of the picture.
            parent: The window.
        """
        super().__init__(parent)
        self._points = points
        self.setWindowTitle(f"Mask a part of {plot}")
        self.name = QLineEdit(self)
        self.name.setMaxLength(60)
        self.reason = QLineEdit(self)
        self.reason.setMaxLength(500)
        self.span = QComboBox(self)
        self.span.addItems(list(SPANS))
        self.buttons = QDialogButtonBox(QDialogButtonBox.Ok | QDialogButtonBox.Cancel, parent=self)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow("Name", self.name)
        form.addRow("Known problem", self.reason)
        form.addRow("Ends after", self.span)
        form.addRow(self.buttons)
        for line in (self.name, self.reason):
            line.textChanged.connect(self._check)
        self._check()

    def change(self) -> dict[str, Any]:
        """Give what is to be put."""
        seconds = SPANS[self.span.currentText()]
        return {
            "do": "add",
            "name": self.name.text().strip(),
            "reason": self.reason.text().strip(),
            "points": [list(point) for point in self._points],
            "expires": None if seconds is None else round(time.time() + seconds, 3),
        }

    def _check(self) -> None:
        full = bool(self.name.text().strip() and self.reason.text().strip())
        self.buttons.button(QDialogButtonBox.Ok).setEnabled(full)
