"""Orders that wait for a worker: live ones first, the rest in their order."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.messages import Order

PlotKey = tuple[int, str]


@dataclass(slots=True, eq=False)
class Parcel:
    """An order on its way through the Balancer."""

    order: Order
    parts: Sequence[Any]
    """Header and byte frames as they came; passed on unchanged."""
    arrived: float
    """Monotonic time, seconds."""
    number: int = 0
    """Place in the order of arrival; the queue sets it."""
    given: float = 0.0
    """When a worker got it, monotonic time."""
    deaths: int = 0
    """Workers in a row that died while this was the only order they held."""
    suspect: bool = False
    """A worker died while it held this order."""

    @property
    def plot(self) -> PlotKey:
        """Which plot it belongs to: two plot types may share a name."""
        return self.order.plot.plot_type_id, self.order.plot.name


@dataclass(slots=True)
class _Slot:
    place: int
    parcel: Parcel


@dataclass(slots=True)
class OrderQueue:
    """Decides which order goes next.

    Three tiers. Live: the newest image of each plot, plots in the order in
    which they began to wait. Late: images that a newer one of the same plot
    overtook, in order of arrival. Offline: past runs, in order of arrival.
    """

    _live: dict[PlotKey, _Slot] = field(default_factory=dict)
    _places: list[tuple[int, PlotKey]] = field(default_factory=list)
    _late: list[tuple[int, Parcel]] = field(default_factory=list)
    _offline: list[tuple[int, Parcel]] = field(default_factory=list)
    _waiting: dict[str, Parcel] = field(default_factory=dict)
    _last: int = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._waiting

    def put(self, parcel: Parcel) -> None:
        """Take in an order, or take back one that a worker did not finish.

        Args:
            parcel: An order that is not in the queue; one that comes back
                keeps its number and so goes before all that came after it.
        """
        if not parcel.number:
            self._last += 1
            parcel.number = self._last
        self._waiting[parcel.order.order_id] = parcel
        if parcel.order.offline:
            heapq.heappush(self._offline, (parcel.number, parcel))
            return
        plot = parcel.plot
        slot = self._live.get(plot)
        if slot is None:
            self._live[plot] = _Slot(parcel.number, parcel)
            heapq.heappush(self._places, (parcel.number, plot))
            return
        # The plot keeps its place in the line: a plot that comes often would
        # otherwise start again behind the others with every image.
        newer = parcel.order.image_time > slot.parcel.order.image_time
        late, slot.parcel = (slot.parcel, parcel) if newer else (parcel, slot.parcel)
        heapq.heappush(self._late, (late.number, late))

    def head(self) -> Parcel | None:
        """Show the order that goes next, None when nothing waits."""
        return self._live_head() or self._first(self._late) or self._first(self._offline)

    def take(self) -> Parcel | None:
        """Take out the order that goes next, None when nothing waits."""
        parcel = self.head()
        return None if parcel is None else self.remove(parcel.order.order_id)

    def remove(self, order_id: str) -> Parcel | None:
        """Take out one order by name, None when it does not wait here."""
        parcel = self._waiting.pop(order_id, None)
        if parcel is not None:
            plot = parcel.plot
            slot = self._live.get(plot)
            if slot is not None and slot.parcel is parcel:
                del self._live[plot]
        return parcel

    def _live_head(self) -> Parcel | None:
        while self._places:
            place, plot = self._places[0]
            slot = self._live.get(plot)
            if slot is not None and slot.place == place:
                return slot.parcel
            heapq.heappop(self._places)
        return None

    def _first(self, tier: list[tuple[int, Parcel]]) -> Parcel | None:
        while tier:
            parcel = tier[0][1]
            if self._waiting.get(parcel.order.order_id) is parcel:
                return parcel
            heapq.heappop(tier)
        return None
