"""What goes into a drawing and what comes out of it."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 1600
HEIGHT: Final = 1200
"""Canvas size in pixels; the size of the plots that the original judged."""

GOOD: Final = "Good"
BAD: Final = "Bad"
NO_DATA: Final = "NoData"
LABELS: Final = (GOOD, BAD, NO_DATA)

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels of the canvas."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the experiment does while a plot fills."""

    run: int
    """Run number; detectors drift a little from run to run."""
    chunk: int = 0
    """Number of the piece of the run."""
    statistics: float = 1.0
    """Events in this chunk relative to a nominal chunk, 0.5 to 3."""
    beam_on: bool = True
    time: float = 0.0
    """When the plot was drawn, seconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the detector; unset fields are chosen when resolved."""

    kind: str
    plot: str = ""
    """The plot it was asked for; empty means the one that is drawn."""
    crate: int | None = None
    slot: int | None = None
    board: int | None = None
    """HV board."""
    channels: tuple[int, ...] = ()
    """Channels of the detector it concerns."""
    pad: int | None = None
    """Pad of the canvas, for faults that are not in the read-out."""
    strength: float | None = None
    """0 to 1: how strong within what counts as clearly visible."""
    position: float | None = None
    """0 to 1: where, for faults that have a place."""


@dataclass(frozen=True, slots=True)
class FaultTruth:
    """A fault as it was drawn."""

    fault: Fault
    regions: tuple[Box, ...]
    """Where it shows."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a drawing really shows."""

    plot: str
    label: str
    """Good, Bad or NoData."""
    faults: tuple[FaultTruth, ...] = ()

    @property
    def regions(self) -> tuple[Box, ...]:
        """All boxes of all faults."""
        return tuple(box for fault in self.faults for box in fault.regions)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A canvas and its truth."""

    pixels: Pixels = field(repr=False)
    """uint8, (1200, 1600, 3), RGB."""
    truth: Truth
