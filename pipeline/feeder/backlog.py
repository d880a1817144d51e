"""Files that wait to be decoded, in the order in which they should be."""

import heapq
import itertools
from dataclasses import dataclass
from pathlib import Path

from pipeline.feeder.files import Fingerprint
from pipeline.feeder.grammar import Sighting
from pipeline.feeder.watcher import Found

Kind = tuple[str, str, bool]
"""Identity of a plot type: name, file type, chunked."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A complete file whose name is understood.

    Attributes:
        found: Where it lies and how it was found.
        fingerprint: How it looked when it was found complete.
        sighting: What its path says.
        image_time: Time of the image, seconds since the epoch.
    """

    found: Found
    fingerprint: Fingerprint
    sighting: Sighting
    image_time: float

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.found.path


class Backlog:
    """Live first: the newest image of each plot before any older one.

    Among the newest images the plot that has waited longest is first; among
    the older ones the newest is. A newer image takes the place in the line of
    the one it supersedes, so a plot with a fast cadence is not starved.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._number = itertools.count()
        self._waiting: dict[int, Candidate] = {}
        self._newest: dict[Kind, int] = {}
        self._place: dict[Kind, int] = {}
        self._taken: dict[Kind, float] = {}
        self._live: list[tuple[int, Kind]] = []
        self._older: list[tuple[float, int]] = []

    def __len__(self) -> int:
        """Count the files that wait."""
        return len(self._waiting)

    def push(self, candidate: Candidate) -> None:
        """Put a file in line."""
        number = next(self._number)
        kind = candidate.sighting.kind
        self._waiting[number] = candidate
        heapq.heappush(self._older, (-candidate.image_time, number))
        rival = self._waiting.get(self._newest.get(kind, -1))
        newest_so_far = rival.image_time if rival else self._taken.get(kind, float("-inf"))
        if candidate.image_time <= newest_so_far:
            return
        self._newest[kind] = number
        if kind not in self._place:
            self._place[kind] = number
            heapq.heappush(self._live, (number, kind))

    def pop(self) -> Candidate | None:
        """Take the file that is next; None when none waits."""
        if self._live:
            _, kind = heapq.heappop(self._live)
            del self._place[kind]
            candidate = self._waiting.pop(self._newest.pop(kind))
            self._taken[kind] = candidate.image_time
            return candidate
        while self._older:
            _, number = heapq.heappop(self._older)
            if number in self._waiting:
                return self._waiting.pop(number)
        return None

    def forget(self, kind: Kind) -> None:
        """Forget what was taken of a plot type that does not exist."""
        self._taken.pop(kind, None)
