"""Shadows of a worker's plots, asked in a process of their own; nothing here ever raises.

A shadow that crashes, hangs or takes its time costs the images of its plot no more
than ``BUDGET_S`` now and then: its process is ended, the shadow is set aside, and the
report says why there is nothing of it.
"""

import asyncio
import contextlib
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from pipeline.messages import Companion, CompanionResult, Order
from pipeline.predict.companions import companion_failed
from pipeline.predict.reports import Part
from pipeline.predict.shadow_process import LENGTH, Question, framed

logger = logging.getLogger(__name__)

BUDGET_S: Final = 0.5
"""A shadow that takes longer for one image is set aside."""
LOAD_S: Final = 60.0
"""Starting the process, loading and warming may take this long."""
PIPE_BYTES: Final = 1 << 19
"""Size of the pipes: an image of 299 x 299 x 3 fits, so that it is handed over at once.

Source:
    pipe(7), "Pipe capacity": 65,536 bytes unless set, at most 1 MiB without privilege.
"""
FIRST_PAUSE_S: Final = 30.0
"""How long a shadow is set aside for the first time; doubled every further time."""
LONGEST_PAUSE_S: Final = 3600.0


@dataclass(slots=True)
class _Fault:
    reason: str
    until: float
    """Monotonic time."""
    pause_s: float


class Shadows:
    """Asks shadows about images."""

    def __init__(self, store: Path, threads: int) -> None:
        """Begin without a process; it is started for the first shadow.

        Args:
            store: The model store.
            threads: Inference threads.
        """
        self._command = (sys.executable, "-m", "pipeline.predict.shadow_process")
        self._arguments = str(store), str(threads)
        self._process: Process | None = None
        self._loaded: set[str] = set()
        self._faults: dict[str, _Fault] = {}
        self._busy = asyncio.Lock()
        self._loads: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._looks: set[asyncio.Task[CompanionResult]] = set()

    def activate(self, companions: Iterable[Companion]) -> None:
        """Load the shadows of a catalogue; forget what other ones did.

        Args:
            companions: Of all plots; only shadows count.
        """
        wanted = {one.model.digest: one for one in companions if one.role == "shadow"}
        for digest in self._faults.keys() - wanted.keys():
            del self._faults[digest]
        for companion in wanted.values():
            self._prepare(companion)
        if self._loaded - wanted.keys():
            task = asyncio.create_task(self._start_again(wanted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def look(self, companion: Companion, order: Order, tensor: Part) -> CompanionResult:
        """Ask a shadow about an image.

        Args:
            companion: The shadow.
            order: The image's.
            tensor: Its tensor frame.

        Returns:
            What it says, or why it says nothing.
        """
        digest = companion.model.digest
        fault = self._faults.get(digest)
        if fault is not None and time.monotonic() < fault.until:
            return companion_failed(companion, fault.reason)
        if digest not in self._loaded or self._busy.locked():
            self._prepare(companion)
            return companion_failed(companion, "the shadow is being loaded")
        question = Question(companion=companion, order=order, tensor=bytes(tensor))
        return await self._ask(question, BUDGET_S)

    async def begin(
        self, companion: Companion, order: Order, tensor: Part
    ) -> asyncio.Task[CompanionResult]:
        """Ask a shadow about an image without waiting for what it says.

        It works while the model that judges does, on another core where there is one.
        """
        task = asyncio.create_task(self.look(companion, order, tensor))
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)
        # One round of the loop hands the image over.
        await asyncio.sleep(0)
        return task

    def faults(self) -> int:
        """Count the shadows that are set aside now."""
        now = time.monotonic()
        return sum(now < fault.until for fault in self._faults.values())

    def close(self) -> None:
        """End the process."""
        for task in (*self._loads.values(), *self._tasks, *self._looks):
            task.cancel()
        self._end("")

    def _prepare(self, companion: Companion) -> None:
        digest = companion.model.digest
        fault = self._faults.get(digest)
        if digest in self._loaded or digest in self._loads:
            return
        if fault is not None and time.monotonic() < fault.until:
            return
        task = asyncio.create_task(self._load(companion))
        self._loads[digest] = task
        task.add_done_callback(lambda _: self._loads.pop(digest, None))

    async def _start_again(self, wanted: Mapping[str, Companion]) -> None:
        """Give the memory of former shadows back: their process has to end for it."""
        async with self._busy:
            self._end("its shadows have changed")
        for companion in wanted.values():
            self._prepare(companion)

    async def _load(self, companion: Companion) -> None:
        result = await self._ask(Question(companion=companion), LOAD_S)
        digest = companion.model.digest
        if not result.error:
            self._loaded.add(digest)
            logger.info("stage=Predict event=shadow-loaded model=%s", digest)
        elif digest not in self._faults or time.monotonic() >= self._faults[digest].until:
            self._set_aside(digest, result.error)

    async def _ask(self, question: Question, patience_s: float) -> CompanionResult:
        digest = question.companion.model.digest
        async with self._busy:
            try:
                async with asyncio.timeout(patience_s):
                    return await self._exchange(question)
            except TimeoutError:
                reason = f"the shadow took longer than {patience_s:g} s"
            except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError):
                reason = f"the shadow crashed{await self._code()}"
            self._end(reason)
            self._set_aside(digest, reason)
            return companion_failed(question.companion, reason)

    async def _exchange(self, question: Question) -> CompanionResult:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, *self._arguments, stdin=PIPE, stdout=PIPE, pipesize=PIPE_BYTES
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ConnectionError("the process has no pipes")
        stdin.write(framed(question))
        await stdin.drain()
        (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
        return msgspec.msgpack.decode(await stdout.readexactly(length), type=CompanionResult)

    async def _code(self) -> str:
        if self._process is None:
            return ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                return f", exit status {await self._process.wait()}"
        return ""

    def _set_aside(self, digest: str, reason: str) -> None:
        before = self._faults.get(digest)
        pause_s = min(before.pause_s * 2, LONGEST_PAUSE_S) if before else FIRST_PAUSE_S
        logger.warning(
            "stage=Predict event=shadow-set-aside model=%s seconds=%.0f reason=%r",
            digest,
            pause_s,
            reason,
        )
        self._faults[digest] = _Fault(reason, time.monotonic() + pause_s, pause_s)

    def _end(self, reason: str) -> None:
        self._loaded.clear()
        process, self._process = self._process, None
        if process is None:
            return
        if reason:
            logger.info("stage=Predict event=shadow-process-ended reason=%r", reason)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
