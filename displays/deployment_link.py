"""The PVs of the deployment as a whole: catalogue, beam, run, news, heartbeat."""

import time

from qtpy.QtCore import QObject, QTimer, Signal

from displays.card_state import Line
from displays.catalogue import CatalogueError, Plot, parse
from displays.field import Field
from pipeline.alarm import Severity

SILENCE_S = 5.0
"""A heartbeat overdue by this much greys the screen: a stopped IOC keeps its
connections alive for over half a minute. Source: facts measured with libca."""
CHECK_MS = 500
STATUS = ("Beam", "BeamCurrent", "Run", "RunType", "LastUpdate", "News.VAL$", "Producer")


class DeploymentLink(QObject):
    """One deployment's own PVs.

    Attributes:
        prefix: Of the deployment.
        plots: The catalogue; empty before it has arrived.
        fault: Why the catalogue cannot be used; empty if it can.
        line: Whether the IOC is heard.
    """

    catalogue_changed = Signal()
    status_changed = Signal()
    line_changed = Signal()

    def __init__(self, prefix: str, parent: QObject) -> None:
        """Subscribe.

        Args:
            prefix: The deployment's prefix.
            parent: Owner.
        """
        super().__init__(parent)
        self.prefix = prefix
        self.plots: tuple[Plot, ...] = ()
        self.fault = ""
        self.line = Line()
        self._opened_at = time.monotonic()
        self._beat_at: float | None = None
        self._beat_clock = ""
        self._beat: int | float | None = None
        self._catalogue = Field(f"ca://{prefix}Catalogue", self)
        self._catalogue.changed.connect(self._take_catalogue)
        self._heartbeat = Field(f"ca://{prefix}Ioc:Heartbeat", self)
        self._heartbeat.changed.connect(self._take_beat)
        self._status = {name: Field(f"ca://{prefix}{name}", self, alarm=True) for name in STATUS}
        for field in self._status.values():
            field.changed.connect(self.status_changed)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._check_line)
        self._timer.start(CHECK_MS)

    def close(self) -> None:
        """Unsubscribe from everything."""
        self._timer.stop()
        for field in (self._catalogue, self._heartbeat, *self._status.values()):
            field.close()

    @property
    def connected(self) -> bool:
        """Whether the IOC answers at all."""
        return self._catalogue.connected

    def text(self, name: str) -> str:
        """Give a status PV as text; empty when it is not connected."""
        field = self._status[name]
        return field.text() if field.connected else ""

    def number(self, name: str) -> float | None:
        """Give a status PV as a number; None when it is not connected."""
        field = self._status[name]
        return field.number() if field.connected else None

    def doubtful(self, name: str) -> bool:
        """Tell whether a status PV is INVALID: what it says may not be so any more."""
        return self._status[name].severity is Severity.INVALID

    def settled(self) -> bool:
        """Tell whether catalogue, heartbeat and status have arrived."""
        fields = (self._heartbeat, *self._status.values())
        return bool(self.plots) and all(
            field.connected and field.value is not None for field in fields
        )

    def _take_catalogue(self) -> None:
        text = self._catalogue.text()
        if not text:
            return
        try:
            plots = parse(text)
        except CatalogueError as error:
            self.fault = str(error)
        else:
            self.fault = ""
            if plots == self.plots:
                return
            self.plots = plots
        self.catalogue_changed.emit()

    def _take_beat(self) -> None:
        # Only a new count is a beat: connection events come through here too.
        if self._heartbeat.connected and self._heartbeat.value != self._beat:
            self._beat = self._heartbeat.value
            self._beat_at = time.monotonic()
            self._beat_clock = time.strftime("%H:%M:%S")
            self._check_line()

    def _check_line(self) -> None:
        heard_at = self._beat_at if self._beat_at is not None else self._opened_at
        silent = time.monotonic() - heard_at > SILENCE_S
        since = (self._beat_clock or "this screen was opened") if silent else ""
        if since != self.line.silent_since:
            self.line = Line(silent_since=since)
            self.line_changed.emit()
