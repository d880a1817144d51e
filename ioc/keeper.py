"""The IOC's line to the Keeper: states in, commands out."""

import asyncio
import itertools
import logging
from typing import Any, Final, Protocol

import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.errors import CommandError, MessageError, NotPermitted
from pipeline.messages import (
    Accepted,
    Catalogue,
    Command,
    Performance,
    PlotState,
    ReferencePicture,
    Refused,
    SiteState,
    SnapshotRequest,
    decode,
    encode,
)
from pipeline.sockets import open_socket
from pipeline.stage_socket import StageSocket

logger = logging.getLogger(__name__)

TOPICS: Final = (b"state", b"catalogue", b"site", b"performance")
Frames = list[bytes | memoryview]


class Listener(Protocol):
    """Who is told what the Keeper says."""

    def on_catalogue(self, catalogue: Catalogue) -> None:
        """The plots are these."""

    def on_state(self, state: PlotState, picture: bytes, heat: bytes, *, live: bool) -> None:
        """A plot shows this; ``live`` when published, not asked for."""

    def on_site(self, site: SiteState) -> None:
        """The status bar shows this."""

    def on_performance(self, performance: Performance) -> None:
        """The model of a plot, or all of them, do so well."""

    def on_reference(self, reference: ReferencePicture, picture: bytes) -> None:
        """A plot's references look like this."""

    def on_snapshot(self) -> None:
        """Everything the Keeper knows is in."""

    def on_bad_message(self) -> None:
        """A message was refused."""


class KeeperClient:
    """Subscribes to the Keeper, asks for snapshots and sends commands."""

    def __init__(self, context: zmq.asyncio.Context, config: Config, listener: Listener) -> None:
        """Connect.

        Args:
            context: The ZeroMQ context of the process.
            config: The deployment.
            listener: Who is told.
        """
        self._config = config
        self._listener = listener
        self._states = open_socket(context, config, zmq.SUB, connect="states")
        for topic in TOPICS:
            self._states.subscribe(topic)
        self._commands = open_socket(context, config, zmq.DEALER, connect="commands")
        _only_while_connected(self._commands)
        self._serial = itertools.count(1)
        self._replies: dict[bytes, asyncio.Queue[tuple[Any, Frames]]] = {}
        self._wanted = asyncio.Event()

    def want_snapshot(self) -> None:
        """Ask for everything again, soon."""
        self._wanted.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear_states())
                tasks.create_task(self._hear_replies())
                tasks.create_task(self._watch_connection())
                tasks.create_task(self._keep_snapshot())
        finally:
            self._states.disable_monitor()
            self._states.close(0)
            self._commands.close(0)

    async def send(self, command: Command) -> None:
        """Send a command and wait until it is committed.

        Args:
            command: What to change.

        Raises:
            NotPermitted: The Keeper says so.
            CommandError: Refused, or no answer in time.
        """
        key, replies = await self._ask(command)
        try:
            async with asyncio.timeout(self._config.sockets.timeout_s):
                reply, _ = await replies.get()
        except TimeoutError:
            raise CommandError(
                f"no answer from the Keeper within {self._config.sockets.timeout_s:g} s;"
                " read the value back before trying again"
            ) from None
        finally:
            del self._replies[key]
        if isinstance(reply, Refused):
            raise (NotPermitted if reply.kind == "not-permitted" else CommandError)(reply.text)

    async def _ask(self, message: Any) -> tuple[bytes, asyncio.Queue[tuple[Any, Frames]]]:
        key = next(self._serial).to_bytes(8, "big")
        replies = self._replies[key] = asyncio.Queue()
        try:
            async with asyncio.timeout(self._config.sockets.timeout_s):
                await self._commands.send_multipart([key, *encode(message)])
        except TimeoutError:
            del self._replies[key]
            raise CommandError("the Keeper is not connected; nothing was changed") from None
        return key, replies

    async def _hear_states(self) -> None:
        while True:
            _, *parts = await self._states.recv_multipart()
            self._take(parts, live=True)

    async def _hear_replies(self) -> None:
        while True:
            key, *parts = await self._commands.recv_multipart()
            try:
                message, frames = decode(parts)
            except MessageError as error:
                self._refuse(error)
                continue
            if key in self._replies:
                self._replies[key].put_nowait((message, frames))

    async def _watch_connection(self) -> None:
        monitor = self._states.get_monitor_socket(zmq.EVENT_CONNECTED)
        while True:
            await monitor.recv_multipart()
            self.want_snapshot()

    async def _keep_snapshot(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._snapshot()
            except (CommandError, TimeoutError) as error:
                logger.warning("event=snapshot-failed reason=%r", str(error))
                self.want_snapshot()
                await asyncio.sleep(0.2)

    async def _snapshot(self) -> None:
        key, replies = await self._ask(SnapshotRequest())
        try:
            while True:
                async with asyncio.timeout(self._config.sockets.timeout_s):
                    message, frames = await replies.get()
                if isinstance(message, Refused):
                    raise CommandError(message.text)
                if isinstance(message, Accepted):
                    self._listener.on_snapshot()
                    return
                self._tell(message, frames, live=False)
        finally:
            del self._replies[key]

    def _take(self, parts: list[bytes], *, live: bool) -> None:
        try:
            message, frames = decode(parts)
        except MessageError as error:
            self._refuse(error)
        else:
            self._tell(message, frames, live=live)

    def _refuse(self, error: MessageError) -> None:
        logger.warning("from=keeper event=refused reason=%r", str(error))
        self._listener.on_bad_message()

    def _tell(self, message: Any, frames: Frames, *, live: bool) -> None:
        match message:
            case PlotState():
                picture, heat = (bytes(frame) for frame in frames)
                self._listener.on_state(message, picture, heat, live=live)
            case ReferencePicture():
                self._listener.on_reference(message, bytes(frames[0]))
            case Catalogue():
                self._listener.on_catalogue(message)
            case SiteState():
                self._listener.on_site(message)
            case Performance():
                self._listener.on_performance(message)
            case _:
                self._refuse(MessageError(f"did not expect {type(message).__name__}"))


def _only_while_connected(socket: StageSocket) -> None:
    """Keep no command for a Keeper that is away: it would be carried out late, after all."""
    endpoint = str(socket.getsockopt_string(zmq.LAST_ENDPOINT))
    socket.disconnect(endpoint)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(endpoint)
