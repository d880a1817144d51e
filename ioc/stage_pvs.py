"""The PVs of one process: heartbeat, state and how it fares."""

from collections.abc import Iterator
from typing import Final

from ioc.chain import Seen, StageKey
from ioc.description import Kind, PvDescription
from ioc.value import Content, PvValue
from pipeline.alarm import Severity, Status
from pipeline.messages import Heartbeat

STATES: Final = ("Starting", "Running", "Degraded", "Stopping", "Silent")
_SEVERITIES: Final = {
    "Starting": (Severity.MINOR, Status.STATE),
    "Running": (Severity.NO_ALARM, Status.NO_ALARM),
    "Degraded": (Severity.MAJOR, Status.STATE),
    "Stopping": (Severity.MINOR, Status.STATE),
}


def stage_name(key: StageKey) -> str:
    """Give the PV name part of a process, such as ``Keeper`` or ``Predict0``."""
    stage, instance = key
    return f"{stage}{instance}" if stage == "Predict" or instance else stage


def describe_stage(prefix: str, key: StageKey) -> Iterator[PvDescription]:
    """Describe every PV of a process."""
    base = f"{prefix}{stage_name(key)}:"
    yield PvDescription(f"{base}Heartbeat", Kind.LONG, "Counts up once a second")
    yield PvDescription(
        f"{base}State",
        Kind.ENUM,
        "How the process fares",
        choices=STATES,
        ackable=True,
        archive=True,
    )
    yield PvDescription(
        f"{base}Rate", Kind.DOUBLE, "Messages handled per second", "1/s", 2, archive=True
    )
    yield PvDescription(
        f"{base}Latency", Kind.DOUBLE, "Median time to handle a message", "s", 4, archive=True
    )
    yield PvDescription(f"{base}Queue", Kind.LONG, "Messages that wait", ackable=True, archive=True)
    yield PvDescription(f"{base}Dropped", Kind.LONG, "Messages and files refused", archive=True)
    yield PvDescription(f"{base}Restarts", Kind.LONG, "Restarts seen by the IOC", archive=True)
    yield PvDescription(f"{base}Reason", Kind.LONG_STRING, "Why the state is not Running")


def stage_values(
    prefix: str, key: StageKey, seen: Seen, *, now: float, wall: float, silence_s: float
) -> dict[str, PvValue]:
    """Give what the PVs of a process show.

    Args:
        prefix: The deployment's prefix.
        key: The process.
        seen: What was heard of it.
        now: Monotonic time, seconds.
        wall: Seconds since the epoch.
        silence_s: A process without heartbeat for this long is dead.

    Returns:
        Values by full name; none while a process that never spoke may still come.
    """
    base = f"{prefix}{stage_name(key)}:"
    silent = seen.silent(now, silence_s)
    if seen.heartbeat is None and not silent:
        return {}
    time = wall - (now - seen.at)
    if silent:
        reason = f"{stage_name(key)} is silent: no heartbeat for more than {silence_s:g} s"
        return {
            f"{base}{name}": PvValue(content, Severity.INVALID, Status.COMM, time, reason)
            for name, content in _contents(seen, reason, silent=True).items()
        }
    return _speaking(base, seen, time)


def _speaking(base: str, seen: Seen, time: float) -> dict[str, PvValue]:
    heartbeat = seen.heartbeat
    if heartbeat is None:
        return {}
    values = {
        name: PvValue(content, time=time)
        for name, content in _contents(seen, heartbeat.reason, silent=False).items()
    }
    severity, status = _SEVERITIES[heartbeat.state]
    full = heartbeat.queue_limit and heartbeat.queue >= heartbeat.queue_limit
    if full:
        reason = f"queue is full: {heartbeat.queue} of {heartbeat.queue_limit}"
        values["Queue"] = PvValue(heartbeat.queue, Severity.MAJOR, Status.HIHI, time, reason)
    state = values["State"].value
    values["State"] = PvValue(state, severity, status, time, heartbeat.reason)
    return {base + name: value for name, value in values.items()}


def _contents(seen: Seen, reason: str, *, silent: bool) -> dict[str, Content]:
    beat: Heartbeat | None = seen.heartbeat
    return {
        "Heartbeat": beat.beat % 2**31 if beat else 0,
        "State": STATES.index("Silent" if silent or beat is None else beat.state),
        "Rate": beat.rate if beat else 0.0,
        "Latency": beat.latency_s if beat else 0.0,
        "Queue": beat.queue if beat else 0,
        "Dropped": beat.dropped if beat else 0,
        "Restarts": seen.restarts,
        "Reason": reason,
    }
