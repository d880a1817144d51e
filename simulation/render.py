"""Drawing a plot: conditions and faults in, canvas and truth out."""

import time
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from simulation import canvas
from simulation.canvas import Frame
from simulation.detector import seed_of
from simulation.drawing import (
    BAD,
    GOOD,
    HEIGHT,
    NO_DATA,
    WIDTH,
    Box,
    Conditions,
    Drawing,
    Fault,
    FaultTruth,
    Pixels,
    Truth,
)
from simulation.faults import HARDWARE, plot_kind, resolve
from simulation.kinds import PlotKind
from simulation.pads import World, frames
from simulation.plots import PLOTS


def draw(plot: str, conditions: Conditions, faults: Sequence[Fault], seed: int) -> Drawing:
    """Draw one plot.

    Args:
        plot: A name of ``simulation.plots.PLOTS``.
        conditions: Run, chunk, statistics, beam and time.
        faults: What is wrong. Faults of other plots count where they are in
            hardware that this plot shares; without beam nothing shows.
        seed: Same seed, same drawing; data and faults draw from separate
            streams, so that a fault changes only what it reaches.

    Returns:
        The canvas, uint8 (1200, 1600, 3) RGB, and what it shows.

    Raises:
        CommandError: The plot is unknown or a fault makes no sense on it.
    """
    kind = plot_kind(plot)
    data = np.random.default_rng([*seed_of(plot, "data"), seed])
    trouble = np.random.default_rng([*seed_of(plot, "faults"), seed])
    world = World(conditions, kind.detector, data)
    contents = [pad.fill(world) for pad in kind.pads]
    image, places = _background(plot)
    found = []
    if conditions.beam_on:
        for fault in (resolve(plot, asked, trouble) for asked in faults):
            if concerns(kind, fault):
                found.append(_spoil(kind, fault, contents, places, trouble))
    pixels: Pixels = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    for pad, frame, values in zip(kind.pads, places, contents, strict=True):
        pad.paint(pixels, frame, values)
    _head(pixels, kind, conditions)
    return Drawing(pixels, Truth(plot, _label(conditions, found), tuple(found)))


def concerns(kind: PlotKind, fault: Fault) -> bool:
    """Tell whether a resolved fault shows on a plot.

    Args:
        kind: The plot.
        fault: A fault that was asked for on this or another plot.

    Returns:
        True for a fault of this plot, and for one in the read-out or supply of
        the same detector if this plot can show it.
    """
    if fault.plot == kind.name:
        return True
    same = PLOTS[fault.plot].detector.name == kind.detector.name
    return same and fault.kind in HARDWARE and fault.kind in kind.faults


def _label(conditions: Conditions, found: list[FaultTruth]) -> str:
    if not conditions.beam_on or any(one.fault.kind == "empty" for one in found):
        return NO_DATA
    return BAD if found else GOOD


def _spoil(
    kind: PlotKind,
    fault: Fault,
    contents: list[np.ndarray],
    places: list[Frame],
    rng: np.random.Generator,
) -> FaultTruth:
    """Apply a fault to the pads' contents, in place, and tell where it shows."""
    regions: list[Box] = []
    for index, (pad, frame) in enumerate(zip(kind.pads, places, strict=True)):
        if fault.pad is not None and fault.pad != index:
            continue
        contents[index], reached = pad.spoil(fault, contents[index], rng)
        if fault.kind in ("empty", "noise"):
            regions.append((frame.left, frame.top, frame.width, frame.height))
        elif reached.any():
            regions.extend(pad.boxes(frame, reached))
    return FaultTruth(fault, tuple(regions))


@lru_cache(maxsize=64)
def _background(plot: str) -> tuple[Pixels, list[Frame]]:
    """Paint what never changes of a plot, in grey; kept for the life of the process."""
    kind = PLOTS[plot]
    image: Pixels = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    places = frames(kind.rows, kind.columns, list(kind.pads))
    for pad, frame in zip(kind.pads, places, strict=True):
        pad.prepare(image, frame)
    return image[:, :, 0].copy(), places


def _head(pixels: Pixels, kind: PlotKind, conditions: Conditions) -> None:
    """Write the title with the run number, and when the plot was drawn."""
    size = canvas.TITLE_PX
    title = f"{kind.title}: Run {conditions.run}"
    canvas.write(pixels, title, WIDTH / 2, size + 10, size, align=0.5)
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(conditions.time))
    note = f"file {conditions.chunk:03d}   {moment}"
    canvas.write(pixels, note, WIDTH - 12, 24, 18, align=1.0, colour=(110, 110, 110))
