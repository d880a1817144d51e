"""Detectors: channels, and the crates, slots and HV boards that serve them."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

EFFICIENCY_SPREAD: Final = 0.05
"""Relative spread of the persistent differences between channels."""
RUN_GAIN_SPREAD: Final = 0.04
"""Relative spread of the gain from run to run."""

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def seed_of(*parts: str | int) -> list[int]:
    """Turn names and numbers into a seed that is the same in every process."""
    return [zlib.crc32(str(part).encode()) for part in parts]


@dataclass(frozen=True)
class Detector:
    """A detector's channels and what reads and feeds them.

    The three arrays have one entry per channel.
    """

    name: str
    crate: Ints
    """Number of the read-out crate."""
    slot: Ints
    """Slot within the crate."""
    board: Ints
    """Number of the HV board."""
    known_dead: int = 0
    """Channels that have been dead for years and trouble nobody."""
    boards: str = "HV board"

    @property
    def size(self) -> int:
        """Number of channels."""
        return len(self.crate)

    @cached_property
    def efficiency(self) -> Floats:
        """Persistent relative response of each channel; 0 for the known dead."""
        rng = np.random.default_rng(seed_of(self.name, "efficiency"))
        spread = np.clip(rng.normal(1.0, EFFICIENCY_SPREAD, self.size), 0.85, 1.15)
        if self.known_dead:
            spread[rng.choice(self.size, self.known_dead, replace=False)] = 0.0
        return spread

    def gain(self, run: int) -> float:
        """Overall response in a run, around 1."""
        rng = np.random.default_rng(seed_of(self.name, "gain", run))
        return float(np.clip(rng.normal(1.0, RUN_GAIN_SPREAD), 0.88, 1.12))

    def alive(self) -> Ints:
        """Channels that are not known to be dead."""
        return np.flatnonzero(self.efficiency > 0.0)


def wire(
    name: str,
    size: int,
    *,
    per_slot: int,
    slots: int,
    per_board: int,
    known_dead: int = 0,
) -> Detector:
    """Cable a detector in the order of its channels.

    Args:
        name: Of the detector.
        size: Number of channels.
        per_slot: Channels that one module reads.
        slots: Modules in one crate; they sit in slots 3 and up, behind the
            controller, leaving 11 and 12 to the trigger as in a VXS crate.
        per_board: Channels that one HV board feeds.
        known_dead: Number of channels that are always dead.

    Returns:
        The detector, crates and boards numbered from 1.

    Source:
        VITA 41 (VXS): the two switch slots are in the middle of the crate.
    """
    index = np.arange(size)
    module = index // per_slot
    place = module % slots
    return Detector(
        name,
        crate=module // slots + 1,
        slot=np.where(place < 8, place + 3, place + 5),
        board=index // per_board + 1,
        known_dead=known_dead,
    )
