"""What kind of run the experiment takes: from the facility's PV, or from clients."""

import asyncio
import getpass
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Final

from ioc.board import Board
from ioc.description import STRING_LIMIT
from ioc.facility import FacilityPv, text, watch
from ioc.value import EPICS_EPOCH, PvValue
from pipeline.alarm import Severity, Status
from pipeline.config import Config
from pipeline.errors import CommandError
from pipeline.messages import Command, SetRunType, SiteState, Who

logger = logging.getLogger(__name__)

RETRY_S: Final = 2.0


class RunType:
    """Shows the run type and tells the Keeper what the facility says of it.

    With ``beam.run_type_pv`` configured, the IOC is a Channel Access client of it.
    A PV that is disconnected or INVALID leaves the run type as it is, and shows
    that nobody knows. Without one, ``$(P)RunType`` is written by clients.
    """

    def __init__(
        self, config: Config, board: Board, send: Callable[[Command], Awaitable[None]]
    ) -> None:
        """Begin; nothing is known yet.

        Args:
            config: The deployment.
            board: Where it is shown.
            send: Sends a command to the Keeper.
        """
        self._pv = config.beam.run_type_pv
        self._board = board
        self._send = send
        self._name = f"{config.prefix}RunType"
        self._facility: str | None = None
        self._told: str | None = None
        self._changed = asyncio.Event()
        self._shown = ""
        self._since = float(EPICS_EPOCH)

    def show(self, site: SiteState, fault: str) -> None:
        """Show the run type that is on record.

        Args:
            site: What the Keeper said last.
            fault: Why it may be outdated, empty when it is not.
        """
        shown = site.run_type[:STRING_LIMIT]
        if shown != self._shown:
            self._shown, self._since = shown, time.time()
        value = PvValue(shown, time=self._since)
        if fault:
            value = PvValue(shown, Severity.INVALID, Status.COMM, self._since, fault)
        elif self._pv is not None and self._facility is None:
            why = f"{self._pv} is disconnected or INVALID"
            value = PvValue(shown, Severity.INVALID, Status.LINK, self._since, why)
        self._board.show({self._name: value})

    def tell_again(self) -> None:
        """Tell a Keeper that may have missed it."""
        self._told = None
        if self._facility is not None:
            self._changed.set()

    async def run(self) -> None:
        """Watch the facility's PV until cancelled."""
        if self._pv is None:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch([self._facility_pv(self._pv, asyncio.get_running_loop())]))
            tasks.create_task(self._keep_telling())

    def _facility_pv(self, name: str, loop: asyncio.AbstractEventLoop) -> FacilityPv:
        from epics import ca  # starts libca, which only this needs

        def told(value: str | None) -> None:
            loop.call_soon_threadsafe(self._take, value)

        return FacilityPv(ca, name, told, text, as_text=True)

    def _take(self, value: str | None) -> None:
        self._facility = value
        if value is not None:
            self._changed.set()

    async def _keep_telling(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._facility is not None and self._told != self._facility:
                await self._tell(self._facility)

    async def _tell(self, run_type: str) -> None:
        who = Who(user=getpass.getuser(), host=socket.gethostname(), why=f"facility PV {self._pv}")
        try:
            await self._send(SetRunType(who=who, run_type=run_type, measured=True))
            self._told = run_type
        except CommandError as error:
            logger.warning("event=run-type-not-sent reason=%r", str(error))
            await asyncio.sleep(RETRY_S)
