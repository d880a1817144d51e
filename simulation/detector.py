"""Detectors: channels, and the crates, slots and HV boards that serve them."""

import zlib
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a detector with crates of its own."""

    channels: int
    per_slot: int
    """Channels that one module reads."""
    per_board: int
    """Channels that one HV board feeds."""
    slots: int = 16
    """Modules in one crate."""


def cable(name: str, sections: Sequence[Section], known_dead: int = 0) -> Detector:
    """Cable a detector in the order of its channels.

    Modules sit in slots 3 and up, behind the controller, and leave 11 and 12
    to the trigger. Crates and HV boards are numbered from 1.

    Args:
        name: Of the detector.
        sections: Its parts, in the order of the channels.
        known_dead: Number of channels that are always dead.

    Returns:
        The detector.

    Source:
        VITA 41 (VXS): the two switch slots are in the middle of the crate.
    """
    crates, slots, boards = [], [], []
    crate = board = 1
    for section in sections:
        index = np.arange(section.channels)
        module = index // section.per_slot
        place = module % section.slots
        crates.append(module // section.slots + crate)
        slots.append(np.where(place < 8, place + 3, place + 5))
        boards.append(index // section.per_board + board)
        crate = int(crates[-1][-1]) + 1
        board = int(boards[-1][-1]) + 1
    return Detector(
        name,
        crate=np.concatenate(crates),
        slot=np.concatenate(slots),
        board=np.concatenate(boards),
        known_dead=known_dead,
    )
