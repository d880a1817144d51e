"""One PV as the screens read it: last value, severity, connected or not.

Every screen goes through this: the slots are bound methods of a QObject (plain
functions never fire as first listener of a PyDM channel) and what changed is
told by one signal.
"""

import math
from typing import Any

import numpy as np
from pydm.data_plugins import plugin_for_address
from pydm.data_plugins.epics_plugins import pva_codec
from pydm.data_plugins.epics_plugins import pyepics_plugin_component as pyepics_plugin
from pydm.widgets.channel import PyDMChannel
from qtpy.QtCore import QObject, Signal

from pipeline.alarm import Severity

Pixels = np.ndarray[Any, Any]


class Rechecked(pyepics_plugin.Connection):
    """A CA connection that cannot lose its connect event.

    PyDM's own tests the connection in a thread pool and may report False after
    the CA thread has reported True, for good. Here the test is made once more
    after the listener is added.
    """

    def add_listener(self, channel: PyDMChannel) -> None:
        """Add a listener and tell it again when the PV is connected."""
        super().add_listener(channel)
        if self.pv.connected:
            self.send_connection_state(conn=True)


def mend_channel_access() -> None:
    """Let PyDM's CA plugin make ``Rechecked`` connections from now on."""
    plugin = plugin_for_address("ca://any")
    if plugin is not None and issubclass(plugin.connection_class, pyepics_plugin.Connection):
        plugin.connection_class = Rechecked


def mend_pictures() -> None:
    """Let PyDM take an empty picture for none, where it logs a fault for each."""
    if pva_codec.codecs.get("jpeg") is pva_codec.jpeg_decompress:
        pva_codec.codecs["jpeg"] = _decode_jpeg


def _decode_jpeg(data: Pixels, *rest: Any) -> Pixels:
    if not data.size:
        return data
    pixels: Pixels = pva_codec.jpeg_decompress(data, *rest)
    return pixels


class Field(QObject):
    """One PV.

    Attributes:
        value: Last value: int, float, str or array; None before the first.
        severity: Last severity; None before the first.
        connected: Whether the PV is connected now.
        stamp: Source time in whole seconds since the epoch; None when unknown.
    """

    changed = Signal()

    def __init__(
        self, address: str, parent: QObject, *, alarm: bool = False, stamped: bool = False
    ) -> None:
        """Subscribe.

        Args:
            address: With protocol, such as ``ca://HYDRA:Run``.
            parent: Owner.
            alarm: Whether the severity is wanted.
            stamped: Whether the source time is wanted; only pvAccess has it.
        """
        super().__init__(parent)
        self.value: Any = None
        self.severity: Severity | None = None
        self.connected = False
        self.stamp: float | None = None
        self._choices: tuple[str, ...] = ()
        self._channel = PyDMChannel(
            address=address,
            connection_slot=self.take_connection,
            value_slot=self.take_value,
            severity_slot=self.take_severity if alarm else None,
            enum_strings_slot=self.take_choices,
            timestamp_slot=self.take_stamp if stamped else None,
        )
        self._channel.connect()

    def close(self) -> None:
        """Unsubscribe."""
        self._channel.disconnect()

    def open_again(self) -> None:
        """Unsubscribe and subscribe.

        p4p loses the wake-up of a first update that comes before its monitor
        call returns, and then stays silent for good.
        """
        self._channel.disconnect()
        self.connected = False
        self._channel.connect()

    def take_stamp(self, stamp: float) -> None:
        """Slot of the channel."""
        self.stamp = stamp
        self.changed.emit()

    def take_connection(self, connected: bool) -> None:
        """Slot of the channel."""
        if connected != self.connected:
            self.connected = connected
            self.changed.emit()

    def take_value(self, value: Any) -> None:
        """Slot of the channel."""
        self.value = value
        self.changed.emit()

    def take_severity(self, severity: int) -> None:
        """Slot of the channel; an unknown number counts as INVALID."""
        known = severity in Severity.__members__.values()
        self.severity = Severity(severity) if known else Severity.INVALID
        self.changed.emit()

    def take_choices(self, choices: tuple[str, ...]) -> None:
        """Slot of the channel."""
        self._choices = tuple(str(choice) for choice in choices)
        self.changed.emit()

    def number(self) -> float | None:
        """Give the value as a finite number; None when it is none."""
        if isinstance(self.value, bool | int | float | np.number):
            number = float(self.value)
            return number if math.isfinite(number) else None
        return None

    def whole(self) -> int | None:
        """Give the value as a whole number; None when it is none."""
        number = self.number()
        return int(number) if number is not None else None

    def text(self) -> str:
        """Give the value as text: enum string, string or char waveform."""
        if self.value is None:
            return ""
        if isinstance(self.value, np.ndarray):
            return bytes(self.value.astype(np.uint8)).split(b"\0")[0].decode("utf-8", "replace")
        if isinstance(self.value, int) and self._choices:
            inside = 0 <= self.value < len(self._choices)
            return self._choices[self.value] if inside else ""
        if isinstance(self.value, int):
            # A char waveform of one character arrives as a number.
            return chr(self.value) if 32 <= self.value < 127 else ""
        return str(self.value)
