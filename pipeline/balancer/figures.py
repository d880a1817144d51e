"""What the Balancer says of itself in its heartbeat."""

from collections.abc import Sequence
from typing import Final

from pipeline.balancer.dispatcher import Dispatcher
from pipeline.balancer.queue import Parcel
from pipeline.health import Pulse

WORKERS_SHOWN: Final = 16
"""Workers that get a gauge of their own."""
GAUGE_LENGTH: Final = 31
"""Longest name of a gauge, as ``pipeline.messages`` has it."""
HELD: Final = "Held"


def show(pulse: Pulse, dispatcher: Dispatcher, *, refusing: bool, unsent: Sequence[Parcel]) -> None:
    """Bring the heartbeat up to date.

    Args:
        pulse: The heartbeat.
        dispatcher: What is to be shown.
        refusing: Whether orders were refused lately because the queue was full.
        unsent: Poison orders whose report the Keeper has not taken.
    """
    workers = dispatcher.registry.all()
    reasons = []
    if not workers:
        reasons.append("no worker is registered")
    if dispatcher.full or refusing:
        refused = pulse.refusals.get("QueueFull", 0)
        reasons.append(f"the queue of {pulse.queue_limit} is full, {refused} orders refused")
    if unsent:
        reasons.append("the Keeper takes no reports")
    pulse.state = "Degraded" if reasons else "Running"
    pulse.reason = "; ".join(reasons)
    pulse.queue = dispatcher.waiting
    for name in [name for name in pulse.gauges if name.startswith(HELD)]:
        del pulse.gauges[name]
    pulse.gauges |= {
        "Workers": float(len(workers)),
        "UnderWay": float(dispatcher.under_way),
        "Reassigned": float(dispatcher.reassigned),
    }
    for worker in workers[:WORKERS_SHOWN]:
        pulse.gauges[gauge_name(worker.name)] = float(len(worker.held))


def gauge_name(worker: str) -> str:
    """Give the gauge that tells how many orders a worker holds.

    Args:
        worker: Its name, such as ``Predict0``.

    Returns:
        ``HeldPredict0``: letters and digits only, at most 31 characters.
    """
    plain = "".join(letter for letter in worker if letter.isalnum() and letter.isascii())
    return (HELD + plain)[:GAUGE_LENGTH]
