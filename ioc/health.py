"""Hears the heartbeats of all processes and shows them."""

import logging
import time
from collections.abc import Callable

import zmq
import zmq.asyncio

from ioc.board import Board
from ioc.chain import Seen, StageKey, chain_fault, hear
from ioc.listing import expected_stages
from ioc.stage_pvs import describe_stage, stage_values
from pipeline.config import Config
from pipeline.errors import MessageError
from pipeline.messages import Heartbeat, decode
from pipeline.sockets import open_socket

logger = logging.getLogger(__name__)

STAGES_LIMIT = 200
"""Processes shown; more can only come from a fault."""


class Health:
    """The heartbeats."""

    def __init__(
        self,
        context: zmq.asyncio.Context,
        config: Config,
        board: Board,
        on_refusal: Callable[[], None],
    ) -> None:
        """Bind the socket.

        Args:
            context: The ZeroMQ context of the process.
            config: The deployment.
            board: Where the processes are shown.
            on_refusal: Called for every message that cannot be used.
        """
        self._config = config
        self._board = board
        self._socket = open_socket(context, config, zmq.SUB, bind="health_ioc")
        self._socket.subscribe(b"")
        start = time.monotonic()
        self._stages = {key: Seen(None, start) for key in expected_stages(config)}
        self._new = False
        self._on_refusal = on_refusal

    @property
    def stages(self) -> list[StageKey]:
        """Processes with PVs."""
        return list(self._stages)

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            while True:
                self._take(await self._socket.recv_multipart())
        finally:
            self._socket.close(0)

    def _take(self, parts: list[bytes]) -> None:
        try:
            message, _ = decode(parts)
            if not isinstance(message, Heartbeat):
                raise MessageError(f"expected Heartbeat, received {type(message).__name__}")
        except MessageError as error:
            self._on_refusal()
            logger.warning("from=health event=refused reason=%r", str(error))
            return
        key = (message.stage, message.instance)
        if key not in self._stages:
            if len(self._stages) >= STAGES_LIMIT:
                self._on_refusal()
                return
            self._board.declare(describe_stage(self._config.prefix, key))
            self._new = True
        self._stages[key] = hear(self._stages.get(key), message, time.monotonic())
        self._show(key)

    def look(self) -> bool:
        """Show who has fallen silent.

        Returns:
            Whether a process came up that was not expected.
        """
        for key in self._stages:
            self._show(key)
        new, self._new = self._new, False
        return new

    def _show(self, key: StageKey) -> None:
        seen, silence = self._stages[key], self._config.ioc.silence_s
        values = stage_values(
            self._config.prefix,
            key,
            seen,
            now=time.monotonic(),
            wall=time.time(),
            silence_s=silence,
        )
        self._board.show(values)

    def chain_fault(self) -> str:
        """Say which silence breaks the way of a plot, empty for none."""
        return chain_fault(self._stages, time.monotonic(), self._config.ioc.silence_s)

    def fault(self, stage: str) -> str:
        """Say whether one stage is silent, empty if not."""
        ones = {key: seen for key, seen in self._stages.items() if key[0] == stage}
        return chain_fault(ones, time.monotonic(), self._config.ioc.silence_s)
