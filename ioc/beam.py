"""What the machine does: the facility's PVs, handed on to the Keeper."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ioc.board import Board
from ioc.value import PvValue
from pipeline.config import Config
from pipeline.messages import Command, SiteState

logger = logging.getLogger(__name__)


class Beam:
    """Shows the beam current and tells the Keeper of its changes."""

    def __init__(
        self, config: Config, board: Board, send: Callable[[Command], Awaitable[None]]
    ) -> None:
        """Begin."""
        self._config = config
        self._board = board
        self._send = send

    def take_site(self, site: SiteState) -> None:
        """Show the current that the Keeper knows."""
        if site.beam_current is not None:
            name = f"{self._config.prefix}BeamCurrent"
            if (
                self._board.value(name).value != site.beam_current
                or self._board.value(name).severity
            ):
                import time

                self._board.show({name: PvValue(site.beam_current, time=time.time())})

    async def run(self) -> None:
        """Watch the facility's PVs until cancelled."""
        await asyncio.Event().wait()
