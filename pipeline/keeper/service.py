"""The Keeper as a process: its sockets, its clock, and what holds them together.

``reports`` (PULL) brings what the models say. Everything that comes in one go
is judged, recorded in one transaction and only then published on ``states``
(PUB): the plots' states, and ``Done`` for each order. While the record is away
no report is read, so that pressure reaches the Feeder, and every plot turns
INVALID. ``commands`` (ROUTER) takes requests, ``health_keeper`` (SUB) the
heartbeats of all processes.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

import zmq
import zmq.asyncio

from db.engine import make_engine
from pipeline.config import Config
from pipeline.errors import MessageError, StoreUnavailable
from pipeline.keeper.adapting import Adapting
from pipeline.keeper.core import Core
from pipeline.keeper.desk import Desk
from pipeline.keeper.housekeeping import Housekeeping
from pipeline.keeper.office import Office
from pipeline.keeper.processes import Processes
from pipeline.keeper.progress import Progress
from pipeline.keeper.publisher import Publisher
from pipeline.keeper.receiver import Receiver
from pipeline.keeper.refusals import refuse
from pipeline.messages import Heartbeat, decode
from pipeline.sockets import open_socket

logger = logging.getLogger(__name__)

TICK_S: Final = 1.0
"""How often everything on show is judged again."""
REPEAT_S: Final = 5.0
"""How often catalogue and site are published although nothing changed."""
RETRY_S: Final = 1.0
"""Pause before the record is opened again at the start."""


class Keeper:
    """The sockets around a ``Core``."""

    def __init__(
        self, context: zmq.asyncio.Context, config: Config, adapt: Sequence[str] = ()
    ) -> None:
        """Bind all sockets of the Keeper.

        Args:
            context: The ZeroMQ context of the process.
            config: The deployment.
            adapt: See ``serve``.

        Raises:
            ConfigError: The database's URL or password file cannot be used.
            TransportError: A socket cannot be bound.
        """
        password = config.database.password_file
        engine = make_engine(
            config.database_url(), config.under_state(password) if password else None
        )
        self._states = open_socket(context, config, zmq.PUB, bind="states")
        self._reports = open_socket(context, config, zmq.PULL, bind="reports")
        self._commands = open_socket(context, config, zmq.ROUTER, bind="commands")
        self._commands.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._health = open_socket(context, config, zmq.SUB, bind="health_keeper")
        self._health.subscribe(b"")
        self.core = Core(config, engine, Publisher(self._states))
        self._processes = Processes(config.ioc.silence_s)
        self._adapt = adapt

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            WrongRevision: The database is of another release.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(Desk(self._commands, Office(self.core), self.core.pulse).run())
            group.create_task(self._listen_to_health())
            group.create_task(self._tick())
            await self._load()
            group.create_task(Receiver(self._reports, self.core).run())
            group.create_task(Housekeeping(self.core, self._processes).run())
            group.create_task(Progress(self.core).run())
            if self._adapt and self.core.config.references.adapt_period_s:
                group.create_task(Adapting(self.core, self._adapt).run())

    def close(self) -> None:
        """Let the last transaction end and close everything."""
        self.core.store.close()
        for socket in (self._states, self._reports, self._commands, self._health):
            socket.close()

    async def _load(self) -> None:
        while True:
            try:
                await self.core.load()
            except StoreUnavailable as error:
                logger.warning("stage=Keeper event=waits-for-database text='%s'", error)
                await asyncio.sleep(RETRY_S)
            else:
                break
        core = self.core
        await core.publisher.tell(core.board.catalogue())
        await core.publisher.show(core.board.snapshot())
        core.show_health()
        logger.info("stage=Keeper event=loaded plots=%d", len(core.board.entries))

    async def _tick(self) -> None:
        repeated = 0.0
        while True:
            core, now = self.core, time.monotonic()
            if core.loaded:
                await core.republish()
                if now - repeated >= REPEAT_S:
                    repeated = now
                    await core.publisher.tell(core.board.catalogue())
                if core.board.site(time.time()) != core.site or now - core.site_told >= REPEAT_S:
                    await core.tell_site()
            core.show_health()
            await asyncio.sleep(TICK_S)

    async def _listen_to_health(self) -> None:
        while True:
            parts = await self._health.recv_multipart()
            try:
                message, _ = decode(parts)
                if not isinstance(message, Heartbeat):
                    raise MessageError(f"health does not take {type(message).__name__}")
            except MessageError as error:
                refuse(self.core.pulse, "Heartbeat", str(error))
            else:
                self._processes.hear(message, time.time())


def _cause(group: BaseExceptionGroup) -> BaseException:
    """Give the failure that ended a group of tasks, so that its text is for a person."""
    first = group.exceptions[0]
    return _cause(first) if isinstance(first, BaseExceptionGroup) else first


async def serve(config: Config, adapt: Sequence[str] = ()) -> None:
    """Run the Keeper until cancelled.

    Args:
        config: The deployment.
        adapt: Command that proposes adapted references; empty for none.

    Raises:
        ConfigError: The database's URL or password file cannot be used.
        TransportError: A socket cannot be bound.
        WrongRevision: The database is of another release.
    """
    context = zmq.asyncio.Context()
    try:
        keeper = Keeper(context, config, adapt)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(keeper.core.pulse.run(context, config))
                group.create_task(keeper.run())
        except BaseExceptionGroup as group:
            raise _cause(group) from None
        finally:
            keeper.close()
    finally:
        context.destroy(config.sockets.linger_ms)
