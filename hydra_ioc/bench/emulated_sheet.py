"""A sheet of pictures: a good plot, an emulated fault, and the same fault as it is drawn."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from hydra_ioc.bench.emulated import TRUE_KINDS, channel_map
from pipeline.errors import HydraError
from pipeline.vision.emulation import Change, emulate, scan
from simulation import canvas
from simulation.drawing import Fault, Pixels
from simulation.plots import PLOTS
from simulation.render import draw
from simulation.sheet import NOMINAL

TILE: Final = (400, 300)
"""Width and height of a picture on the sheet, in pixels."""
RED: Final = (200, 0, 0)


def draw_sheet(plots: list[str], kinds: list[str], file: Path) -> int:
    """Draw a sheet, one row for each plot and kind that go together.

    Args:
        plots: Plots of the simulated experiment.
        kinds: Kinds of the simulation's faults that can be emulated.
        file: PNG file.

    Returns:
        How many rows it has.

    Raises:
        HydraError: Nothing goes together, or the file cannot be written.
    """
    rows = [_row(plot, kind) for plot in plots for kind in kinds if kind in PLOTS[plot].faults]
    if not rows:
        raise HydraError(f"none of {', '.join(kinds)} makes sense on {', '.join(plots)}")
    if not cv2.imwrite(str(file), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)):
        raise HydraError(f"cannot write {file}")
    return len(rows)


def _row(plot: str, kind: str) -> Pixels:
    channels = channel_map(plot)
    changes = list(scan(channels, TRUE_KINDS[kind]))
    change = changes[len(changes) // 2]
    good = draw(plot, NOMINAL, [], 1).pixels
    emulated = emulate(good, channels, change).pixels
    true = draw(plot, NOMINAL, [_fault(kind, plot, change)], 1).pixels
    tiles = [(good, "good"), (emulated, f"{kind} emulated"), (true, f"{kind} as drawn")]
    return np.hstack([_tile(pixels, text) for pixels, text in tiles])


def _fault(kind: str, plot: str, change: Change) -> Fault:
    return Fault(
        kind,
        plot,
        crate=change.crate,
        slot=change.slot,
        board=change.board,
        pad=change.pad,
        strength=change.strength,
        position=change.position,
        channels=() if change.channel is None else (change.channel,),
    )


def _tile(pixels: Pixels, text: str) -> Pixels:
    small: Pixels = np.asarray(cv2.resize(pixels, TILE, interpolation=cv2.INTER_AREA), np.uint8)
    canvas.write(small, text, 4, 14, 13, colour=RED)
    return small
