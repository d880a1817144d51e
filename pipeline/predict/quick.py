"""Passes of models that have proven quick: made on the event loop, watched from a thread."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from pipeline.predict.runner import GRACE_S, SLICE_S, Hung

T = TypeVar("T")

PROVEN: Final = 50
"""Passes in a row that a model must have made quickly."""
QUICK_S: Final = 0.05
"""A pass that takes longer than this holds up heartbeats and the news of the Keeper."""
LIMIT_S: Final = 2.0
"""A model that takes this long although it was quick has hung, in seconds; shorter than
the silence after which the Balancer gives a worker up."""
HUNG_EXIT: Final = 3
"""Exit code of a worker whose model could not be stopped."""


@dataclass(slots=True, eq=False)
class _Call:
    digest: str
    stop: Callable[[], None]
    left_s: float
    asked: bool = False
    """To stop, after which it has but ``GRACE_S``."""


class Quick:
    """Knows the quick models and runs them without the way to another thread and back.

    That way costs a tenth of a pass of two milliseconds. A model is trusted
    with the event loop only after ``PROVEN`` quick passes, and loses that with
    the first slow one. Should it hang all the same, a thread asks it to stop,
    and in the end gives the process up.
    """

    def __init__(self, give_up: Callable[[str, str], None], timeout_s: float) -> None:
        """Start the watch.

        Args:
            give_up: Called in the watching thread with a model and what it did
                when it cannot be stopped; ends the process.
            timeout_s: A pass longer than this, or than ``LIMIT_S``, has hung.
        """
        self._give_up = give_up
        self._limit_s = min(timeout_s, LIMIT_S)
        self._passes: dict[str, int] = {}
        self._call: _Call | None = None
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="quick", daemon=True).start()

    def knows(self, digest: str) -> bool:
        """Tell whether a model may run on the event loop."""
        return self._passes.get(digest, 0) >= PROVEN

    def took(self, digest: str, seconds: float) -> None:
        """Note how long a pass of a model took.

        Args:
            digest: The model.
            seconds: Its duration.
        """
        self._passes[digest] = self._passes.get(digest, 0) + 1 if seconds <= QUICK_S else 0

    def run(self, digest: str, function: Callable[[], T], stop: Callable[[], None]) -> T:
        """Make a pass here and now.

        Args:
            digest: The model.
            function: The pass.
            stop: Asks the pass to end early.

        Returns:
            What the function returns; what it raises is raised here.

        Raises:
            Hung: It took too long, and ended when asked to.
        """
        begun = time.monotonic()
        self._call = call = _Call(digest, stop, self._limit_s)
        try:
            result = function()
        except Exception as error:
            if call.asked:
                raise self._hung() from error
            raise
        finally:
            self._call = None
            self.took(digest, time.monotonic() - begun)
        if call.asked:
            raise self._hung()
        return result

    def close(self) -> None:
        """End the watch."""
        self._closed.set()

    def _hung(self) -> Hung:
        return Hung(f"took longer than {self._limit_s:g} s", reclaimed=True)

    def _watch(self) -> None:
        # Counted in turns of this thread: a process that was stopped and
        # continued has not hung.
        while not self._closed.wait(SLICE_S):
            call = self._call
            if call is None:
                continue
            call.left_s -= SLICE_S
            if call.left_s > 0 or self._call is not call:
                continue
            if call.asked:
                self._give_up(call.digest, str(self._hung()))
            call.asked, call.left_s = True, GRACE_S
            call.stop()
