"""The way of a report through the Keeper: judged, recorded, published, done."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import zmq
import zmq.asyncio

from pipeline.errors import MessageError, StoreError, StoreUnavailable
from pipeline.keeper.board import Publication
from pipeline.keeper.core import Core
from pipeline.keeper.intake import Frames, Intake, Item, check, never_recordable
from pipeline.keeper.recorder import Outcome
from pipeline.keeper.refusals import refuse
from pipeline.messages import Done, Report, decode
from pipeline.stage_socket import StageSocket

logger = logging.getLogger(__name__)

BATCH: Final = 64
"""Reports that share one transaction at most, so that none waits long."""
GATHER_S: Final = 0.2
"""While reports flow, how long one waits at most for others to share its transaction;
a transaction costs 2.5 ms of CPU time and an image in it 0.5 ms more.

Source:
    ``python -m tests.pipeline.keeper.measure``, with 1 and without a limit.
"""
LULL_S: Final = 0.04
"""Nothing more comes for so long: the flow is over, and nobody waits for it."""
FLOW: Final = 8
FLOW_S: Final = 0.25
"""Reports flow when so many came within so long; otherwise each is recorded at once."""
PAUSE_S: Final = 0.25
"""First pause before a batch is tried again; doubled each time."""
LONGEST_PAUSE_S: Final = 2.0
Batch = list[tuple[Report, Frames]]


class Receiver:
    """Takes reports from the socket, as many at a time as there are."""

    def __init__(self, socket: StageSocket, core: Core) -> None:
        """Begin.

        Args:
            socket: PULL, bound.
            core: The Keeper.
        """
        self._socket = socket
        self._core = core
        self._came: deque[float] = deque(maxlen=FLOW)
        self._intake = Intake(core.config, core.board, core.collect)

    async def run(self) -> None:
        """Serve until cancelled. While the record is away nothing more is read."""
        while True:
            batch = await self._batch()
            if batch:
                self._core.pulse.queue = len(batch)
                await self._record(batch, time.monotonic())
                self._core.pulse.queue = 0

    async def _batch(self) -> Batch:
        batch: Batch = []
        parts: list[bytes] | None = await self._socket.recv_multipart()
        now = time.monotonic()
        flows = len(self._came) == FLOW and now - self._came[0] < FLOW_S
        until = now + GATHER_S if flows else 0.0
        taken = 0
        while parts is not None:
            taken += 1
            self._came.append(time.monotonic())
            if (report := await self._parse(parts)) is not None:
                batch.append(report)
            parts = await self._next() if taken < BATCH else None
            while parts is None and time.monotonic() < until and taken < BATCH:
                await asyncio.sleep(LULL_S)
                parts = await self._next()
                if parts is None:
                    until = 0.0
        return batch

    async def _next(self) -> list[bytes] | None:
        try:
            parts: list[bytes] = await self._socket.recv_multipart(flags=zmq.NOBLOCK)
        except zmq.Again:
            return None
        return parts

    async def _parse(self, parts: Sequence[bytes]) -> tuple[Report, Frames] | None:
        try:
            message, frames = decode(parts)
            if not isinstance(message, Report):
                raise MessageError(f"reports does not take {type(message).__name__}")
            check(message, frames)
        except MessageError as error:
            refuse(self._core.pulse, "Malformed", str(error))
            return None
        if fault := never_recordable(message.order, self._core.board.entries):
            refuse(self._core.pulse, "Unrecordable", fault)
            done = Done(order_id=message.order.order_id, outcome="failed")
            await self._core.publisher.tell(done)
            return None
        return message, frames

    async def _record(self, batch: Batch, begun: float) -> None:
        """Record a batch, however long the record is away."""
        pause = PAUSE_S
        while True:
            try:
                items, outcomes = await self._try(batch)
            except StoreUnavailable as error:
                self._core.held = self._core.store.away or str(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            except Exception as error:  # noqa: BLE001 - one image must not end the Keeper
                self._core.held = ""
                await self._one_by_one(batch, begun, error)
                return
            else:
                self._core.held = self._core.board.away = ""
                await self._publish(items, outcomes)
                took = (time.monotonic() - begun) / len(batch)
                for _ in batch:
                    self._core.pulse.handled(took)
                return

    async def _try(self, batch: Batch) -> tuple[list[Item], list[Outcome]]:
        core, now = self._core, time.time()
        known = [one for one in batch if one[0].order.plot.name in core.board.entries]
        items = self._intake.items(known, now)
        counts = {name: image.count for name, image in core.board.shown.items()}
        around, run = core.board.surroundings(now), core.run
        outcomes = await core.store.write(
            lambda session: core.recorder.record(session, items, counts, around, run)
        )
        return items, outcomes

    async def _one_by_one(self, batch: Batch, begun: float, error: Exception) -> None:
        """Find the image that cannot be recorded; it stays with the Feeder, undone."""
        if len(batch) > 1:
            for one in batch:
                await self._record([one], begun)
            return
        order = batch[0][0].order
        if not isinstance(error, StoreError):
            logger.error("stage=Keeper event=failure order=%s", order.order_id, exc_info=error)
        refuse(self._core.pulse, "Store", f"order {order.order_id}: {error}")
        self._core.fault(f"image {order.path} cannot be recorded: {error}")

    async def _publish(self, items: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        core, now = self._core, time.time()
        for item, outcome in zip(items, outcomes, strict=True):
            publication = self._apply(item, outcome, now)
            if publication is not None:
                await core.publisher.show([publication])
            done = Done(order_id=item.order.order_id, outcome=outcome.word)
            await core.publisher.tell(done)

    def _apply(self, item: Item, outcome: Outcome, now: float) -> Publication | None:
        """Take what is committed onto the board."""
        core, name = self._core, item.entry.name
        core.note(item, outcome)
        on_show = core.board.shown.get(name)
        if name not in core.board.entries:
            return None
        if outcome.word == "known":
            lost = on_show is not None and not on_show.picture and outcome.image.picture
            if lost and on_show is not None and on_show.order == outcome.image.order:
                return core.board.repaint(name, outcome.image, now)
            return None
        if item.shows:
            return core.board.show(name, outcome.image, now)
        if on_show is not None and outcome.image.count != on_show.count:
            core.board.recount(name, outcome.image.count)
        return None
