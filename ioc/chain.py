"""Which processes live, and what their silence means for the plots.

The Keeper judges the plots; this is only what it cannot say itself: that
the chain that feeds it, or the Keeper, is silent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from pipeline.alarm import Severity, Status
from pipeline.messages import Heartbeat, PlotState

StageKey = tuple[str, int]
"""Name of the stage and number of the process."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The last that was heard of a process.

    Attributes:
        heartbeat: The last one; None when the process never spoke.
        at: Monotonic time of it, or of the IOC's start; seconds.
        restarts: How often the process was seen to start anew.
    """

    heartbeat: Heartbeat | None
    at: float
    restarts: int = 0

    def silent(self, now: float, silence_s: float) -> bool:
        """Tell whether the process has been quiet for too long."""
        return now - self.at > silence_s


def hear(seen: Seen | None, heartbeat: Heartbeat, now: float) -> Seen:
    """Take in a heartbeat.

    Args:
        seen: What was known of the process.
        heartbeat: The new one.
        now: Monotonic time, seconds.
    """
    last = seen.heartbeat if seen else None
    again = last is not None and (last.pid, last.started) != (heartbeat.pid, heartbeat.started)
    return Seen(heartbeat, now, (seen.restarts if seen else 0) + int(again))


def chain_fault(stages: Mapping[StageKey, Seen], now: float, silence_s: float) -> str:
    """Say which silence breaks the way of a plot.

    Args:
        stages: Every process that is expected or was heard.
        now: Monotonic time, seconds.
        silence_s: A process without heartbeat for this long is dead.

    Returns:
        The fault in words, empty when there is none. A stage with several
        processes is silent when all of them are.
    """
    for stage in ("Keeper", "Balancer", "Feeder", "Predict"):
        ones = [seen for (name, _), seen in stages.items() if name == stage]
        if ones and all(seen.silent(now, silence_s) for seen in ones):
            return _silence(stage, ones)
    return ""


def _silence(stage: str, ones: Iterable[Seen]) -> str:
    last = max(ones, key=lambda seen: seen.at)
    who = f"no {stage} process" if stage == "Predict" else stage
    if last.heartbeat is None:
        return f"{who} was never heard" if who == stage else f"{who} was ever heard"
    host, pid = last.heartbeat.host, last.heartbeat.pid
    return f"{stage} is silent (last heard from process {pid} on {host})"


def overlay(state: PlotState, *, ignored: bool, fault: str) -> PlotState:
    """Put the state of the chain over what the judge said.

    Args:
        state: What the judge said last.
        ignored: The plot is taken out of the alarms.
        fault: From ``chain_fault``.

    Returns:
        The state itself, or with a fault the same state INVALID/COMM: what it
        shows may be old, and nobody would know.
    """
    if not fault or ignored:
        return state
    return msgspec.structs.replace(
        state, severity=Severity.INVALID, status=Status.COMM, reason=fault
    )
