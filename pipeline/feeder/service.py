"""The Feeder: files in, orders out, and each file until its result is kept."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.errors import FileError, MessageError, ModelError
from pipeline.feeder.backlog import Backlog, Candidate, Kind
from pipeline.feeder.catalogue import Plots, ask, on_loss
from pipeline.feeder.condition import Condition
from pipeline.feeder.decoders import SEATS, Decoders
from pipeline.feeder.discovery import Discovery
from pipeline.feeder.files import Fingerprint, look
from pipeline.feeder.ledger import Flight, Ledger
from pipeline.feeder.quarantine import Quarantine
from pipeline.feeder.refusals import Refusals
from pipeline.feeder.sender import Sender
from pipeline.feeder.threads import Threads
from pipeline.health import Pulse
from pipeline.messages import Catalogue, Done, decode, tensor_model
from pipeline.sockets import open_socket

logger = logging.getLogger(__name__)

SHOW_S: Final = 0.25
"""How often the numbers of the heartbeat are taken."""
DISK_THREADS: Final = 4
"""One may list a large tree and one hang in a network file system."""


async def serve(config: Config) -> None:
    """Run the Feeder until it is cancelled.

    Args:
        config: The deployment.

    Raises:
        ConfigError: The grammar is faulty.
        TransportError: A socket cannot be used.
    """
    context = zmq.asyncio.Context()
    try:
        feeder = Feeder(config, context)
        try:
            await feeder.run()
        finally:
            feeder.close()
    finally:
        context.destroy(linger=0)


class Feeder:
    """The stage's state; all of it is touched on the event loop only."""

    def __init__(self, config: Config, context: zmq.asyncio.Context) -> None:
        """Open the sockets and start the threads.

        Args:
            config: The deployment.
            context: The ZeroMQ context of the process.
        """
        self.pulse = Pulse("Feeder")
        self._config = config
        self._context = context
        self._condition = Condition(self.pulse)
        self._disk = Threads(DISK_THREADS, "disk")
        quarantine = Quarantine(config.under_state(config.input.quarantine), config.input.max_bytes)
        self._refusals = Refusals(quarantine, self.pulse, self._condition, self._disk)
        self._plots = Plots()
        self._backlog = Backlog()
        self._ledger = Ledger()
        self._held: list[Candidate] = []
        self._decoding: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._ask = asyncio.Event()
        self._sender = Sender(context, config, self._ledger, self._condition)
        self._states = open_socket(context, config, zmq.SUB, connect="states")
        for topic in (b"catalogue", b"done"):
            self._states.setsockopt(zmq.SUBSCRIBE, topic)
        self._discovery = Discovery(
            config, self._accept, self._refusals, self._condition, self._disk
        )
        self._decoders = Decoders(config, self._discovery.trees)
        self._newest: dict[Kind, float] = {}
        """Time of the newest image of each plot that became an order."""

    async def run(self) -> None:
        """Work until cancelled."""
        self._ask.set()
        self._condition.set("catalogue", "waiting for the Keeper's catalogue")
        async with asyncio.TaskGroup() as group:
            for part in (
                self.pulse.run(self._context, self._config),
                self._discovery.take_events(),
                self._discovery.attend(self._ledger.paths),
                self._dispatch(),
                self._sender.run(self._remake),
                self._sender.follow(),
                self._show(),
                self._hear(),
                self._learn(),
                on_loss(self._states, self._ask.set),
            ):
                group.create_task(part)

    def close(self) -> None:
        """Stop threads and sockets."""
        for task in self._decoding:
            task.cancel()
        self._discovery.close()
        self._decoders.close()
        self._disk.close()
        self._sender.close()
        self._states.close(0)

    # From file to order

    def _accept(self, candidate: Candidate) -> None:
        self._backlog.push(candidate)
        self._wake.set()

    async def _dispatch(self) -> None:
        """Keep the decoders busy while there are credits."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._plots.known and self._has_credit():
                candidate = self._backlog.pop()
                if candidate is None:
                    break
                task = asyncio.create_task(self._feed(candidate))
                self._decoding.add(task)
                task.add_done_callback(self._decoded)

    def _has_credit(self) -> bool:
        # As many as the decoders have seats, so that none idles while the loop is
        # busy; not more, or the newest image would wait behind older ones.
        return (
            len(self._decoding) < SEATS * self._config.input.decoders
            and len(self._decoding) + len(self._ledger) < self._config.input.window
        )

    def _decoded(self, task: asyncio.Task[None]) -> None:
        self._decoding.discard(task)
        self._wake.set()

    async def _feed(self, candidate: Candidate) -> None:
        """Make and send the order of one file; the outermost frame of its task."""
        try:
            await self._make_order(candidate)
        except FileError as error:
            await self._discovery.reject(candidate, error)
        except ModelError as error:
            self._held.append(candidate)
            self._condition.set("model", f"{candidate.sighting.plot}: {error}")
        except Exception as error:
            logger.exception("event=feed-failed path=%r", candidate.path)
            self.pulse.refused("Internal")
            self._condition.set("internal", f"{candidate.path} waits for a restart: {error!r}")

    async def _make_order(self, candidate: Candidate) -> None:
        entry = self._plots.find(candidate.sighting.kind)
        if entry is None:
            self._backlog.forget(candidate.sighting.kind)
            raise FileError("unknown-plot", _unknown(candidate))
        # An image that is older than one on its way is never shown, and needs no picture.
        show = candidate.image_time >= self._newest.get(candidate.sighting.kind, float("-inf"))
        prepared = await self._decoders.take_in(candidate, entry, show=show)
        if prepared is None:
            self._discovery.forget(candidate.path)
            return
        self._note_newest(candidate)
        flight = self._ledger.add(prepared, candidate)
        if flight.sent is None:
            await self._sender.send(flight)
        self.pulse.handled(prepared.duration_s)

    def _note_newest(self, candidate: Candidate) -> None:
        kind = candidate.sighting.kind
        known = self._newest.get(kind, candidate.image_time)
        self._newest[kind] = max(known, candidate.image_time)

    # Orders under way

    def _remake(self, flight: Flight) -> bool:
        """Make an order anew if its model is no longer the active one."""
        candidates = list(flight.candidates.values())
        entry = self._plots.find(candidates[0].sighting.kind)
        plot = flight.prepared.order.plot
        if entry is None or tensor_model(entry) == tensor_model(plot):
            return False
        self._ledger.done(flight.prepared.order.order_id)
        for candidate in candidates:
            self._accept(candidate)
        return True

    async def _hear(self) -> None:
        """Take what the Keeper publishes; what is done comes many at a time."""
        while True:
            finished: list[Candidate] = []
            parts: Sequence[bytes] | None = await self._states.recv_multipart()
            while parts is not None:
                self._take(parts, finished)
                parts = await self._next_state()
            if finished:
                self._wake.set()
                await self._finish(finished)

    async def _next_state(self) -> Sequence[bytes] | None:
        try:
            parts: Sequence[bytes] = await self._states.recv_multipart(flags=zmq.NOBLOCK)
        except zmq.Again:
            return None
        return parts

    def _take(self, parts: Sequence[bytes], finished: list[Candidate]) -> None:
        try:
            message, _ = decode(parts[1:])
        except MessageError as error:
            self.pulse.refused("Message")
            logger.warning("event=refused socket=states text=%r", str(error))
            return
        if isinstance(message, Catalogue):
            self._use(message)
        elif isinstance(message, Done):
            flight = self._ledger.done(message.order_id)
            if flight is not None:
                finished += flight.candidates.values()

    async def _finish(self, finished: list[Candidate]) -> None:
        """Remove the files of orders whose result is committed."""
        if self._config.input.after == "keep":
            return
        for candidate, error in zip(
            finished, await self._disk.do(_remove_all, finished), strict=True
        ):
            if error is not None:
                # It stays known, so it is not fed again before a restart.
                text = f"{candidate.path} cannot be removed: {error.strerror}"
                self._condition.set("remove", text)
            else:
                self._discovery.forget(candidate.path)
                self._condition.set("remove", "")

    # The catalogue

    async def _learn(self) -> None:
        """Ask for the catalogue at the start and whenever the Keeper was lost."""
        while True:
            await self._ask.wait()
            try:
                catalogue = await ask(self._context, self._config)
            except MessageError as error:
                self.pulse.refused("Message")
                self._condition.set("catalogue", f"the Keeper's answer is of no use: {error}")
                self._condition.start()
                await asyncio.sleep(self._config.sockets.timeout_s)
                continue
            if catalogue is None:
                self._condition.set("catalogue", "the Keeper does not answer")
                self._condition.start()
                continue
            self._ask.clear()
            self._use(catalogue)

    def _use(self, catalogue: Catalogue) -> None:
        logger.info("event=catalogue serial=%d plots=%d", catalogue.serial, len(catalogue.plots))
        self._plots.replace(catalogue)
        self._condition.set("catalogue", "")
        self._condition.set("model", "")
        self._condition.start()
        for candidate in self._held:
            self._backlog.push(candidate)
        self._held.clear()
        self._wake.set()

    async def _show(self) -> None:
        """Keep the numbers of the heartbeat up to date."""
        while True:
            self.pulse.queue = len(self._backlog) + len(self._decoding)
            self.pulse.gauges = {
                "InFlight": float(len(self._ledger)),
                "Settling": float(self._discovery.settling),
                "Resent": float(self._sender.resent),
                "Stuck": float(len(self._refusals)),
                "DecodersLost": float(self._decoders.lost),
            }
            await asyncio.sleep(SHOW_S)


def _remove_all(finished: Sequence[Candidate]) -> list[OSError | None]:
    """Remove files; tell of each what failed."""
    failures: list[OSError | None] = []
    for candidate in finished:
        try:
            _remove(candidate.path, candidate.fingerprint)
        except OSError as error:
            failures.append(error)
        else:
            failures.append(None)
    return failures


def _remove(path: Path, fingerprint: Fingerprint) -> None:
    """Remove a file unless the producer has put another one in its place."""
    if look(path) == fingerprint:
        path.unlink(missing_ok=True)


def _unknown(candidate: Candidate) -> str:
    name, file_type, chunked = candidate.sighting.kind
    form = "chunked" if chunked else "un-chunked"
    return f"expected a plot type of the catalogue, received {name!r} ({file_type}, {form})"
