"""The Keeper's catalogue as the Feeder knows it, and how it asks for it."""

import asyncio
import os
from collections.abc import Callable

import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.errors import MessageError
from pipeline.feeder.backlog import Kind
from pipeline.messages import (
    Accepted,
    Catalogue,
    PlotEntry,
    Refused,
    SnapshotRequest,
    decode,
    encode,
)
from pipeline.sockets import open_socket
from pipeline.stage_socket import StageSocket


class Plots:
    """Which plot types there are; unknown until the Keeper has answered."""

    def __init__(self) -> None:
        """Begin without a catalogue."""
        self._entries: dict[Kind, PlotEntry] = {}
        self._serial = -1

    @property
    def known(self) -> bool:
        """Whether a catalogue has come."""
        return self._serial >= 0

    @property
    def serial(self) -> int:
        """Serial of the catalogue; -1 before the first."""
        return self._serial

    def replace(self, catalogue: Catalogue) -> None:
        """Take a new catalogue in place of the old one."""
        self._entries = {
            (entry.name, entry.file_type, entry.chunked): entry for entry in catalogue.plots
        }
        self._serial = catalogue.serial

    def find(self, kind: Kind) -> PlotEntry | None:
        """Find the plot type of a name, file type and chunkedness."""
        return self._entries.get(kind)


async def ask(context: zmq.asyncio.Context, config: Config) -> Catalogue | None:
    """Ask the Keeper for the catalogue once.

    Args:
        context: The ZeroMQ context of the process.
        config: The deployment.

    Returns:
        The catalogue; None when the Keeper does not answer in time or refuses.

    Raises:
        MessageError: The answer is not a message we know.
    """
    socket = open_socket(context, config, zmq.DEALER, connect="commands")
    # What was not answered in time shall not be sent to a Keeper that starts later.
    socket.setsockopt(zmq.LINGER, 0)
    request = os.urandom(8)
    try:
        async with asyncio.timeout(config.sockets.timeout_s):
            await socket.send_multipart([request, *encode(SnapshotRequest())])
            while True:
                parts = await socket.recv_multipart()
                if parts[0] != request:
                    continue
                reply, _ = decode(parts[1:])
                if isinstance(reply, Catalogue):
                    return reply
                if isinstance(reply, Accepted | Refused):
                    raise MessageError(f"expected a Catalogue, received {reply}")
    except TimeoutError:
        return None
    finally:
        socket.close(0)


async def on_loss(socket: StageSocket, call: Callable[[], None]) -> None:
    """Call a function whenever a connecting socket has lost its peer.

    Args:
        socket: The socket.
        call: Called on the event loop.
    """
    monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    try:
        while True:
            await monitor.recv_multipart()
            call()
    finally:
        socket.disable_monitor()
