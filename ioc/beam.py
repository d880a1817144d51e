"""What the machine does: the facility's PVs, handed on to the Keeper."""

import asyncio
import getpass
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Final

from ioc.board import Board
from ioc.facility import FacilityPv, watch
from ioc.value import EPICS_EPOCH, PvValue
from pipeline.alarm import Severity, Status
from pipeline.config import Config
from pipeline.errors import CommandError
from pipeline.messages import Command, SetConditions, SiteState, Who

logger = logging.getLogger(__name__)

RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the facility's PVs say."""

    beam_current: float | None = None
    run: int = -1


class Beam:
    """Shows the beam current and tells the Keeper of its changes.

    With ``beam.pv`` or ``beam.run_pv`` configured, the IOC is a Channel Access
    client of them; a PV that is disconnected or INVALID makes the value
    unknown. Without ``beam.pv``, ``$(P)BeamCurrent`` is written by clients.
    """

    def __init__(
        self, config: Config, board: Board, send: Callable[[Command], Awaitable[None]]
    ) -> None:
        """Begin; nothing is known yet.

        Args:
            config: The deployment.
            board: Where the current is shown.
            send: Sends a command to the Keeper.
        """
        self._config = config
        self._board = board
        self._send = send
        self._name = f"{config.prefix}BeamCurrent"
        self._facility = Conditions()
        self._told: Conditions | None = None
        self._changed = asyncio.Event()

    def take_site(self, site: SiteState) -> None:
        """Show the current that the Keeper knows, where clients write it."""
        if self._config.beam.pv is not None or site.beam_current is None:
            return
        shown = self._board.value(self._name)
        if shown.value != site.beam_current or shown.severity:
            time_ = site.last_image_time or EPICS_EPOCH
            self._board.show({self._name: PvValue(site.beam_current, time=time_)})

    @property
    def conditions(self) -> Conditions:
        """What is known now, from the facility or from clients."""
        if self._config.beam.pv is not None:
            return self._facility
        shown = self._board.value(self._name)
        current = None if shown.severity else float(shown.value)
        return replace(self._facility, beam_current=current)

    def tell_again(self) -> None:
        """Tell a Keeper that may have forgotten."""
        self._told = None
        if self.conditions != Conditions():
            self._changed.set()

    async def run(self) -> None:
        """Watch the facility's PVs until cancelled."""
        self._show(self._facility.beam_current)
        async with asyncio.TaskGroup() as tasks:
            if self._config.beam.pv is not None or self._config.beam.run_pv is not None:
                tasks.create_task(watch(self._facility_pvs(asyncio.get_running_loop())))
            tasks.create_task(self._keep_telling())

    async def _keep_telling(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._tell()

    def _facility_pvs(self, loop: asyncio.AbstractEventLoop) -> list[FacilityPv]:
        from epics import ca  # starts libca, which only this needs

        def on_beam(value: float | None) -> None:
            loop.call_soon_threadsafe(self._take, "beam_current", value)

        def on_run(value: float | None) -> None:
            loop.call_soon_threadsafe(self._take, "run", -1 if value is None else int(value))

        wanted = [(self._config.beam.pv, on_beam), (self._config.beam.run_pv, on_run)]
        return [FacilityPv(ca, name, told) for name, told in wanted if name is not None]

    def _take(self, name: str, value: float | None) -> None:
        now = Conditions(**{**asdict(self._facility), name: value})
        if now == self._facility:
            return
        self._facility = now
        if name == "beam_current":
            self._show(now.beam_current)
        self._changed.set()

    def _show(self, current: float | None) -> None:
        if self._config.beam.pv is None:
            return
        if current is None:
            shown = PvValue(
                0.0,
                Severity.INVALID,
                Status.LINK,
                time.time(),
                f"{self._config.beam.pv} is disconnected or INVALID",
            )
        else:
            shown = PvValue(current, time=time.time())
        self._board.show({self._name: shown})

    async def _tell(self) -> None:
        """Send the newest conditions until the Keeper has them."""
        while self._told != self.conditions:
            now = self.conditions
            who = Who(user=getpass.getuser(), host=socket.gethostname(), why="facility PV")
            try:
                await self._send(SetConditions(who=who, beam_current=now.beam_current, run=now.run))
                self._told = now
            except CommandError as error:
                logger.warning("event=conditions-not-sent reason=%r", str(error))
                await asyncio.sleep(RETRY_S)
