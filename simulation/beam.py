"""Telling the control system the beam current, if it listens."""

import asyncio
import logging
import os
from typing import Any, Final

from caproto import CaprotoError
from caproto.asyncio.client import Context

logger = logging.getLogger(__name__)

CURRENT: Final = 150.0
"""Nominal beam current in nA; Hall D runs at some 100 to 300 nA."""
WRITE_S: Final = 1.0
"""Longest time that sending may take."""


class BeamWriter:
    """Writes a PV over Channel Access; never waits for its server.

    The experiment goes on whether or not a control system is there.
    """

    def __init__(self, pv: str, address: str, port: int) -> None:
        """Name the PV.

        Args:
            pv: Full name.
            address: Where its server is.
            port: Its UDP search port.
        """
        self._name = pv
        self._address = address
        self._port = port
        self._context: Any = None
        self._pv: Any = None
        self._reached: bool | None = None

    async def start(self) -> None:
        """Begin to look for the PV in the background."""
        os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
        os.environ["EPICS_CA_ADDR_LIST"] = self._address
        os.environ["EPICS_CA_SERVER_PORT"] = str(self._port)
        logging.getLogger("caproto").setLevel(logging.WARNING)
        self._context = Context()
        (self._pv,) = await self._context.get_pvs(self._name)

    async def write(self, current: float) -> bool:
        """Write the current if the PV is connected.

        Args:
            current: In nA.

        Returns:
            Whether it was sent.
        """
        try:
            sent = bool(self._pv is not None and self._pv.connected)
            if sent:
                await asyncio.wait_for(self._pv.write(current, wait=False), WRITE_S)
        except (CaprotoError, OSError, TimeoutError) as error:
            logger.warning("beam_pv=%s error=%s", self._name, error)
            sent = False
        if sent is not self._reached:
            self._reached = sent
            logger.info("beam_pv=%s reached=%s", self._name, sent)
        return sent

    async def stop(self) -> None:
        """Give the PV back."""
        if self._context is not None:
            await self._context.disconnect()
            self._context = None
            self._pv = None
