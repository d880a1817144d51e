"""Threads for everything that touches the disk, so that a slow one blocks nothing."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A small pool of threads whose results are awaited on the event loop."""

    def __init__(self, number: int, name: str) -> None:
        """Make the pool.

        Args:
            number: Most threads at work at a time.
            name: Beginning of the threads' names.
        """
        self._pool = ThreadPoolExecutor(number, thread_name_prefix=name)

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread and give its result."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(work, *args, **kwargs))

    def close(self) -> None:
        """Drop what waits and block until what runs has ended."""
        self._pool.shutdown(wait=True, cancel_futures=True)
