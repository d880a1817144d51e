"""The Guard: ends processes that live but no longer beat.

A process that died is restarted by the supervisor. One that hangs or was
stopped is not, because it is still there: the Guard kills it, and the
supervisor starts it again.
"""

import logging
import os
import signal
import socket
import time
from dataclasses import dataclass

import psutil
import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.errors import MessageError
from pipeline.messages import Heartbeat, decode
from pipeline.sockets import open_socket

logger = logging.getLogger(__name__)

SILENCE_S = 8.0
"""A process without heartbeat for this long is killed. Twice the time after
which the IOC shows it as silent, so that a short stall is seen, not shot."""
CHECK_S = 1.0
START_SLACK_S = 30.0
"""A process starts this long before its first heartbeat at the most."""


@dataclass(slots=True)
class Watched:
    """The last heartbeat of one process."""

    heartbeat: Heartbeat
    seen: float
    """Monotonic time of arrival."""


class Guard:
    """Knows who beats, and tells who should be killed."""

    def __init__(self, host: str) -> None:
        """Watch nobody yet.

        Args:
            host: Name of this machine; processes elsewhere are not ours to kill.
        """
        self._host = host
        self._watched: dict[tuple[str, int], Watched] = {}

    def heard(self, heartbeat: Heartbeat, now: float) -> None:
        """Note a heartbeat.

        Args:
            heartbeat: What came.
            now: Monotonic time, seconds.
        """
        if heartbeat.host == self._host:
            self._watched[heartbeat.stage, heartbeat.instance] = Watched(heartbeat, now)

    def silent(self, now: float) -> list[Heartbeat]:
        """Take out the processes that have been silent for too long.

        Args:
            now: Monotonic time, seconds.

        Returns:
            The last heartbeat of each; each is named once.
        """
        keys = [key for key, one in self._watched.items() if now - one.seen > SILENCE_S]
        return [self._watched.pop(key).heartbeat for key in keys]


def still_the_same(heartbeat: Heartbeat) -> bool:
    """Tell whether the process that sent a heartbeat is still there.

    Args:
        heartbeat: Its last heartbeat.

    Returns:
        False when the process is gone or its number was given to another
        process, or when it does not belong to this user.
    """
    try:
        process = psutil.Process(heartbeat.pid)
        delay_s = heartbeat.started - process.create_time()
        return bool(-1.0 <= delay_s < START_SLACK_S and process.uids().real == os.getuid())
    except psutil.NoSuchProcess:
        return False


def kill(heartbeat: Heartbeat) -> None:
    """Kill a silent process, for the supervisor to start it again."""
    if not still_the_same(heartbeat):
        return
    logger.warning(
        "stage=%s instance=%d pid=%d event=killed reason='no heartbeat for %.0f s'",
        heartbeat.stage,
        heartbeat.instance,
        heartbeat.pid,
        SILENCE_S,
    )
    os.kill(heartbeat.pid, signal.SIGKILL)


async def serve(config: Config) -> None:
    """Watch the heartbeats until cancelled.

    Args:
        config: The deployment.
    """
    context = zmq.asyncio.Context()
    receiver = open_socket(context, config, zmq.SUB, bind="health_guard")
    receiver.subscribe(b"")
    guard = Guard(socket.gethostname())
    woke = time.monotonic()
    try:
        while True:
            if await receiver.poll(CHECK_S * 1000):
                _take(guard, await receiver.recv_multipart())
            now = time.monotonic()
            if now - woke > 2 * CHECK_S:
                # This process itself was stopped: nobody else is to blame.
                guard = Guard(socket.gethostname())
            woke = now
            for heartbeat in guard.silent(now):
                kill(heartbeat)
    finally:
        receiver.close(0)
        context.destroy(0)


def _take(guard: Guard, parts: list[bytes]) -> None:
    try:
        message, _ = decode(parts)
    except MessageError as error:
        logger.warning("event=refused reason='%s'", error)
        return
    if isinstance(message, Heartbeat):
        guard.heard(message, time.monotonic())
