"""A Predict worker as a process: its sockets, its beat and its end."""

import asyncio
import logging
import math
import os
import socket
import time
from pathlib import Path
from typing import Final

import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.errors import HydraError, MessageError
from pipeline.health import Pulse
from pipeline.messages import (
    Accepted,
    Beat,
    Catalogue,
    Finished,
    Leaving,
    Order,
    Ready,
    Refused,
    Report,
    decode,
    encode,
)
from pipeline.predict.catalogue import CatalogueFollower
from pipeline.predict.journal import Journal
from pipeline.predict.quarantine import Quarantine
from pipeline.predict.quick import HUNG_EXIT, Quick
from pipeline.predict.reports import Part
from pipeline.predict.runner import Runner
from pipeline.predict.shadows import Shadows
from pipeline.predict.shelf import Shelf
from pipeline.predict.worker import SHADOW, Job, Worker
from pipeline.sockets import open_socket

logger = logging.getLogger(__name__)

BEAT_S: Final = 0.5
"""How often the Balancer hears from a worker that has nothing to say."""
FOLDER: Final = Path("predict")
"""What workers remember across restarts, below ``state_dir``."""


class Service:
    """One worker with its sockets."""

    def __init__(self, context: zmq.asyncio.Context, config: Config, instance: int) -> None:
        """Open the sockets; takes no orders before ``run``.

        Args:
            context: The ZeroMQ context of the process.
            config: The deployment.
            instance: Number of this worker.

        Raises:
            TransportError: A socket cannot be opened.
        """
        self.pulse = Pulse("Predict", instance, queue_limit=config.predict.credits)
        self._config = config
        self._context = context
        self._name = f"Predict{instance}"
        folder = config.under_state(FOLDER)
        self._quarantine = quarantine = Quarantine(folder / "quarantine")
        self._journal = Journal(folder / f"journal-{instance}")
        for digest in self._journal.left_over:
            logger.warning("stage=Predict event=crashed model=%s", digest)
            quarantine.crashed(digest)
        self._infer = Runner("infer")
        self._quick = Quick(self._give_up, config.predict.timeout_s)
        self._shelf = Shelf(
            store=config.under_state(config.predict.models),
            quarantine=quarantine,
            journal=self._journal,
            infer=self._infer,
            threads=config.predict.threads,
            timeout_s=config.predict.timeout_s,
            settled=self._settled,
        )
        self._shadows = Shadows(config.under_state(config.predict.models), config.predict.threads)
        self._worker = Worker(
            self._name,
            shelf=self._shelf,
            journal=self._journal,
            infer=self._infer,
            quick=self._quick,
            shadows=self._shadows,
            pulse=self.pulse,
            timeout_s=config.predict.timeout_s,
        )
        self._follower = CatalogueFollower(self.pulse, self._catalogue_changed)
        self._orders = open_socket(context, config, zmq.DEALER, connect="workers")
        self._reports = open_socket(context, config, zmq.PUSH, connect="reports")
        self._heard = time.monotonic()
        self._sending = math.inf
        """When the report was begun that the Keeper has not taken yet."""
        self._registered = False
        self._all_loaded = asyncio.Event()

    async def run(self) -> None:
        """Load the models, register and work, until cancelled.

        Raises:
            Hung: A model cannot be stopped; the process has to end.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self.pulse.run(self._context, self._config))
            group.create_task(self._follower.run(self._context, self._config))
            group.create_task(self._shelf.run())
            group.create_task(self._watch())
            await self._follower.known.wait()
            await self._all_loaded.wait()
            group.create_task(self._worker.run(self))
            group.create_task(self._receive())
            group.create_task(self._beat())

    async def leave(self) -> None:
        """Tell the Balancer that this worker takes no more orders."""
        try:
            await self._orders.send_multipart(encode(Leaving(worker=self._name)), flags=zmq.NOBLOCK)
        except zmq.Again:
            logger.warning("stage=Predict event=left-unheard reason='the Balancer is away'")

    def close(self) -> None:
        """Close the sockets and files; what was sent goes out within the linger."""
        self._orders.close()
        self._reports.close()
        self._journal.close()
        self._shadows.close()
        self._infer.close()
        self._quick.close()

    async def report(self, report: Report, frames: list[Part]) -> None:
        """Pass a report on to the Keeper and give the credit back.

        Args:
            report: The report.
            frames: Maps, embedding and picture.
        """
        self._sending = time.monotonic()
        await self._reports.send_multipart(encode(report, frames))
        self._sending = math.inf
        finished = Finished(worker=self._name, order_id=report.order.order_id)
        await self._orders.send_multipart(encode(finished))

    def _give_up(self, digest: str, text: str) -> None:
        """End a process whose event loop is held by a model; runs in another thread."""
        self._quarantine.add(digest, f"inference {text}")
        logger.error("stage=Predict event=hung model=%s reason=%r", digest, text)
        logging.shutdown()
        os._exit(HUNG_EXIT)

    def _settled(self, digest: str) -> None:
        self._worker.settled(digest)
        if not self._shelf.loading():
            self._all_loaded.set()

    def _catalogue_changed(self, catalogue: Catalogue) -> None:
        self._shelf.activate(
            model
            for plot in catalogue.plots
            for model in (
                plot.model,
                *(one.model for one in plot.companions if one.role != SHADOW),
            )
            if model is not None
        )
        self._shadows.activate(one for plot in catalogue.plots for one in plot.companions)
        if not self._shelf.loading():
            self._all_loaded.set()

    async def _receive(self) -> None:
        while True:
            # A tensor is read where ZeroMQ has put it.
            received = await self._orders.recv_multipart(copy=False)
            self._heard = time.monotonic()
            try:
                message, frames = decode([frame.buffer for frame in received])
            except MessageError as error:
                self.pulse.refused("Malformed")
                logger.warning("stage=Predict event=refused text='%s'", error)
                continue
            if isinstance(message, Order):
                self._worker.add(Job(message, frames[0], frames[1], self._heard))
            elif isinstance(message, Accepted):
                self._registered = True
            elif isinstance(message, Refused):
                self._registered = False
                await self._announce()
            else:
                self.pulse.refused("Unexpected")

    async def _beat(self) -> None:
        while True:
            if self._registered and not self._balancer_silent():
                await self._say(Beat(worker=self._name))
            else:
                await self._announce()
            await asyncio.sleep(BEAT_S)

    async def _announce(self) -> None:
        await self._say(
            Ready(
                worker=self._name,
                host=socket.gethostname(),
                pid=os.getpid(),
                credits=self._config.predict.credits,
            )
        )

    async def _say(self, message: Ready | Beat) -> None:
        try:
            await self._orders.send_multipart(encode(message), flags=zmq.NOBLOCK)
        except zmq.Again:
            # The Balancer is away and the socket holds enough of these already.
            self._registered = False

    def _balancer_silent(self) -> bool:
        return time.monotonic() - self._heard > self._config.balancer.silence_s

    async def _watch(self) -> None:
        while True:
            self._shelf.tend()
            self._show()
            await asyncio.sleep(BEAT_S)

    def _show(self) -> None:
        pulse, shelf = self.pulse, self._shelf
        pulse.gauges |= {"Models": float(shelf.ready()), "BadModels": float(len(shelf.faults()))}
        pulse.gauges["BadShadows"] = float(self._shadows.faults())
        if not self._follower.known.is_set():
            pulse.state, pulse.reason = "Starting", "waiting for the Keeper's catalogue"
        elif not self._all_loaded.is_set():
            pulse.state, pulse.reason = "Starting", f"loading {shelf.loading()} models"
        else:
            reasons = shelf.faults()
            if not self._registered or self._balancer_silent():
                reasons.append("the Balancer is silent")
            if time.monotonic() - self._sending > self._config.balancer.silence_s:
                reasons.append("the Keeper takes no reports")
            pulse.state = "Degraded" if reasons else "Running"
            pulse.reason = "; ".join(reasons)[:4000]


async def serve(config: Config, instance: int) -> None:
    """Run one worker until cancelled.

    Args:
        config: The deployment.
        instance: Number of this worker, from 0.

    Raises:
        Hung: A model cannot be stopped. The caller has to end the process
            without waiting for threads.
        TransportError: A socket cannot be opened.
    """
    context = zmq.asyncio.Context()
    try:
        service = Service(context, config, instance)
        try:
            await service.run()
        except ExceptionGroup as group:
            foreseen = [error for error in group.exceptions if isinstance(error, HydraError)]
            if foreseen:
                raise foreseen[0] from group
            raise
        finally:
            await service.leave()
            service.close()
    finally:
        context.destroy(config.sockets.linger_ms)
