"""The Balancer without its sockets: who holds which order, and what if one dies."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final

from pipeline.balancer.policy import Policy
from pipeline.balancer.queue import OrderQueue, Parcel
from pipeline.balancer.registry import Registry, Worker
from pipeline.messages import Order, Ready

POISON_AFTER: Final = 2
"""Workers in a row that an order may kill while it is all they hold."""
REMEMBERED: Final = 1000
"""Poison orders that are remembered, in case they are sent again."""


class Intake(Enum):
    """What became of an order that came in."""

    QUEUED = "queued"
    DUPLICATE = "duplicate"
    """It waits or is under way already."""
    REVIVED = "revived"
    """It was under way for so long that it must have been lost: queued again."""
    FULL = "full"
    """Refused; the Feeder sends it again."""
    POISON = "poison"
    """It kills workers; reported again, not given out."""


class Dispatcher:
    """Takes orders in, hands them to workers, and loses none that a worker held.

    A worker that dies holding several orders does not tell which one killed
    it. All of them become suspects: each is given out alone, so that the next
    death names the culprit and the innocent go through.
    """

    def __init__(self, policy: Policy, queue_limit: int, silence_s: float, lost_s: float) -> None:
        """Begin without orders and without workers.

        Args:
            policy: Chooses the worker of each order.
            queue_limit: Orders that may wait; more are refused.
            silence_s: A worker silent for this long is given up, seconds.
            lost_s: An order that is sent again after it was with a worker for
                this long is taken from it, seconds.
        """
        self.queue = OrderQueue()
        self.registry = Registry()
        self.reassigned = 0
        """Orders taken from workers that died, left or fell silent."""
        self._policy = policy
        self._queue_limit = queue_limit
        self._silence_s = silence_s
        self._lost_s = lost_s
        self._suspects: dict[str, Parcel] = {}
        self._under_way: dict[str, Worker] = {}
        self._condemned: list[Parcel] = []
        self._poison: OrderedDict[str, int] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Orders that no worker holds."""
        return len(self.queue) + len(self._suspects)

    @property
    def under_way(self) -> int:
        """Orders that workers hold."""
        return len(self._under_way)

    @property
    def full(self) -> bool:
        """Whether the next order would be refused."""
        return self.waiting >= self._queue_limit

    def submit(self, order: Order, parts: Sequence[Any], now: float) -> Intake:
        """Take in an order.

        Args:
            order: The order.
            parts: The parts it came in, passed on unchanged.
            now: Monotonic time, seconds.
        """
        key = order.order_id
        if key in self._poison:
            self._condemned.append(Parcel(order, parts, now, deaths=self._poison[key]))
            return Intake.POISON
        if key in self._under_way:
            holder = self._under_way[key]
            if now - holder.held[key].given < self._lost_s:
                return Intake.DUPLICATE
            self.take_back(holder.held[key])
            return Intake.REVIVED
        if key in self.queue or key in self._suspects:
            return Intake.DUPLICATE
        if self.full:
            return Intake.FULL
        self.queue.put(Parcel(order, parts, now))
        return Intake.QUEUED

    def ready(self, identity: bytes, ready: Ready, now: float) -> bool:
        """Register a worker.

        Args:
            identity: Routing id of its socket.
            ready: What it said of itself.
            now: Monotonic time, seconds.

        Returns:
            True when it was not known before.
        """
        known = self.registry.get(identity) is not None
        self.registry.add(identity, ready, now)
        return not known

    def heard(self, identity: bytes, now: float) -> bool:
        """Note that a worker lives; False when it has to register first."""
        worker = self.registry.get(identity)
        if worker is not None:
            worker.seen = now
        return worker is not None

    def finished(self, identity: bytes, order_id: str) -> Parcel | None:
        """Close an order whose report is on its way to the Keeper.

        Args:
            identity: Who says so; may be a worker that was given up already.
            order_id: The order.

        Returns:
            The order, None when it is no longer known here.
        """
        worker = self.registry.get(identity)
        if worker is not None and order_id in worker.held:
            del self._under_way[order_id]
            return worker.held.pop(order_id)
        return self._suspects.pop(order_id, None) or self.queue.remove(order_id)

    def leave(self, identity: bytes) -> Worker | None:
        """Strike off a worker that stops in good order; its orders wait again.

        Returns:
            The worker with the orders it held, None when it is not known.
        """
        worker = self.registry.remove(identity)
        for parcel in self._held_by(worker):
            self._wait_again(parcel)
        return worker

    def take_back(self, parcel: Parcel) -> None:
        """Let an order wait again that could not be sent to its worker."""
        worker = self._under_way.pop(parcel.order.order_id)
        del worker.held[parcel.order.order_id]
        self._wait_again(parcel)

    def died(self, identity: bytes) -> Worker | None:
        """Strike off a worker that is gone; its orders are suspects.

        Returns:
            The worker with the orders it held, None when it is not known.
        """
        worker = self.registry.remove(identity)
        held = self._held_by(worker)
        if len(held) == 1:
            held[0].deaths += 1
        for parcel in held:
            parcel.suspect = True
            if parcel.deaths >= POISON_AFTER:
                self._condemn(parcel)
            else:
                self._wait_again(parcel)
        return worker

    def expire(self, now: float) -> list[Worker]:
        """Strike off the workers that have been silent for too long.

        Args:
            now: Monotonic time, seconds.

        Returns:
            The workers with the orders they held.
        """
        silent = self.registry.silent(now - self._silence_s)
        for worker in silent:
            self.died(worker.identity)
        return silent

    def assignments(self, now: float) -> Iterator[tuple[Worker, Parcel]]:
        """Hand out what can be handed out; every pair counts as given.

        Args:
            now: Monotonic time, seconds.
        """
        reserved = self._reserved()
        while reserved is not None and self._suspects and not reserved.held:
            # The oldest first, so that one that killed before is tried again at once.
            suspect = min(self._suspects.values(), key=lambda one: one.number)
            del self._suspects[suspect.order.order_id]
            yield self._give(reserved, suspect, now)
        while (parcel := self.queue.head()) is not None:
            # Workers are asked for anew: the caller may have lost one meanwhile.
            able = [one for one in self.registry.all() if one is not reserved and not one.alone]
            worker = self._policy.choose(able, parcel.order)
            if worker is None:
                return
            self.queue.remove(parcel.order.order_id)
            yield self._give(worker, parcel, now)

    def condemned(self) -> list[Parcel]:
        """Take out the orders that are to be reported as poison."""
        taken, self._condemned = self._condemned, []
        return taken

    def _reserved(self) -> Worker | None:
        if not self._suspects:
            return None
        return min(self.registry.all(), key=lambda one: len(one.held), default=None)

    def _give(self, worker: Worker, parcel: Parcel, now: float) -> tuple[Worker, Parcel]:
        key = parcel.order.order_id
        parcel.given = now
        worker.held[key] = parcel
        worker.given += 1
        self._under_way[key] = worker
        return worker, parcel

    def _held_by(self, worker: Worker | None) -> list[Parcel]:
        if worker is None:
            return []
        held = list(worker.held.values())
        for parcel in held:
            del self._under_way[parcel.order.order_id]
        self.reassigned += len(held)
        return held

    def _wait_again(self, parcel: Parcel) -> None:
        if parcel.suspect:
            self._suspects[parcel.order.order_id] = parcel
        else:
            self.queue.put(parcel)

    def _condemn(self, parcel: Parcel) -> None:
        self._condemned.append(parcel)
        self._poison[parcel.order.order_id] = parcel.deaths
        while len(self._poison) > REMEMBERED:
            self._poison.popitem(last=False)
