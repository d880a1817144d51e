"""Following the catalogue that the Keeper publishes."""

import asyncio
import logging
import os
from collections.abc import Callable

import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.errors import MessageError
from pipeline.health import Pulse
from pipeline.messages import Catalogue, SnapshotRequest, decode, encode
from pipeline.sockets import open_socket

logger = logging.getLogger(__name__)

TOPIC = b"catalogue"


class CatalogueFollower:
    """Keeps the newest catalogue and says when it changes."""

    def __init__(self, pulse: Pulse, changed: Callable[[Catalogue], None]) -> None:
        """Know no catalogue yet.

        Args:
            pulse: Counts what is refused.
            changed: Called with every newer catalogue.
        """
        self.known = asyncio.Event()
        self._pulse = pulse
        self._changed = changed

    async def run(self, context: zmq.asyncio.Context, config: Config) -> None:
        """Subscribe, ask for what was missed, and follow until cancelled.

        Args:
            context: The ZeroMQ context of the process.
            config: The deployment.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._subscribe(context, config))
            group.create_task(self._ask(context, config))

    async def _subscribe(self, context: zmq.asyncio.Context, config: Config) -> None:
        states = open_socket(context, config, zmq.SUB, connect="states")
        states.subscribe(TOPIC)
        try:
            while True:
                topic, *parts = await states.recv_multipart()
                if topic == TOPIC:
                    self._take(parts)
        finally:
            states.close(0)

    async def _ask(self, context: zmq.asyncio.Context, config: Config) -> None:
        while not self.known.is_set():
            commands = open_socket(context, config, zmq.DEALER, connect="commands")
            try:
                request = os.urandom(8)
                await commands.send_multipart([request, *encode(SnapshotRequest())])
                # The plot states that follow the catalogue are of no use here.
                while not self.known.is_set() and await commands.poll(
                    config.sockets.timeout_s * 1000
                ):
                    echoed, *parts = await commands.recv_multipart()
                    if echoed == request:
                        self._take(parts)
            finally:
                commands.close(0)

    def _take(self, parts: list[bytes]) -> None:
        try:
            message, _ = decode(parts)
        except MessageError as error:
            self._pulse.refused("Malformed")
            logger.warning("stage=Predict event=refused text='%s'", error)
            return
        if isinstance(message, Catalogue):
            self.known.set()
            self._changed(message)
