"""Which worker gets the next order."""

from collections.abc import Sequence
from typing import Protocol

from pipeline.balancer.registry import Worker
from pipeline.errors import ConfigError
from pipeline.messages import Order


class Policy(Protocol):
    """Chooses among the workers; a deployment names one by configuration."""

    def choose(self, workers: Sequence[Worker], order: Order) -> Worker | None:
        """Choose the worker that gets an order.

        Args:
            workers: All that may be chosen, in the order in which they
                registered; some may have no credit left.
            order: The order to be given; a policy may look at its model.

        Returns:
            A worker with credit, or None when the order has to wait.
        """


class RoundRobin:
    """Each worker in turn; an order waits for the one whose turn it is.

    The counts of any two workers never differ by more than one while the same
    workers take part, and the slowest worker sets the pace: for equal workers.
    """

    def __init__(self) -> None:
        """Begin with the worker that registered first."""
        self._last: bytes = b""

    def choose(self, workers: Sequence[Worker], order: Order) -> Worker | None:  # noqa: ARG002 - the protocol's signature
        """Give the next in turn, or None while it has no credit."""
        if not workers:
            return None
        places = [worker.identity for worker in workers]
        turn = (places.index(self._last) + 1) % len(places) if self._last in places else 0
        worker = workers[turn]
        if not worker.free:
            return None
        self._last = worker.identity
        return worker


class LeastLoaded:
    """The worker that has the smallest share of its credits in use."""

    def choose(self, workers: Sequence[Worker], order: Order) -> Worker | None:  # noqa: ARG002 - the protocol's signature
        """Give the least loaded; among equals the one given least so far."""
        able = [worker for worker in workers if worker.free]
        if not able:
            return None
        return min(able, key=lambda one: (len(one.held) / one.ready.credits, one.given))


POLICIES: dict[str, type[RoundRobin | LeastLoaded]] = {
    "round-robin": RoundRobin,
    "least-loaded": LeastLoaded,
}


def make_policy(name: str) -> Policy:
    """Make the policy of a name.

    Args:
        name: As ``balancer.policy`` of the configuration gives it.

    Raises:
        ConfigError: There is no such policy.
    """
    if name not in POLICIES:
        raise ConfigError(f"expected balancer.policy to be one of {sorted(POLICIES)}, got {name}")
    return POLICIES[name]()
