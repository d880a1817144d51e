"""The running experiment: runs and chunks, beam, faults, and the plots they make."""

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from pipeline.errors import CommandError
from simulation.beam import CURRENT
from simulation.control import AnyRequest, Beam, Clear, Inject, Status
from simulation.dataset import statistics
from simulation.detector import seed_of
from simulation.drawing import Conditions, Fault
from simulation.faults import describe, plot_kind, resolve
from simulation.plots import PLOTS
from simulation.record import Recorder
from simulation.render import concerns, draw

logger = logging.getLogger(__name__)

BEAM_S: Final = 2.0
"""How often the beam current is written while it does not change."""
MOST_FAULTS: Final = 100
"""Faults at a time; more are refused."""


class BeamMonitor(Protocol):
    """Whoever wants to know the beam current."""

    async def start(self) -> None:
        """Begin."""
        ...

    async def write(self, current: float) -> bool:
        """Take the current in nA; must not wait for anybody."""
        ...

    async def stop(self) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How the experiment is played."""

    plots: tuple[str, ...]
    period_s: float = 10.0
    """Time between two images of the same plot."""
    chunks: int = 60
    """Chunks of a run."""
    burst: bool = False
    """All plots of a chunk at once, rather than spread over the period."""
    cycles: int | None = None
    """Stop after so many chunks; None goes on."""
    trip_every: int = 0
    """The beam trips for one chunk after so many; 0 never."""
    backlog: int = 1000
    """Files that may wait unread; then no more are written."""
    keep: bool = False
    """Nobody removes the files: remove the oldest beyond ``backlog`` here."""
    seed: int = 0


class Experiment:
    """Plays the experiment and takes requests while it does."""

    def __init__(
        self,
        plan: Plan,
        recorder: Recorder,
        first_run: int,
        beam: BeamMonitor | None = None,
        kept: Path | None = None,
    ) -> None:
        """Begin at chunk 0 of a run with beam on and nothing broken.

        Args:
            plan: How it is played.
            recorder: Where plots go.
            first_run: Number of the run.
            beam: Who is told the beam current.
            kept: File that holds the number of the last run, so that the next demo goes on.
        """
        self._kept = kept
        self.plan = plan
        self.recorder = recorder
        self.run = first_run
        self.chunk = 0
        self.cycle = 0
        self.beam_on = True
        self.faults: list[Fault] = []
        self.written = 0
        self.failed = 0
        self.problem = ""
        self.beam = beam
        self._told: tuple[bool, int] | None = None
        self._waiting: deque[Path] = deque()
        self._rng = np.random.default_rng([plan.seed, first_run])

    async def play(self) -> None:
        """Draw and write plots until cancelled or the planned cycles are over."""
        step = self.plan.period_s / len(self.plan.plots)
        due = time.monotonic()
        while self.plan.cycles is None or self.cycle < self.plan.cycles:
            events = statistics(self._rng)
            for index, plot in enumerate(self.plan.plots):
                pause = 0.0 if self.plan.burst else due + index * step - time.monotonic()
                await asyncio.sleep(max(0.0, pause))
                await self._tell_beam()
                self._make(plot, events)
            due = max(due + self.plan.period_s, time.monotonic() - self.plan.period_s)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._next_chunk()

    def _next_chunk(self) -> None:
        self.cycle += 1
        self.chunk += 1
        if self.chunk >= self.plan.chunks:
            self.run += 1
            self.chunk = 0
            logger.info("run=%d event=start", self.run)
            self._keep_run()

    def _keep_run(self) -> None:
        if self._kept is None:
            return
        try:
            self._kept.write_text(f"{self.run}\n")
        except OSError as error:
            # The plots are what counts; a later demo plays this run again.
            logger.warning("run=%d event=not-kept text=%r", self.run, str(error))

    def _tripped(self) -> bool:
        every = self.plan.trip_every
        return bool(every) and self.cycle % (every + 1) == every

    @property
    def has_beam(self) -> bool:
        """Whether beam arrives now."""
        return self.beam_on and not self._tripped()

    async def _tell_beam(self) -> None:
        """Write the current when it has changed or some time has passed."""
        news = self.has_beam, int(time.monotonic() / BEAM_S)
        if self.beam is None or news == self._told:
            return
        jitter = 1.0 + 0.01 * self._rng.normal()
        if await self.beam.write(round(CURRENT * jitter, 2) if self.has_beam else 0.0):
            self._told = news

    def _make(self, plot: str, events: float) -> None:
        """Draw and write one plot; a disk that refuses is reported, not fatal."""
        if not self._room():
            return
        conditions = Conditions(self.run, self.chunk, events, self.has_beam, time.time())
        seed = seed_of(plot, self.plan.seed, self.run, self.chunk)
        shown = [fault for fault in self.faults if concerns(PLOTS[plot], fault)]
        drawing = draw(plot, conditions, shown, seed[0] ^ seed[1] ^ seed[2] ^ seed[3])
        try:
            self._waiting.append(self.recorder.write(drawing, conditions))
        except OSError as error:
            self.failed += 1
            self._report(f"cannot write plots: {error}; make room or mend the folder, I go on")
            return
        self.written += 1
        self._report("")

    def _room(self) -> bool:
        """Keep the number of waiting files within bounds."""
        if len(self._waiting) < self.plan.backlog:
            return True
        self._waiting = deque(path for path in self._waiting if path.exists())
        if len(self._waiting) < self.plan.backlog:
            return True
        if self.plan.keep:
            self._waiting.popleft().unlink(missing_ok=True)
            return True
        self._report(
            f"{len(self._waiting)} plots wait unread in {self.recorder.tree}; I write no more"
            " until someone takes them"
        )
        return False

    def _report(self, problem: str) -> None:
        if problem and problem != self.problem:
            logger.error("problem=%s", problem)
        elif self.problem and not problem:
            logger.info("event=mended was=%s", self.problem)
        self.problem = problem

    def answer(self, request: AnyRequest) -> str:
        """Do what a request asks.

        Args:
            request: What was asked.

        Returns:
            In words, what was done.

        Raises:
            CommandError: It cannot be done; says why.
        """
        match request:
            case Inject(fault):
                return self._inject(fault)
            case Clear(plot):
                return self._clear(plot)
            case Beam(on):
                self.beam_on = on
                return f"beam {'on' if on else 'off'}"
            case Status():
                return self._status()

    def _inject(self, asked: Fault) -> str:
        if len(self.faults) >= MOST_FAULTS:
            raise CommandError(f"{MOST_FAULTS} faults already; clear some first")
        fault = resolve(asked.plot, asked, self._rng)
        shows = [name for name in self.plan.plots if concerns(PLOTS[name], fault)]
        if fault.plot not in shows:
            raise CommandError(
                f"{fault.plot} is not played here; the plots are {', '.join(self.plan.plots)}"
            )
        self.faults.append(fault)
        text = describe(fault)
        if not self.has_beam:
            text += "; it will show when there is beam again"
        others = [name for name in shows if name != fault.plot]
        return f"{text}; shows also on {', '.join(others)}" if others else text

    def _clear(self, plot: str) -> str:
        gone = list(self.faults)
        if plot:
            kind = plot_kind(plot)
            gone = [fault for fault in self.faults if concerns(kind, fault)]
        self.faults = [fault for fault in self.faults if fault not in gone]
        if not gone:
            return "nothing to clear"
        return "cleared: " + "; ".join(describe(fault) for fault in gone)

    def _status(self) -> str:
        lines = [
            f"run {self.run}, chunk {self.chunk}, beam {'on' if self.has_beam else 'off'}",
            f"{len(self.plan.plots)} plots every {self.plan.period_s:g} s,"
            f" {self.written} written, {self.failed} failed",
        ]
        lines.extend(describe(fault) for fault in self.faults)
        if not self.faults:
            lines.append("no faults")
        if self.problem:
            lines.append(f"problem: {self.problem}")
        return "\n".join(lines)
