"""Frames, axes and text of a canvas in the manner of ROOT.

What never changes is painted once per plot and copied; only numbers that
follow the data are written for each drawing.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from simulation.drawing import Pixels

BLACK: Final = (0, 0, 0)
FONT: Final = cv2.FontFace("sans")
WEIGHT: Final = 400
TITLE_PX: Final = 30
HEADER_PX: Final = 64


@dataclass(frozen=True, slots=True)
class Frame:
    """The box of a pad, inside which data is drawn, in pixels."""

    left: int
    top: int
    width: int
    height: int
    text: int
    """Height of the axis numbers."""

    @property
    def right(self) -> int:
        """First column right of the box."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.top + self.height


@lru_cache(maxsize=4096)
def text_width(text: str, size: int) -> int:
    """Give the width in pixels of a line of text."""
    (_, _, width, _) = cv2.getTextSize((0, 0), text, (0, 0), FONT, size, WEIGHT)
    return int(width)


def write(
    image: Pixels,
    text: str,
    x: float,
    y: float,
    size: int,
    *,
    align: float = 0.0,
    colour: tuple[int, int, int] = BLACK,
) -> None:
    """Write a line of text.

    Args:
        image: Canvas, changed in place.
        text: One line.
        x: Where the text stands, in pixels.
        y: Its base line.
        size: Height of the letters in pixels.
        align: 0 begins at x, 0.5 is centred on it, 1 ends there.
        colour: Red, green, blue.
    """
    if align:
        x -= align * text_width(text, size)
    cv2.putText(image, text, (round(x), round(y)), colour, FONT, size, WEIGHT)


def write_upwards(image: Pixels, text: str, x: int, top: int, size: int) -> None:
    """Write a line of text that reads upwards, ending at row ``top``."""
    length = text_width(text, size) + 4
    strip: Pixels = np.full((size + size // 2, length, 3), 255, np.uint8)
    write(strip, text, 2, size, size)
    strip = np.rot90(strip)
    area = image[top : top + strip.shape[0], x : x + strip.shape[1]]
    np.minimum(area, strip[: area.shape[0], : area.shape[1]], out=area)


def nice_step(span: float, wanted: int) -> float:
    """Give a step of 1, 2 or 5 times a power of ten that divides a span about so often."""
    raw = span / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1.0, 2.0, 5.0):
        if raw <= factor * power * 1.001:
            return factor * power
    return 10.0 * power


def numbers(low: float, high: float, wanted: int) -> tuple[list[float], list[str], str]:
    """Choose the numbers of an axis.

    Args:
        low: Value at the lower end.
        high: Value at the upper end, above ``low``.
        wanted: About how many numbers.

    Returns:
        The values, how they are written, and the power of ten that is taken
        out of them (empty if none).

    Source:
        ROOT ``TGaxis::SetMaxDigits(4)``: longer numbers get an exponent.
    """
    step = nice_step(high - low, wanted)
    first = math.ceil(low / step - 1e-9)
    values = [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]
    power = 3 if max(abs(low), abs(high)) >= 1e4 else 0
    shown = step / 10**power
    digits = max(0, -math.floor(math.log10(shown) + 1e-9))
    texts = [f"{value / 10**power:.{digits}f}" for value in values]
    return values, texts, f"x10^{power}" if power else ""


@lru_cache(maxsize=512)
def ticks(low: float, high: float, wanted: int) -> tuple[tuple[float, bool], ...]:
    """Place the ticks of an axis.

    Args:
        low: Value at the lower end.
        high: Value at the upper end.
        wanted: About how many numbers.

    Returns:
        Share of the axis and whether it has a number, five to each number.
    """
    step = nice_step(high - low, wanted) / 5.0
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(((i * step - low) / (high - low), i % 5 == 0) for i in range(first, last + 1))


def ticks_x(image: Pixels, frame: Frame, low: float, high: float, wanted: int) -> None:
    """Paint the ticks of the lower axis."""
    length = max(6, frame.height // 40)
    for share, numbered in ticks(low, high, wanted):
        x = round(frame.left + share * frame.width)
        end = frame.bottom - (length if numbered else length // 2)
        cv2.line(image, (x, frame.bottom), (x, end), BLACK, 1)


def ticks_y(image: Pixels, frame: Frame, low: float, high: float, wanted: int) -> None:
    """Paint the ticks of the left axis."""
    length = max(6, frame.width // 60)
    for share, numbered in ticks(low, high, wanted):
        y = round(frame.bottom - share * frame.height)
        end = frame.left + (length if numbered else length // 2)
        cv2.line(image, (frame.left, y), (end, y), BLACK, 1)


def numbers_x(image: Pixels, frame: Frame, low: float, high: float, wanted: int) -> None:
    """Write the numbers of the lower axis."""
    values, texts, _ = numbers(low, high, wanted)
    for value, text in zip(values, texts, strict=True):
        x = frame.left + (value - low) / (high - low) * frame.width
        write(image, text, x, frame.bottom + frame.text * 1.3, frame.text, align=0.5)


def numbers_y(image: Pixels, frame: Frame, low: float, high: float, wanted: int) -> None:
    """Write the numbers of the left axis."""
    values, texts, power = numbers(low, high, wanted)
    for value, text in zip(values, texts, strict=True):
        y = frame.bottom - (value - low) / (high - low) * frame.height
        write(image, text, frame.left - 6, y + frame.text * 0.35, frame.text, align=1.0)
    if power:
        write(image, power, frame.left, frame.top - 5, frame.text)


def colour_bar(image: Pixels, frame: Frame, table: Pixels, high: float) -> None:
    """Paint the colour scale right of a frame, from 0 to ``high``.

    Args:
        image: Canvas, changed in place.
        frame: The pad's box.
        table: Colour scale with the colour of empty bins first.
        high: Content of the fullest bin.
    """
    width = max(12, frame.text)
    left = frame.right + 8
    bar = cv2.resize(table[:0:-1, None, :], (width, frame.height), interpolation=cv2.INTER_NEAREST)
    image[frame.top : frame.bottom, left : left + width] = bar
    cv2.rectangle(image, (left, frame.top), (left + width, frame.bottom), BLACK, 1)
    values, texts, power = numbers(0.0, high, 6 if frame.height > 400 else 4)
    for value, text in zip(values, texts, strict=True):
        y = frame.bottom - value / high * frame.height
        write(image, text, left + width + 5, y + frame.text * 0.35, frame.text)
    if power:
        write(image, power, left, frame.top - 5, frame.text)


def stat_height(frame: Frame, lines: int) -> int:
    """Give the height in pixels of a stat box of so many lines below the frame's top."""
    return round(frame.text * 1.35) * lines + 10


def stat_box(image: Pixels, frame: Frame, lines: list[tuple[str, str]]) -> None:
    """Paint the box with entries, mean and standard deviation, top right.

    Args:
        image: Canvas, changed in place.
        frame: The pad's box.
        lines: What is said and its value.
    """
    size = frame.text
    height = round(size * 1.35)
    width = min(size * 10, round(frame.width * 0.6))
    left, top = frame.right - width, frame.top
    bottom = top + stat_height(frame, len(lines)) - 4
    cv2.rectangle(image, (left, top), (left + width, bottom), (255, 255, 255), -1)
    cv2.rectangle(image, (left, top), (left + width, bottom), BLACK, 1)
    for row, (what, value) in enumerate(lines):
        base = top + row * height + size + 2
        write(image, what, left + 6, base, size)
        write(image, value, left + width - 6, base, size, align=1.0)
