"""The workers that take part now."""

from dataclasses import dataclass, field

from pipeline.balancer.queue import Parcel
from pipeline.messages import Ready


@dataclass(slots=True, eq=False)
class Worker:
    """One worker process, from its Ready until it is gone."""

    identity: bytes
    """Routing id of its socket; a new process has a new one."""
    ready: Ready
    seen: float
    """When it was last heard, monotonic time."""
    held: dict[str, Parcel] = field(default_factory=dict)
    """Orders given and not finished, in the order given."""
    given: int = 0
    """Orders given since it registered."""

    @property
    def name(self) -> str:
        """Name for people, such as ``Predict0``."""
        return self.ready.worker

    @property
    def free(self) -> int:
        """Orders it can still take."""
        return max(0, self.ready.credits - len(self.held))

    @property
    def alone(self) -> bool:
        """Whether it holds a suspect and must get nothing else."""
        return any(parcel.suspect for parcel in self.held.values())


class Registry:
    """Workers by routing id, in the order in which they registered."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self._workers: dict[bytes, Worker] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def get(self, identity: bytes) -> Worker | None:
        """Find a worker, None when it is not registered."""
        return self._workers.get(identity)

    def all(self) -> list[Worker]:
        """List the workers in the order in which they registered."""
        return list(self._workers.values())

    def add(self, identity: bytes, ready: Ready, now: float) -> Worker:
        """Register a worker, or take a new word from one that is known.

        Args:
            identity: Routing id of its socket.
            ready: What it said.
            now: Monotonic time, seconds.
        """
        worker = self._workers.get(identity)
        if worker is None:
            worker = self._workers[identity] = Worker(identity, ready, now)
        worker.ready, worker.seen = ready, now
        return worker

    def remove(self, identity: bytes) -> Worker | None:
        """Strike a worker off, None when it is not registered."""
        return self._workers.pop(identity, None)

    def silent(self, before: float) -> list[Worker]:
        """List the workers last heard before a time.

        Args:
            before: Monotonic time, seconds.
        """
        return [worker for worker in self._workers.values() if worker.seen < before]
