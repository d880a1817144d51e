"""Running one stage as a process: signals, title and exit code."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import setproctitle

logger = logging.getLogger(__name__)


def run_stage(
    name: str, serve: Callable[[], Coroutine[Any, Any, None]], *, throughput: bool = False
) -> None:
    """Run a stage until it is told to stop.

    SIGTERM and SIGINT cancel the stage, which then closes its sockets. A stage
    that raises ends the process with a traceback and a non-zero exit code, so
    that the supervisor starts it again.

    Args:
        name: Shown by ``ps``, such as ``feeder`` or ``predict-1``.
        serve: Makes the stage's coroutine.
        throughput: The stage works in a chain with others on the same cores.
            It does not take the core from a process that computes whenever a
            message comes (``SCHED_BATCH``, sched(7)), but takes several at its
            turn: decision 0088 has what that gains and costs.
    """
    if throughput:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    setproctitle.setproctitle(f"hydra-ioc {name}")
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_until_signalled(name, serve))


async def _until_signalled(name: str, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    # What is loaded by now stays: the collector need not look at it again and again.
    gc.freeze()
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(serve())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    logger.info("stage=%s event=start", name)
    try:
        await task
    finally:
        logger.info("stage=%s event=stop", name)
