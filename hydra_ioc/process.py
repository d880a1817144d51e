"""Running one stage as a process: signals, title and exit code."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import setproctitle

logger = logging.getLogger(__name__)


def run_stage(name: str, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a stage until it is told to stop.

    SIGTERM and SIGINT cancel the stage, which then closes its sockets. A stage
    that raises ends the process with a traceback and a non-zero exit code, so
    that the supervisor starts it again.

    Args:
        name: Shown by ``ps``, such as ``feeder`` or ``predict-1``.
        serve: Makes the stage's coroutine.
    """
    setproctitle.setproctitle(f"hydra-ioc {name}")
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_until_signalled(name, serve))


async def _until_signalled(name: str, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(serve())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    logger.info("stage=%s event=start", name)
    try:
        await task
    finally:
        logger.info("stage=%s event=stop", name)
