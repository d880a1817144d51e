"""Calls that may hang, kept away from the event loop."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pipeline.errors import HydraError

T = TypeVar("T")

SLICE_S: Final = 0.1
"""How often the watch on a call looks at the clock."""
GRACE_S: Final = 1.0
"""How long a call that was asked to stop may take to do so."""


class Hung(HydraError):  # noqa: N818 - the name is the sentence
    """A call took too long.

    Attributes:
        reclaimed: Whether its thread came back when asked to stop. If not,
            only the end of the process ends it.
    """

    def __init__(self, message: str, *, reclaimed: bool) -> None:
        """Keep what became of the thread beside the text."""
        super().__init__(message)
        self.reclaimed = reclaimed


@dataclass(slots=True, eq=False)
class _Call:
    future: asyncio.Future[Any]
    function: Callable[[], Any]
    stop: Callable[[], None] | None
    timeout_s: float
    seen: float
    """Up to when its time was taken off; monotonic, seconds."""
    left_s: float
    asked: bool = False
    """To stop, after which it has but ``GRACE_S``."""

    def hung(self, *, reclaimed: bool) -> Hung:
        return Hung(f"took longer than {self.timeout_s:g} s", reclaimed=reclaimed)


class Runner:
    """One thread that makes one call at a time, watched from the event loop.

    The thread is a daemon: one that never comes back must not keep the process.
    One watch looks at whatever call is being made, so that a call itself sets
    no timer.
    """

    def __init__(self, name: str) -> None:
        """Start the thread.

        Args:
            name: Name of the thread.
        """
        self._calls: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, _Call] | None] = (
            queue.SimpleQueue()
        )
        self._open: dict[int, _Call] = {}
        self._watch: asyncio.TimerHandle | None = None
        self._watched: asyncio.AbstractEventLoop | None = None
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def call(
        self, function: Callable[[], T], timeout_s: float, stop: Callable[[], None] | None = None
    ) -> T:
        """Make a call in the thread and wait for its result.

        Args:
            function: What to call.
            timeout_s: How long it may take, seconds of a process that runs.
            stop: Asks the call to end early, if it can be asked.

        Returns:
            What the function returns; what it raises is raised here.

        Raises:
            Hung: It took longer.
        """
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        call = _Call(future, function, stop, timeout_s, time.monotonic(), timeout_s)
        self._open[id(call)] = call
        if self._watch is None or self._watched is not loop:
            self._watched = loop
            self._watch = loop.call_later(SLICE_S, self._look, loop)
        self._calls.put((loop, call))
        try:
            result: T = await call.future
        finally:
            del self._open[id(call)]
        return result

    def close(self) -> None:
        """Let the thread end after the call it is making."""
        self._calls.put(None)
        if self._watch is not None:
            self._watch.cancel()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the time that went by off every open call, and end those that have none left."""
        now = time.monotonic()
        for call in self._open.values():
            # A process that was stopped and continued has not hung: no slice
            # counts for more than twice its length.
            call.left_s -= min(now - call.seen, 2 * SLICE_S)
            call.seen = now
            if call.left_s > 0 or call.future.done():
                continue
            if call.asked:
                call.future.set_exception(call.hung(reclaimed=False))
            else:
                call.asked, call.left_s = True, GRACE_S
                if call.stop is not None:
                    call.stop()
        self._watch = loop.call_later(SLICE_S, self._look, loop) if self._open else None

    def _work(self) -> None:
        while (taken := self._calls.get()) is not None:
            _make(*taken)


def _make(loop: asyncio.AbstractEventLoop, call: _Call) -> None:
    result: Any = None
    failure: Exception | None = None
    try:
        result = call.function()
    except Exception as error:  # noqa: BLE001 - raised again where the result is awaited
        failure = error

    def deliver() -> None:
        if call.future.done():
            return
        if call.asked:
            call.future.set_exception(call.hung(reclaimed=True))
        elif failure is None:
            call.future.set_result(result)
        else:
            call.future.set_exception(failure)

    if not loop.is_closed():
        loop.call_soon_threadsafe(deliver)
