"""The work of a worker: orders in, forward passes, reports out."""

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.health import Pulse
from pipeline.messages import Companion, CompanionResult, Order, Report
from pipeline.predict.companions import companion_failed, companion_result, companion_tensor
from pipeline.predict.journal import Journal
from pipeline.predict.masking import masked, masks_of, unheated
from pipeline.predict.quick import Quick
from pipeline.predict.reports import Part, make_report, no_result, tensor_of
from pipeline.predict.runner import Hung, Runner
from pipeline.predict.shadows import Shadows
from pipeline.predict.shelf import Shelf
from pipeline.vision.serving import Outputs, ServedModel

logger = logging.getLogger(__name__)

SHADOW: Final = "shadow"
"""Role of a companion that is never waited for and runs in a process of its own."""


@dataclass(slots=True, eq=False)
class Job:
    """An order that this worker holds."""

    order: Order
    tensor: Part
    picture: Part
    arrived: float
    """Monotonic time, seconds."""
    shadow: asyncio.Task[CompanionResult] | None = None
    """What the shadow of the plot is about to say."""


class Outlet(Protocol):
    """Where reports go."""

    async def report(self, report: Report, frames: list[Part]) -> None:
        """Pass a report on to the Keeper and give the credit back."""


class Worker:
    """Takes jobs in order; a job whose model is loading lets the others pass."""

    def __init__(
        self,
        name: str,
        *,
        shelf: Shelf,
        journal: Journal,
        infer: Runner,
        quick: Quick,
        shadows: Shadows,
        pulse: Pulse,
        timeout_s: float,
    ) -> None:
        """Begin without jobs.

        Args:
            name: Who reports.
            shelf: The models.
            journal: Where the model at work is noted.
            infer: The thread that runs the models.
            quick: Runs those that have proven quick.
            shadows: Models beside those that judge.
            pulse: Counts what is done.
            timeout_s: A pass longer than this has hung, seconds.
        """
        self._name = name
        self._shelf = shelf
        self._journal = journal
        self._pulse = pulse
        self._timeout_s = timeout_s
        self._jobs: deque[Job] = deque()
        self._blocked: dict[str, list[Job]] = {}
        self._told: dict[str, str] = {}
        self._more = asyncio.Event()
        self._infer = infer
        self._quick = quick
        self._shadows = shadows

    def add(self, job: Job) -> None:
        """Take a job."""
        self._jobs.append(job)
        self._count_waiting()
        self._more.set()

    def settled(self, digest: str) -> None:
        """Let the jobs go on that waited for a model to be loaded.

        Args:
            digest: The model.
        """
        self._jobs.extendleft(reversed(self._blocked.pop(digest, [])))
        self._more.set()

    async def run(self, outlet: Outlet) -> None:
        """Do jobs until cancelled.

        Args:
            outlet: Where reports go.

        Raises:
            Hung: A model hangs and cannot be stopped; its order is reported,
                and the process has to end.
        """
        while True:
            await self._more.wait()
            if not self._jobs:
                self._more.clear()
                continue
            await self._do(self._jobs.popleft(), outlet)
            self._count_waiting()

    def _count_waiting(self) -> None:
        self._pulse.queue = len(self._jobs) + sum(map(len, self._blocked.values()))

    async def _do(self, job: Job, outlet: Outlet) -> None:
        for companion in job.order.plot.companions:
            if companion.role == SHADOW:
                continue
            place = self._shelf.find(companion.model.digest)
            if place.model is None and not place.fault:
                self._blocked.setdefault(companion.model.digest, []).append(job)
                return
        if job.order.plot.model is None:
            await self._answer(job, no_result(job.order, self._name), outlet)
            return
        digest = job.order.plot.model.digest
        place = self._shelf.find(digest)
        if place.model is not None:
            await self._judge(job, digest, place.model, outlet)
        elif place.fault:
            await self._fail(job, place.fault, outlet)
        else:
            self._blocked.setdefault(digest, []).append(job)

    async def _judge(self, job: Job, digest: str, model: ServedModel, outlet: Outlet) -> None:
        try:
            tensor = tensor_of(job.order, job.tensor, model.card)
            await self._ask_shadow(job)
            begun = time.monotonic()
            image = masked(job.order, tensor, model)
            outputs = await self._pass(digest, model, image[None])
            outputs = unheated(job.order, outputs, model)
            duration_s = time.monotonic() - begun
            answer = make_report(job.order, self._name, outputs, 0, duration_s)
            answer = self._shelf.novelties.told(answer, outputs.embedding[0], image)
        except ModelError as error:
            await self._fail(job, str(error), outlet)
        except Hung as error:
            self._shelf.spoil(digest, f"inference {error}")
            await self._fail(job, f"inference {error}", outlet)
            if not error.reclaimed:
                raise
        else:
            self._told.pop(job.order.plot.name, None)
            await self._answer(job, answer, outlet)

    async def _ask_shadow(self, job: Job) -> None:
        """Let the shadow begin before the model that judges does."""
        shadow = next((one for one in job.order.plot.companions if one.role == SHADOW), None)
        if shadow is not None:
            job.shadow = await self._shadows.begin(shadow, job.order, job.tensor)

    async def _pass(self, digest: str, model: ServedModel, batch: NDArray[np.uint8]) -> Outputs:
        self._journal.begin("infer", digest)
        run = partial(model.run, batch)
        try:
            if self._quick.knows(digest):
                return self._quick.run(digest, run, model.stop)
            begun = time.monotonic()
            outputs = await self._infer.call(run, self._timeout_s, model.stop)
            self._quick.took(digest, time.monotonic() - begun)
            return outputs
        finally:
            self._journal.end("infer")

    async def _accompany(self, job: Job, companion: Companion) -> CompanionResult:
        """Let a companion see an image; what it does wrong never reaches the verdict's model."""
        if companion.role == SHADOW and job.shadow is not None:
            return await job.shadow
        if companion.role == SHADOW:
            return await self._shadows.look(companion, job.order, job.tensor)
        digest = companion.model.digest
        place = self._shelf.find(digest)
        if place.model is None:
            return companion_failed(companion, place.fault or "the model is being loaded")
        try:
            tensor = companion_tensor(companion, job.tensor, place.model.card)
            batch = masked(job.order, tensor, place.model)[None]
            return companion_result(companion, await self._pass(digest, place.model, batch))
        except ModelError as error:
            return companion_failed(companion, str(error))
        except Hung as error:
            self._shelf.spoil(digest, f"inference {error}")
            if not error.reclaimed:
                raise
            return companion_failed(companion, f"inference {error}")

    async def _fail(self, job: Job, fault: str, outlet: Outlet) -> None:
        plot = job.order.plot.name
        if self._told.get(plot) != fault:
            # Told once: a bad model would otherwise fill the log with every image.
            self._told[plot] = fault
            logger.warning("stage=Predict event=no-result plot=%r reason=%r", plot, fault)
        self._pulse.gauges["Failed"] = self._pulse.gauges.get("Failed", 0.0) + 1.0
        await self._answer(job, no_result(job.order, self._name, fault), outlet)

    async def _answer(self, job: Job, answer: tuple[Report, list[Part]], outlet: Outlet) -> None:
        report, frames = answer
        if job.order.plot.companions:
            seen = [await self._accompany(job, one) for one in job.order.plot.companions]
            report = replace(report, companions=tuple(seen), masks=masks_of(job.order))
        await outlet.report(report, [*frames, job.picture])
        self._pulse.handled(time.monotonic() - job.arrived)
