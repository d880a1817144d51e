"""What a plot type is."""

from dataclasses import dataclass
from typing import Final

from simulation.detector import Detector
from simulation.drawing import LABELS
from simulation.pads import Pad

CADENCE_S: Final = 10.0
"""Time between two chunks of the running demo, in seconds."""

READOUT: Final = ("dead-channel", "dead-slot", "dead-crate", "hv-off", "hot-channel")
ALWAYS: Final = ("empty", "noise")
LIGHT: Final = (*READOUT, *ALWAYS, "light-leak")
"""For detectors of light, which the dark has to keep."""
TIMING: Final = ("timing-shift", "double-peak")


@dataclass(frozen=True, eq=False)
class PlotKind:
    """One plot type of the simulated experiment."""

    name: str
    """As in the file name."""
    group: str
    """Detector system."""
    title: str
    detector: Detector
    pads: tuple[Pad, ...]
    faults: tuple[str, ...]
    """Kinds that make sense here."""
    guidance: str
    """What the shift crew should do when this plot is bad."""
    kind: str = "occupancy-2d"
    """occupancy-1d, occupancy-2d, timing, spectrum, efficiency or rate."""
    rows: int = 1
    columns: int = 1
    contact: str = "shift leader"
    cadence_s: float = CADENCE_S
    labels: tuple[str, ...] = LABELS
