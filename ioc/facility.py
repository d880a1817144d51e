"""Monitors numbers that other IOCs of the facility serve."""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final

from pipeline.alarm import Severity

LOOK_S: Final = 0.25
"""How often it is looked whether a PV has connected or is lost."""


class FacilityPv:
    """One PV of the facility, through libca.

    Connections are looked at from one thread. pyepics' own ``PV`` subscribes in a
    callback of libca, where a connection now and then is never noticed.
    """

    def __init__(
        self,
        ca: Any,
        name: str,
        told: Callable[[Any], None],
        read: "Callable[[Any, int], Any] | None" = None,
        *,
        as_text: bool = False,
    ) -> None:
        """Begin to search.

        Args:
            ca: The module ``epics.ca``.
            name: The PV.
            told: Called with each value, in libca's thread; and with None, in this
                one, when the PV is lost.
            read: Makes of value and severity what is told; a number by default.
            as_text: Ask for the value as a string: of an enum the state's name.
        """
        self._read = read or number
        self._as_text = as_text
        self._ca = ca
        self._told = told
        self._channel = ca.create_channel(name, connect=False)
        self._subscription: Any = None
        self._connected = False

    def look(self) -> None:
        """Subscribe once connected, tell when lost; libca renews a subscription itself."""
        connected = bool(self._ca.isConnected(self._channel))
        if connected and self._subscription is None:
            dbr = self._ca.dbr
            self._subscription = self._ca.create_subscription(
                self._channel,
                ftype=dbr.TIME_STRING if self._as_text else None,
                use_time=True,
                mask=dbr.DBE_VALUE | dbr.DBE_ALARM,
                callback=self._on_value,
            )
        if self._connected and not connected:
            self._told(None)
        self._connected = connected
        self._ca.flush_io()

    def _on_value(self, value: Any = None, severity: int = 0, **_: Any) -> None:
        self._told(self._read(value, severity))

    def close(self) -> None:
        """End the search or the subscription."""
        self._ca.clear_channel(self._channel)


async def watch(pvs: list[FacilityPv]) -> None:
    """Keep looking until cancelled.

    Args:
        pvs: PVs of the facility.
    """
    try:
        while True:
            for pv in pvs:
                pv.look()
            await asyncio.sleep(LOOK_S)
    finally:
        for pv in pvs:
            pv.close()


def number(value: Any, severity: int) -> float | None:
    """Give a facility's value as a number, None when it says nothing.

    Args:
        value: As the client library gives it.
        severity: Alarm severity of it; an INVALID value is unknown.
    """
    if severity >= Severity.INVALID or isinstance(value, bool | str) or value is None:
        return None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def text(value: Any, severity: int) -> str | None:
    """Give a facility's value as a text, None when it says nothing.

    Args:
        value: As the client library gives it.
        severity: Alarm severity of it; an INVALID value is unknown.
    """
    if severity >= Severity.INVALID or not isinstance(value, str):
        return None
    said = value.strip()
    return said if said.isprintable() else None
