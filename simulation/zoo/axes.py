"""Frames, axes and boxes with numbers, in any look."""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from simulation.canvas import nice_step, numbers
from simulation.drawing import Pixels
from simulation.zoo.dice import Floats
from simulation.zoo.look import Look
from simulation.zoo.text import write


@dataclass(frozen=True, slots=True)
class Box:
    """The frame of a pad in pixels of the canvas."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column right of it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Axis:
    """Range of an axis."""

    low: float
    high: float
    log: bool = False

    def share(self, values: Floats) -> Floats:
        """Tell where values lie, 0 at the lower end to 1 at the upper; not clipped below 1e-9."""
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return np.asarray((np.log10(np.maximum(values, 1e-9)) - low) / (high - low))
        return np.asarray((values - self.low) / (self.high - self.low))


@lru_cache(maxsize=20_000)
def marks(axis: Axis, wanted: int) -> tuple[tuple[tuple[float, str], ...], tuple[float, ...], str]:
    """Choose numbers and ticks of an axis.

    Args:
        axis: Its range.
        wanted: About how many numbers.

    Returns:
        Share of the axis and text of each number; shares of the ticks between; and the power
        of ten taken out of the numbers (empty if none).
    """
    if axis.log:
        return _log_marks(axis, wanted)
    values, texts, power = numbers(axis.low, axis.high, wanted)
    span = axis.high - axis.low
    step = nice_step(span, wanted) / 5.0
    first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
    fine = tuple((i * step - axis.low) / span for i in range(first, last + 1) if i % 5)
    placed = tuple(((v - axis.low) / span, text) for v, text in zip(values, texts, strict=True))
    return placed, fine, power


def _log_marks(
    axis: Axis, wanted: int
) -> tuple[tuple[tuple[float, str], ...], tuple[float, ...], str]:
    low, high = math.log10(axis.low), math.log10(axis.high)
    every = max(1, round((high - low) / max(wanted, 2)))
    placed, fine = [], []
    for power in range(math.floor(low), math.ceil(high) + 1):
        at = (power - low) / (high - low)
        if -1e-9 <= at <= 1.0 + 1e-9 and power % every == 0:
            placed.append((at, f"1e{power}" if power not in (0, 1) else str(10**power)))
        for digit in range(2, 10) if every == 1 else ():
            at = (power + math.log10(digit) - low) / (high - low)
            if 0.0 < at < 1.0:
                fine.append(at)
    return tuple(placed), tuple(fine), ""


def open_frame(image: Pixels, box: Box, look: Look) -> None:
    """Paint the inside of a frame."""
    image[box.top : box.bottom, box.left : box.right] = look.inside


def close_frame(image: Pixels, box: Box, look: Look) -> None:
    """Paint the border of a frame."""
    if look.frame:
        corner = (box.right, box.bottom)
        cv2.rectangle(image, (box.left, box.top), corner, look.ink, look.frame)


def wanted(box: Box, look: Look, *, upright: bool) -> int:
    """Tell how many numbers an axis has room for."""
    if upright:
        return max(2, min(8, box.height // (look.text * 3)))
    return max(2, min(9, box.width // (look.text * 4)))


def x_axis(image: Pixels, box: Box, look: Look, axis: Axis, title: str) -> None:
    """Paint ticks, numbers, title and grid of the lower axis."""
    placed, fine, power = marks(axis, wanted(box, look, upright=False))
    length = max(4, look.text // 2) * (-1 if look.inward else 1)
    for at, text in placed:
        x = round(box.left + at * box.width)
        if look.grid:
            cv2.line(image, (x, box.top), (x, box.bottom), look.grid, 1)
        cv2.line(image, (x, box.bottom), (x, box.bottom + length), look.ink, 1)
        below = box.bottom + max(length, 2) + look.text * 0.75
        write(image, text, x, below, font=look.font, size=look.text, colour=look.ink, align=0.5)
    if look.dense:
        for at in fine:
            x = round(box.left + at * box.width)
            cv2.line(image, (x, box.bottom), (x, box.bottom + length // 2), look.ink, 1)
    full = f"{title} {power}".strip()
    if full:
        end = look.style == "root"
        middle = box.right if end else box.left + box.width / 2
        y = box.bottom + look.text * 2.0 + max(0, length)
        align = 1.0 if end else 0.5
        write(image, full, middle, y, font=look.font, size=look.text, colour=look.ink, align=align)


def y_axis(image: Pixels, box: Box, look: Look, axis: Axis) -> None:
    """Paint ticks and numbers of the left axis."""
    placed, fine, power = marks(axis, wanted(box, look, upright=True))
    length = max(4, look.text // 2) * (1 if look.inward else -1)
    for at, text in placed:
        y = round(box.bottom - at * box.height)
        cv2.line(image, (box.left, y), (box.left + length, y), look.ink, 1)
        x = box.left + min(length, 0) - 3
        write(image, text, x, y, font=look.font, size=look.text, colour=look.ink, align=1.0)
    if look.dense:
        for at in fine:
            y = round(box.bottom - at * box.height)
            cv2.line(image, (box.left, y), (box.left + length // 2, y), look.ink, 1)
    if power:
        above = box.top - look.text * 0.7
        write(image, power, box.left, above, font=look.font, size=look.text, colour=look.ink)


def y_grid(image: Pixels, box: Box, look: Look, axis: Axis) -> None:
    """Paint the horizontal lines of a grid, if the look has one."""
    if look.grid:
        for at, _ in marks(axis, wanted(box, look, upright=True))[0]:
            y = round(box.bottom - at * box.height)
            cv2.line(image, (box.left, y), (box.right, y), look.grid, 1)


def y_title(image: Pixels, box: Box, look: Look, title: str) -> None:
    """Write the title of the left axis upwards."""
    if title:
        x = box.left - look.text * 3.5
        end = look.style == "root"
        y = box.top if end else box.top + box.height / 2
        write(
            image,
            title,
            max(x, look.text * 0.7),
            y,
            font=look.font,
            size=look.text,
            colour=look.ink,
            align=1.0 if end else 0.5,
            upwards=True,
        )


def pad_title(image: Pixels, box: Box, look: Look, title: str) -> None:
    """Write the title of a pad above its frame."""
    x = box.left + look.title_at * box.width
    y = box.top - look.text * 0.8
    size = round(look.text * 1.1)
    write(image, title, x, y, font=look.font, size=size, colour=look.ink, align=look.title_at)


def stat_box(image: Pixels, box: Box, look: Look, lines: list[tuple[str, str]]) -> None:
    """Paint the box with entries, mean and standard deviation, top right."""
    size = max(8, round(look.text * 0.85))
    step = round(size * 1.25)
    width = min(size * 10, round(box.width * 0.45))
    left, bottom = box.right - width, box.top + step * len(lines) + 6
    cv2.rectangle(image, (left, box.top), (box.right, bottom), look.inside, -1)
    cv2.rectangle(image, (left, box.top), (box.right, bottom), look.ink, 1)
    for row, (what, value) in enumerate(lines):
        y = box.top + row * step + step // 2 + 4
        write(image, what, left + 4, y, font=look.font, size=size, colour=look.ink)
        write(image, value, box.right - 3, y, font=look.font, size=size, colour=look.ink, align=1.0)


def colour_bar(image: Pixels, box: Box, look: Look, axis: Axis) -> None:
    """Paint the colour scale right of a frame."""
    width = max(7, look.text)
    left = box.right + max(4, look.text // 2)
    bar = cv2.resize(look.table[::-1, None, :], (width, box.height))
    room = image[box.top : box.bottom, left : left + width]
    room[:] = bar[:, : room.shape[1]]
    cv2.rectangle(image, (left, box.top), (left + width, box.bottom), look.ink, 1)
    placed, _, power = marks(axis, wanted(box, look, upright=True))
    for at, text in placed:
        y = box.bottom - at * box.height
        write(image, text, left + width + 3, y, font=look.font, size=look.text, colour=look.ink)
    if power:
        above = box.top - look.text * 0.7
        write(image, power, left, above, font=look.font, size=look.text, colour=look.ink)
