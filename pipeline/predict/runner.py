"""Calls that may hang, kept away from the event loop."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
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


class Runner:
    """One thread that makes one call at a time, watched from the event loop.

    The thread is a daemon: one that never comes back must not keep the process.
    """

    def __init__(self, name: str) -> None:
        """Start the thread.

        Args:
            name: Name of the thread.
        """
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
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
        future: asyncio.Future[T] = loop.create_future()
        self._calls.put(lambda: _settle(loop, future, function))
        if await _within(future, timeout_s):
            return future.result()
        if stop is not None:
            stop()
        reclaimed = await _within(future, GRACE_S)
        if reclaimed:
            future.exception()
        raise Hung(f"took longer than {timeout_s:g} s", reclaimed=reclaimed)

    def close(self) -> None:
        """Let the thread end after the call it is making."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _settle(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], function: Callable[[], T]
) -> None:
    result: Any = None
    failure: Exception | None = None
    try:
        result = function()
    except Exception as error:  # noqa: BLE001 - raised again where the result is awaited
        failure = error

    def deliver() -> None:
        if future.done():
            return
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)

    if not loop.is_closed():
        loop.call_soon_threadsafe(deliver)


async def _within(future: asyncio.Future[T], timeout_s: float) -> bool:
    left = timeout_s
    while left > 0:
        begun = time.monotonic()
        await asyncio.wait({future}, timeout=min(SLICE_S, left))
        if future.done():
            return True
        # A process that was stopped and continued has not hung: no slice
        # counts for more than twice its length.
        left -= min(time.monotonic() - begun, 2 * SLICE_S)
    return future.done()
