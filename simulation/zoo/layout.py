"""Where the frames of a species stand on its canvas."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulation.zoo.axes import Box
from simulation.zoo.drawn import HEIGHT, WIDTH
from simulation.zoo.look import Look

ROWS: Final = {1: (1,), 2: (1, 2), 3: (1, 3), 4: (2,), 6: (2, 3), 8: (2, 4), 9: (3,), 12: (3, 4)}
"""For each number of pads, the numbers of rows that they may stand in."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Frames, in pixels of a canvas of 640 x 480."""

    boxes: tuple[Box, ...]
    title: int
    """Height of the letters of the canvas's title."""


def layout(rng: np.random.Generator, look: Look, count: int, coloured: bool) -> tuple[Layout, Look]:
    """Draw the places of frames at random, and fit the sizes of a look to them.

    Args:
        rng: Source of chance.
        look: How the species looks.
        count: Number of pads, a key of ROWS.
        coloured: Whether room for a colour bar is needed.
    """
    rows = int(rng.choice(ROWS[count]))
    columns = count // rows
    size = max(7, round(look.text / max(1.0, columns, rows * 0.9) ** 0.65))
    title = int(rng.integers(15, 24))
    head = title * 1.6
    width, height = 2 * WIDTH / columns, (2 * HEIGHT - head) / rows
    spare = rng.uniform(1.3, 2.0) if count == 1 and rng.random() < 0.15 else 1.0
    left = round(size * rng.uniform(3.8, 5.0) * spare)
    right = round(size * (rng.uniform(4.7, 5.6) if coloured and look.bar else rng.uniform(0.6, 2)))
    below = round(size * rng.uniform(2.8, 3.6) * spare)
    above = round(size * rng.uniform(1.6, 2.1) * spare)
    boxes = []
    for index in range(count):
        x, y = index % columns * width, head + index // columns * height
        inner = (round(width - left - right), round(height - above - below))
        boxes.append(Box(round(x + left), round(y + above), *inner))
    small = max(1, round(look.marker / max(1, columns) ** 0.6))
    thin = max(1, round(look.thickness / max(1, columns) ** 0.5))
    frame = look.frame if count == 1 else min(look.frame, 2)
    fitted = replace(look, text=size, marker=small, thickness=thin, frame=frame)
    return Layout(tuple(boxes), title), fitted
