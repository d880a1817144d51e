"""The heartbeat of a process: what every stage says of itself once a second."""

import asyncio
import os
import socket
import statistics
import time
from collections import deque

import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.messages import Gauge, Heartbeat, encode
from pipeline.sockets import open_socket

PERIOD_S = 1.0
WINDOW_S = 10.0
RECEIVERS = ("health_ioc", "health_keeper", "health_guard")


class Pulse:
    """Counts what a process does and publishes it.

    The stage calls ``handled`` and ``refused`` on its way and sets ``queue``,
    ``state`` and ``reason``; ``run`` publishes until it is cancelled.
    """

    def __init__(self, stage: str, instance: int = 0, queue_limit: int = 0) -> None:
        """Begin in state Starting.

        Args:
            stage: Feeder, Balancer, Predict, Keeper or Ioc.
            instance: Number of the process where a stage has several.
            queue_limit: Where the queue is full; 0 when it has no limit.
        """
        self.stage = stage
        self.instance = instance
        self.queue_limit = queue_limit
        self.state = "Starting"
        self.reason = ""
        self.queue = 0
        self.refusals: dict[str, int] = {}
        self.gauges: dict[str, float] = {}
        self._started = time.time()
        self._handled = 0
        self._beat = 0
        self._recent: deque[tuple[float, float]] = deque(maxlen=20_000)

    def handled(self, duration_s: float) -> None:
        """Count one message and how long it took, in seconds."""
        self._handled += 1
        self._recent.append((time.monotonic(), duration_s))

    def refused(self, reason: str) -> None:
        """Count one message or file that was refused.

        Args:
            reason: CamelCase word; becomes a gauge ``Refused<reason>``.
        """
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def heartbeat(self) -> Heartbeat:
        """Make the next heartbeat."""
        now = time.monotonic()
        while self._recent and self._recent[0][0] < now - WINDOW_S:
            self._recent.popleft()
        durations = [duration for _, duration in self._recent]
        self._beat += 1
        gauges = {**self.gauges, **{f"Refused{k}": float(n) for k, n in self.refusals.items()}}
        return Heartbeat(
            stage=self.stage,
            instance=self.instance,
            host=socket.gethostname(),
            pid=os.getpid(),
            started=self._started,
            beat=self._beat,
            state=self.state,
            reason=self.reason,
            rate=len(durations) / WINDOW_S,
            latency_s=statistics.median(durations) if durations else 0.0,
            queue=self.queue,
            queue_limit=self.queue_limit,
            dropped=sum(self.refusals.values()),
            handled=self._handled,
            gauges=tuple(Gauge(name=name, value=value) for name, value in gauges.items()),
        )

    async def run(self, context: zmq.asyncio.Context, config: Config) -> None:
        """Publish a heartbeat every second to IOC, Keeper and Guard.

        Args:
            context: The ZeroMQ context of the process.
            config: The deployment.
        """
        sockets = [open_socket(context, config, zmq.PUB, connect=name) for name in RECEIVERS]
        try:
            while True:
                parts = encode(self.heartbeat())
                for publisher in sockets:
                    await publisher.send_multipart(parts)
                await asyncio.sleep(PERIOD_S)
        finally:
            for publisher in sockets:
                publisher.close(0)
