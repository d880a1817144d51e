"""The command socket: requests of operators and clients, answered in order.

A request is ``[identity, request id, header]``; every reply carries the same
identity and request id. Changes of the record wait for each other; snapshots
and conditions do not wait for them.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final, Protocol

import zmq
import zmq.asyncio

from pipeline.errors import MessageError
from pipeline.health import Pulse
from pipeline.keeper.refusals import refuse
from pipeline.messages import (
    Accepted,
    ChangeMask,
    Command,
    PutRefused,
    Refused,
    Reload,
    Reply,
    SetConditions,
    SetIgnore,
    SetLimit,
    SetNews,
    SetRunType,
    SetSteadiness,
    SetThreshold,
    SnapshotRequest,
    decode,
    encode,
)
from pipeline.stage_socket import StageSocket

logger = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 256
"""Changes that may wait for the record."""
ID_LIMIT: Final = 16
"""Longest request id, in bytes."""
COMMANDS: Final = (
    SetThreshold,
    SetIgnore,
    SetNews,
    Reload,
    SetConditions,
    SnapshotRequest,
    PutRefused,
    ChangeMask,
    SetSteadiness,
    SetLimit,
    SetRunType,
)
Parts = list[bytes | memoryview]


class Office(Protocol):
    """Who carries commands out."""

    async def change(self, command: Command) -> Reply:
        """Change the record."""

    def set_conditions(self, command: SetConditions) -> Awaitable[Reply]:
        """Take the beam current and the run number."""

    def snapshot(self) -> list[Parts]:
        """Give everything, message by message; empty before the record is read."""


class Desk:
    """Takes requests from the socket and sends the replies."""

    def __init__(self, socket: StageSocket, office: Office, pulse: Pulse) -> None:
        """Begin.

        Args:
            socket: ROUTER, bound.
            office: Who carries commands out.
            pulse: Counts what is refused.
        """
        self._socket = socket
        self._office = office
        self._pulse = pulse
        self._waiting: asyncio.Queue[tuple[bytes, bytes, Command]] = asyncio.Queue(QUEUE_LIMIT)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._work())

    async def _listen(self) -> None:
        while True:
            parts = await self._socket.recv_multipart()
            try:
                identity, request, command = _parse(parts)
            except MessageError as error:
                self._refuse("Malformed", str(error))
                if len(parts) > 2 and len(parts[1]) <= ID_LIMIT:
                    refusal = Refused(kind="invalid", text=str(error)[:4000])
                    await self._reply(parts[0], parts[1], encode(refusal))
            else:
                await self._take(identity, request, command)
            # A flood of requests must not keep the other tasks from running.
            await asyncio.sleep(0)

    async def _take(self, identity: bytes, request: bytes, command: Command) -> None:
        if isinstance(command, SnapshotRequest):
            await self._send_snapshot(identity, request)
        elif isinstance(command, SetConditions):
            reply = await self._office.set_conditions(command)
            self._count(reply)
            await self._reply(identity, request, encode(reply))
        elif self._waiting.full():
            reply = Refused(kind="unavailable", text=f"{QUEUE_LIMIT} changes are waiting already")
            self._count(reply)
            await self._reply(identity, request, encode(reply))
        else:
            self._waiting.put_nowait((identity, request, command))

    async def _work(self) -> None:
        while True:
            identity, request, command = await self._waiting.get()
            try:
                reply = await self._office.change(command)
            except Exception:
                logger.exception("stage=Keeper event=failure command=%s", type(command).__name__)
                reply = Refused(kind="unavailable", text="the Keeper failed; see its log")
            self._count(reply)
            await self._reply(identity, request, encode(reply))

    async def _send_snapshot(self, identity: bytes, request: bytes) -> None:
        messages = self._office.snapshot()
        if not messages:
            reply = Refused(kind="unavailable", text="the catalogue is not read yet")
            await self._reply(identity, request, encode(reply))
            return
        for parts in [*messages, encode(Accepted())]:
            if not await self._reply(identity, request, parts):
                return

    async def _reply(self, identity: bytes, request: bytes, parts: Parts) -> bool:
        try:
            await self._socket.send_multipart([identity, request, *parts], flags=zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
            self._refuse("Unreachable", f"nobody takes the reply: {error}")
            return False
        return True

    def _count(self, reply: Reply) -> None:
        if isinstance(reply, Refused):
            self._refuse("Command", reply.text)

    def _refuse(self, reason: str, text: str) -> None:
        refuse(self._pulse, reason, text)


def _parse(parts: list[bytes]) -> tuple[bytes, bytes, Command]:
    if len(parts) < 3:
        raise MessageError(f"expected a request id and a header, received {len(parts) - 1} frames")
    if len(parts[1]) > ID_LIMIT:
        raise MessageError(f"expected a request id of at most {ID_LIMIT} bytes")
    message, _ = decode(parts[2:])
    if not isinstance(message, COMMANDS):
        raise MessageError(f"commands does not take {type(message).__name__}")
    return parts[0], parts[1], message
