"""The channel map of a simulated plot, as a table that any reader of plots can use."""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from simulation.canvas import Frame
from simulation.cells import MapPad
from simulation.curves import SpectrumPad
from simulation.drawing import HEIGHT, WIDTH
from simulation.faults import plot_kind
from simulation.histogram import BarsPad
from simulation.kinds import PlotKind
from simulation.pads import frames
from simulation.rings import RingPad

COLUMNS: Final = (
    "kind",
    "pad",
    "crate",
    "slot",
    "channel",
    "board",
    "left",
    "top",
    "right",
    "bottom",
    "polygon",
    "empty",
)
SCALE_GAP: Final = 8
"""Pixels between a frame and its colour scale, as ``canvas.colour_bar`` paints it."""
Row = dict[str, str]


def table(plot: str) -> list[Row]:
    """Give the channel map of a plot.

    Args:
        plot: A name of ``simulation.plots.PLOTS``.

    Returns:
        One row a cell, bar, frame or scale, by ``COLUMNS``; places in
        fractions of the image.

    Raises:
        CommandError: There is no such plot.
    """
    kind = plot_kind(plot)
    places = frames(kind.rows, kind.columns, list(kind.pads))
    rows: list[Row] = []
    for number, (pad, frame) in enumerate(zip(kind.pads, places, strict=True)):
        if isinstance(pad, MapPad | RingPad):
            rows.append(_place("map", number, _box(frame), empty="#ffffff"))
            rows.append(_place("scale", number, _scale(frame)))
            cells = _blocks if isinstance(pad, MapPad) else _wedges
            rows.extend(cells(kind, number, frame))
        elif isinstance(pad, BarsPad | SpectrumPad):
            rows.append(_place("histogram", number, _box(frame)))
            if isinstance(pad, BarsPad):
                rows.extend(_bars(kind, pad, number, frame))
    return rows


def _box(frame: Frame) -> tuple[float, float, float, float]:
    return frame.left, frame.top, frame.right, frame.bottom


def _scale(frame: Frame) -> tuple[float, float, float, float]:
    left = frame.right + SCALE_GAP
    return left, frame.top, left + max(12, frame.text), frame.bottom


def _place(kind: str, pad: int, box: tuple[float, float, float, float], **more: str | int) -> Row:
    left, top, right, bottom = box
    sides = {
        "left": left / WIDTH,
        "top": top / HEIGHT,
        "right": right / WIDTH,
        "bottom": bottom / HEIGHT,
    }
    texts = {name: f"{value:.6f}" for name, value in sides.items()}
    return {"kind": kind, "pad": str(pad)} | texts | {name: str(v) for name, v in more.items()}


def _wiring(kind: PlotKind, channel: int) -> dict[str, int]:
    detector = kind.detector
    return {
        "crate": int(detector.crate[channel]),
        "slot": int(detector.slot[channel]),
        "channel": channel,
        "board": int(detector.board[channel]),
    }


def _blocks(kind: PlotKind, number: int, frame: Frame) -> Iterator[Row]:
    """Give the box of every connected part of every channel."""
    pad = kind.pads[number]
    if not isinstance(pad, MapPad):
        raise TypeError(f"pad {number} of {kind.name} is no map")
    used = pad.cells.channel[(pad.cells.expected > 0) & (pad.cells.channel >= 0)]
    rows, columns = pad.shape
    across, down = frame.width / columns, frame.height / rows
    for channel in np.unique(used).tolist():
        mask = (pad.cells.channel == channel) & (pad.cells.expected > 0)
        grid = mask.reshape(pad.shape)[::-1]
        for row in range(rows):
            line = np.concatenate(([False], grid[row], [False])).astype(np.int8)
            edges = np.flatnonzero(np.diff(line))
            for first, last in zip(edges[::2], edges[1::2], strict=True):
                box = (
                    frame.left + first * across,
                    frame.top + row * down,
                    frame.left + last * across,
                    frame.top + (row + 1) * down,
                )
                yield _place("cell", number, box, **_wiring(kind, channel))


def _wedges(kind: PlotKind, number: int, frame: Frame) -> Iterator[Row]:
    """Give the outline of every channel on rings."""
    pad = kind.pads[number]
    if not isinstance(pad, RingPad):
        raise TypeError(f"pad {number} of {kind.name} has no rings")
    for channel in range(kind.detector.size):
        area = pad.area(frame, pad.cells.channel == channel)
        contours, _ = cv2.findContours(area, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            points = cv2.approxPolyDP(contour, 0.8, closed=True)[:, 0, :]
            if len(points) < 3:
                continue
            corners = " ".join(
                f"{(frame.left + x) / WIDTH:.6f} {(frame.top + y) / HEIGHT:.6f}" for x, y in points
            )
            wiring = {name: str(value) for name, value in _wiring(kind, channel).items()}
            yield {"kind": "cell", "pad": str(number), "polygon": corners} | wiring


def _bars(kind: PlotKind, pad: BarsPad, number: int, frame: Frame) -> Iterator[Row]:
    size = len(pad.cells.channel)
    edges = np.round(frame.left + np.arange(size + 1) * (frame.width / size))
    for place, channel in enumerate(pad.cells.channel.tolist()):
        if channel >= 0:
            box = (float(edges[place]), frame.top, float(edges[place + 1]), frame.bottom)
            yield _place("bar", number, box, **_wiring(kind, channel))
