"""Telling the control system the beam current, if it listens."""

import logging
import os
from typing import Any, Final

logger = logging.getLogger(__name__)

CURRENT: Final = 150.0
"""Nominal beam current in nA; Hall D runs at some 100 to 300 nA."""


class BeamWriter:
    """Writes a PV over Channel Access; never waits for it.

    The experiment goes on whether or not a control system is there.
    """

    def __init__(self, pv: str, address: str, port: int) -> None:
        """Begin to look for the PV in the background.

        Args:
            pv: Full name.
            address: Where its server is.
            port: Its UDP search port.
        """
        os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
        os.environ["EPICS_CA_ADDR_LIST"] = address
        os.environ["EPICS_CA_SERVER_PORT"] = str(port)
        import epics

        self._name = pv
        self._pv: Any = epics.PV(pv, auto_monitor=False, connection_timeout=0.01)
        self._reached: bool | None = None
        self.refusal = ""

    def write(self, current: float) -> bool:
        """Write the current if the PV is connected.

        Args:
            current: In nA.

        Returns:
            Whether it could be sent.
        """
        connected = bool(self._pv.connected)
        if connected and not self._pv.write_access:
            self.refusal = f"{self._name} may not be written from here"
            connected = False
        if connected:
            self._pv.put(current, wait=False)
        if connected is not self._reached:
            self._reached = connected
            logger.info("beam_pv=%s reached=%s %s", self._name, connected, self.refusal)
        return connected

    def close(self) -> None:
        """Give the PV back."""
        self._pv.disconnect()
