"""What every process says of itself."""

from typing import Annotated

import msgspec

from pipeline.messages.base import Count, Message, Name, Seconds, Text


class Gauge(Message, kw_only=True, frozen=True):
    """One number of a process."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Za-z0-9]{0,30}$")]
    value: float


class Heartbeat(Message, kw_only=True, frozen=True, tag="heartbeat"):
    """A process says once a second that it lives and how it fares."""

    stage: Annotated[str, msgspec.Meta(pattern="^(Feeder|Balancer|Predict|Keeper|Ioc)$")]
    instance: Count = 0
    """Number of the process where a stage has several."""
    host: Name
    pid: Count
    started: float
    """Start of the process, seconds since the epoch."""
    beat: Count
    """Counts up by one each time."""
    state: Annotated[str, msgspec.Meta(pattern="^(Starting|Running|Degraded|Stopping)$")]
    reason: Text = ""
    """Why the state is not Running."""
    rate: Seconds = 0.0
    """Messages handled per second over the last ten seconds."""
    latency_s: Seconds = 0.0
    """Median time to handle one message over the last ten seconds."""
    queue: Count = 0
    """Messages that wait in this process."""
    queue_limit: Count = 0
    """Where the queue is full; 0 when it has no limit."""
    dropped: Count = 0
    """Messages and files refused since the start."""
    handled: Count = 0
    """Messages handled since the start."""
    gauges: tuple[Gauge, ...] = ()
    """Further numbers, such as refusals by reason."""
