"""The Balancer as a process: its sockets and its clock.

``orders`` (ROUTER) takes orders from the Feeders. ``workers`` (ROUTER) talks
with the workers: Ready, Beat, Finished and Leaving come in, orders go out. The
Balancer sends ``Accepted`` to every worker four times a second, so that each
side knows that the other lives, and answers ``Refused`` to a worker it does
not know, which then says Ready again: this heals a restart of either side.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import zmq
import zmq.asyncio

from pipeline.balancer.dispatcher import Dispatcher, Intake
from pipeline.balancer.figures import show
from pipeline.balancer.policy import make_policy
from pipeline.balancer.queue import Parcel
from pipeline.config import Config
from pipeline.errors import MessageError
from pipeline.health import Pulse
from pipeline.messages import (
    Accepted,
    AnyMessage,
    Beat,
    Finished,
    Leaving,
    Order,
    Ready,
    Refused,
    Report,
    decode,
    encode,
)
from pipeline.sockets import open_socket
from pipeline.stage_socket import StageSocket

logger = logging.getLogger(__name__)

TICK_S: Final = 0.25
"""How often workers are probed; a worker that is gone is noticed within it."""
LOST_AFTER_TIMEOUTS: Final = 2
"""An order sent again after this many inference time-outs per credit is lost."""
IN_A_ROW: Final = 16
"""Messages that one socket may have read while another waits."""
LOG_EVERY: Final = 1000
"""Of malformed messages the first and then every so many are logged."""
UNKNOWN: Final = Refused(kind="unavailable", text="not registered: send Ready")
"""Said to a worker that is not known here, such as after a restart."""


class Balancer:
    """The sockets around a ``Dispatcher``."""

    def __init__(self, context: zmq.asyncio.Context, config: Config) -> None:
        """Bind the two sockets of the Balancer and connect to the Keeper.

        Args:
            context: The ZeroMQ context of the process.
            config: The deployment.

        Raises:
            TransportError: A socket cannot be bound.
        """
        settings = config.balancer
        lost_s = LOST_AFTER_TIMEOUTS * config.predict.credits * config.predict.timeout_s
        self.pulse = Pulse("Balancer", queue_limit=settings.queue_limit)
        self.dispatcher = Dispatcher(
            make_policy(settings.policy), settings.queue_limit, settings.silence_s, lost_s
        )
        self._orders = open_socket(context, config, zmq.ROUTER, bind="orders")
        self._workers = open_socket(context, config, zmq.ROUTER, bind="workers")
        self._workers.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._reports = open_socket(context, config, zmq.PUSH, connect="reports")
        self._unsent: list[Parcel] = []
        self._full_until = 0.0
        self._silence_s = settings.silence_s

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._serve_feeders())
            group.create_task(self._serve_workers())
            group.create_task(self._tick())

    def close(self) -> None:
        """Close all sockets."""
        for socket in (self._orders, self._workers, self._reports):
            socket.close()

    async def _incoming(
        self, socket: StageSocket
    ) -> AsyncIterator[tuple[bytes, AnyMessage, Sequence[zmq.Frame]]]:
        for number in itertools.count():
            identity, *frames = await socket.recv_multipart(copy=False)
            try:
                message, _ = decode([frame.buffer for frame in frames])
            except MessageError as error:
                self._refuse("Malformed", str(error))
            else:
                yield identity.bytes, message, frames
            if number % IN_A_ROW == 0:
                # A socket that always has something to read must not starve the other.
                await asyncio.sleep(0)

    async def _serve_feeders(self) -> None:
        async for _, message, frames in self._incoming(self._orders):
            if isinstance(message, Order):
                self._take_order(message, frames)
                await self._hand_out()
            else:
                self._refuse("Unexpected", f"orders does not take {type(message).__name__}")

    async def _serve_workers(self) -> None:
        async for identity, message, _ in self._incoming(self._workers):
            if isinstance(message, Ready | Beat | Finished | Leaving):
                await self._take_word(identity, message)
                await self._hand_out()
            else:
                self._refuse("Unexpected", f"workers does not take {type(message).__name__}")

    def _take_order(self, message: Order, frames: Sequence[zmq.Frame]) -> None:
        now = time.monotonic()
        match self.dispatcher.submit(message, frames, now):
            case Intake.FULL:
                self._refuse("QueueFull", f"order {message.order_id}: the queue is full")
                self._full_until = now + self._silence_s
            case Intake.DUPLICATE:
                self._count("Duplicates")
            case Intake.REVIVED:
                logger.warning("stage=Balancer event=revived order=%r", message.order_id)
                self._count("Revived")
            case Intake.QUEUED | Intake.POISON:
                pass

    async def _take_word(self, identity: bytes, message: Ready | Beat | Finished | Leaving) -> None:
        now = time.monotonic()
        if isinstance(message, Ready):
            if self.dispatcher.ready(identity, message, now):
                logger.info(
                    "stage=Balancer event=registered worker=%r host=%r pid=%d credits=%d",
                    message.worker,
                    message.host,
                    message.pid,
                    message.credits,
                )
            await self._say(identity, Accepted())
            return
        if isinstance(message, Leaving):
            if worker := self.dispatcher.leave(identity):
                logger.info("stage=Balancer event=left worker=%r", worker.name)
            return
        if isinstance(message, Finished) and (
            parcel := self.dispatcher.finished(identity, message.order_id)
        ):
            self.pulse.handled(now - parcel.arrived)
        if not self.dispatcher.heard(identity, now):
            await self._say(identity, UNKNOWN)

    async def _tick(self) -> None:
        woke = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            if now - woke > self._silence_s / 2:
                # This process itself was stopped: nobody else is to blame.
                for worker in self.dispatcher.registry.all():
                    worker.seen = now
            woke = now
            for worker in self.dispatcher.registry.all():
                if not await self._say(worker.identity, Accepted()):
                    self._lose(worker.identity, "disconnected")
            for worker in self.dispatcher.expire(now):
                logger.warning("stage=Balancer event=silent worker=%r", worker.name)
            await self._hand_out()
            show(self.pulse, self.dispatcher, refusing=now < self._full_until, unsent=self._unsent)

    async def _hand_out(self) -> None:
        for worker, parcel in self.dispatcher.assignments(time.monotonic()):
            if not await self._send(worker.identity, parcel.parts):
                self.dispatcher.take_back(parcel)
                self._lose(worker.identity, "unreachable")
        self._unsent += self.dispatcher.condemned()
        while self._unsent and await self._report(self._unsent[0]):
            self._unsent.pop(0)

    def _lose(self, identity: bytes, reason: str) -> None:
        worker = self.dispatcher.died(identity)
        if worker is not None:
            logger.warning("stage=Balancer event=%s worker=%r", reason, worker.name)

    async def _say(self, identity: bytes, message: Accepted | Refused) -> bool:
        return await self._send(identity, encode(message))

    async def _send(self, identity: bytes, parts: Sequence[Any]) -> bool:
        try:
            await self._workers.send_multipart([identity, *parts], flags=zmq.NOBLOCK, copy=False)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
            return False
        return True

    async def _report(self, parcel: Parcel) -> bool:
        error = f"worker died {parcel.deaths} times on this image"
        report = Report(order=parcel.order, worker="Balancer", error=error)
        picture = parcel.parts[2].bytes
        try:
            await self._reports.send_multipart(
                encode(report, [b"", b"", picture]), flags=zmq.NOBLOCK
            )
        except zmq.Again:
            return False
        logger.error("stage=Balancer event=poison order=%r", parcel.order.order_id)
        self._count("Poison")
        return True

    def _count(self, gauge: str) -> None:
        self.pulse.gauges[gauge] = self.pulse.gauges.get(gauge, 0.0) + 1.0

    def _refuse(self, reason: str, text: str) -> None:
        self.pulse.refused(reason)
        count = self.pulse.refusals[reason]
        if count == 1 or count % LOG_EVERY == 0:
            logger.warning(
                "stage=Balancer event=refused reason=%s count=%d text=%r", reason, count, text
            )


async def serve(config: Config) -> None:
    """Run the Balancer until cancelled.

    Args:
        config: The deployment.

    Raises:
        TransportError: A socket cannot be bound.
    """
    context = zmq.asyncio.Context()
    try:
        balancer = Balancer(context, config)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(balancer.pulse.run(context, config))
                group.create_task(balancer.run())
        finally:
            balancer.close()
    finally:
        context.destroy(config.sockets.linger_ms)
