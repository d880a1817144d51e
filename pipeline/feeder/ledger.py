"""Orders that are under way: sent, not yet done."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.feeder.backlog import Candidate
from pipeline.feeder.intake import Prepared


@dataclass(slots=True)
class Flight:
    """One order under way.

    Attributes:
        prepared: The order and its frames, kept so that it can be sent again.
        candidates: The files it stands for; copies of one image share an order.
        sent: When it was last handed to the socket, monotonic seconds; None
            while it has not been.
        tries: How often it was handed to the socket.
    """

    prepared: Prepared
    candidates: dict[Path, Candidate] = field(default_factory=dict)
    sent: float | None = None
    tries: int = 0


class Ledger:
    """Knows every order under way by its id."""

    def __init__(self) -> None:
        """Begin empty."""
        self._flights: dict[str, Flight] = {}

    def __len__(self) -> int:
        """Count the orders under way."""
        return len(self._flights)

    def add(self, prepared: Prepared, candidate: Candidate) -> Flight:
        """Enter an order, or add a file to the order that it equals."""
        flight = self._flights.setdefault(prepared.order.order_id, Flight(prepared))
        flight.candidates[candidate.path] = candidate
        return flight

    def done(self, order_id: str) -> Flight | None:
        """Take an order out; None when it is not under way (done twice)."""
        return self._flights.pop(order_id, None)

    def due(self, now: float, resend_s: float) -> Iterator[Flight]:
        """Give the orders to be sent now: never sent, or not done in time.

        Args:
            now: Monotonic seconds.
            resend_s: How long an order may take.
        """
        for flight in list(self._flights.values()):
            if flight.sent is None or now - flight.sent >= resend_s:
                yield flight

    def paths(self) -> set[Path]:
        """List the files whose orders are under way."""
        return {path for flight in self._flights.values() for path in flight.candidates}

    def unsend(self) -> None:
        """Mark every order as not sent: what was sent has been lost."""
        for flight in self._flights.values():
            flight.sent = None

    def unsent(self) -> int:
        """Count the orders that the socket has not taken."""
        return sum(flight.sent is None for flight in self._flights.values())
