"""Faults by name: where each makes sense, and which hardware it takes."""

from dataclasses import replace
from typing import Final

import numpy as np

from pipeline.errors import CommandError
from simulation.detector import Detector, Ints
from simulation.drawing import Fault
from simulation.kinds import PlotKind
from simulation.plots import PLOTS

KINDS: Final = (
    "dead-channel",
    "dead-slot",
    "dead-crate",
    "hv-off",
    "hot-channel",
    "timing-shift",
    "double-peak",
    "empty",
    "noise",
    "light-leak",
)
HARDWARE: Final = ("dead-channel", "dead-slot", "dead-crate", "hv-off", "hot-channel")
"""Faults in read-out or supply: all plots of the detector share them."""

PLACED: Final = ("timing-shift", "double-peak", "light-leak")
"""Faults in one pad of the canvas."""


def plot_kind(plot: str) -> PlotKind:
    """Give a plot by name.

    Raises:
        CommandError: There is no such plot.
    """
    if plot not in PLOTS:
        raise CommandError(f"expected a plot of {', '.join(PLOTS)}; received {plot!r}")
    return PLOTS[plot]


def check(kind: str, plot: str) -> None:
    """Refuse a fault that makes no sense on a plot.

    Raises:
        CommandError: The kind or the plot is unknown, or they do not go together.
    """
    faults = plot_kind(plot).faults
    if kind not in KINDS:
        raise CommandError(f"expected a fault of {', '.join(KINDS)}; received {kind!r}")
    if kind not in faults:
        raise CommandError(f"{kind} makes no sense on {plot}; it can have {', '.join(faults)}")


def resolve(plot: str, fault: Fault, rng: np.random.Generator) -> Fault:
    """Choose whatever a fault leaves open.

    Args:
        plot: The plot it is for, if the fault names none.
        fault: As asked for.
        rng: Source of the choices.

    Returns:
        The fault with its hardware, pad, strength and position.

    Raises:
        CommandError: It makes no sense there, or names hardware that is not there.
    """
    name = fault.plot or plot
    check(fault.kind, name)
    kind = PLOTS[name]
    _check_fields(fault, kind)
    draws = rng.random(4)
    fault = replace(
        fault,
        plot=name,
        strength=float(draws[0]) if fault.strength is None else fault.strength,
        position=float(draws[1]) if fault.position is None else fault.position,
    )
    if fault.kind in PLACED and fault.pad is None:
        fault = replace(fault, pad=int(draws[2] * len(kind.pads)))
    if fault.kind in HARDWARE and not fault.channels:
        fault = _hardware(fault, kind.detector, float(draws[3]))
    return fault


def _check_fields(fault: Fault, kind: PlotKind) -> None:
    """Refuse what a fault of this kind cannot have, and numbers out of range."""
    name = kind.name
    wired = (fault.crate, fault.slot, fault.board, fault.channels or None)
    if fault.kind not in HARDWARE and any(number is not None for number in wired):
        raise CommandError(f"{fault.kind} has no crate, slot, HV board or channel")
    if fault.pad is not None and fault.kind not in PLACED:
        raise CommandError(f"{fault.kind} has no pad; its place follows from the hardware")
    if fault.pad is not None and not 0 <= fault.pad < len(kind.pads):
        raise CommandError(f"{name} has pads 0 to {len(kind.pads) - 1}; received {fault.pad}")
    size = kind.detector.size
    if any(not 0 <= channel < size for channel in fault.channels):
        raise CommandError(f"{kind.detector.name} has channels 0 to {size - 1}")
    for what, share in (("strength", fault.strength), ("position", fault.position)):
        if share is not None and not 0.0 <= share <= 1.0:
            raise CommandError(f"expected a {what} of 0 to 1; received {share}")


def _hardware(fault: Fault, detector: Detector, draw: float) -> Fault:
    """Choose channels, among those that were asked for, that are not dead anyway."""
    allowed = detector.efficiency > 0.0
    for what, wanted, numbers in (
        ("crate", fault.crate, detector.crate),
        ("slot", fault.slot, detector.slot),
        ("HV board", fault.board, detector.board),
    ):
        if wanted is None:
            continue
        if not (numbers == wanted).any():
            known = ", ".join(str(number) for number in np.unique(numbers))
            raise CommandError(f"{detector.name} has {what} {known}; received {wanted}")
        allowed &= numbers == wanted
    choices = np.flatnonzero(allowed)
    if not len(choices):
        raise CommandError(f"{detector.name} has no live channel there")
    one = int(choices[int(draw * len(choices))])
    crate, slot, board = (
        int(detector.crate[one]),
        int(detector.slot[one]),
        int(detector.board[one]),
    )
    channels = _served(fault.kind, detector, one)
    reached = tuple(int(channel) for channel in channels)
    match fault.kind:
        case "hv-off":
            return replace(fault, board=board, channels=reached)
        case "dead-crate":
            return replace(fault, crate=crate, channels=reached)
        case "dead-slot":
            return replace(fault, crate=crate, slot=slot, channels=reached)
        case _:
            return replace(fault, crate=crate, slot=slot, board=board, channels=reached)


def _served(kind: str, detector: Detector, one: int) -> Ints:
    same_crate = detector.crate == detector.crate[one]
    match kind:
        case "dead-crate":
            return np.flatnonzero(same_crate)
        case "dead-slot":
            return np.flatnonzero(same_crate & (detector.slot == detector.slot[one]))
        case "hv-off":
            return np.flatnonzero(detector.board == detector.board[one])
        case _:
            return np.array([one])


def describe(fault: Fault) -> str:
    """Say in words what a resolved fault has hit."""
    parts = [f"{fault.kind} on {fault.plot}"]
    for what, number in (
        ("crate", fault.crate),
        ("slot", fault.slot),
        ("HV board", fault.board),
        ("pad", fault.pad),
    ):
        if number is not None:
            parts.append(f"{what} {number}")
    if len(fault.channels) == 1:
        parts.append(f"channel {fault.channels[0]}")
    elif fault.channels:
        parts.append(f"{len(fault.channels)} channels")
    return ", ".join(parts)
