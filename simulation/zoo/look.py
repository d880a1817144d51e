"""How a species looks: colours, lines, fonts and what belongs to a frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulation.drawing import Pixels
from simulation.zoo import colours
from simulation.zoo.colours import Colour
from simulation.zoo.text import FONTS

BLACK: Final = (0, 0, 0)
WHITE: Final = (255, 255, 255)
ROOT_LINES: Final = ((0, 0, 153), (0, 0, 255), (255, 0, 0), (0, 0, 0), (0, 102, 0), (60, 60, 60))
ROOT_FILLS: Final = (
    None,
    None,
    (153, 153, 255),
    (255, 153, 153),
    (153, 255, 153),
    (255, 255, 0),
    (204, 204, 204),
    (0, 102, 255),
)
MPL_LINES: Final = (
    (31, 119, 180),
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (0, 0, 128),
    (0, 0, 0),
)
"""Source: matplotlib's ``tab10`` cycle, and the colours that people set by hand."""


@dataclass(frozen=True, slots=True)
class Look:
    """One manner of drawing; sizes are in pixels of a canvas of 640 x 480."""

    style: str
    """root, mpl, dark or web."""
    ground: Colour
    """Outside of the frames."""
    inside: Colour
    """Inside of the frames."""
    ink: Colour
    """Frames, ticks and text."""
    line: Colour
    fill: Colour | None
    """Colour below a histogram's line."""
    grid: Colour | None
    table: Pixels
    """Colour map, uint8 (256, 3)."""
    void: Colour | None
    """Colour of cells that counted nothing; none: as the lowest."""
    font: str
    text: int
    """Height of axis numbers on a canvas with one pad."""
    frame: int
    """Thickness of frames; 0 draws none."""
    thickness: int
    """Thickness of data lines."""
    inward: bool
    """Ticks point into the frame."""
    dense: bool
    """Ticks between the numbers."""
    stats: int
    """Lines of the statistics box; 0 draws none."""
    bar: bool
    """Colour bar beside two-dimensional plots."""
    marker: int
    """Radius of points."""
    mark: str
    """Shape of points: disc, ring, square, cross or triangle."""
    title_at: float
    """Where titles stand: 0 left, 0.5 middle."""
    quality: int
    """JPEG quality that the image went through; 0 for none."""


def look(rng: np.random.Generator) -> Look:
    """Draw a look at random."""
    style = str(rng.choice(["root", "mpl", "dark", "web"], p=[0.45, 0.33, 0.1, 0.12]))
    ground, inside, ink, grid = _surface(rng, style)
    line, fill = _pens(rng, style)
    table = colours.colour_map(rng)
    if style == "root" or rng.random() < 0.2:
        table = colours.steps(table, int(rng.choice([20, 20, 50, 99, 255])))
    empty_white = 0.85 if style == "root" else 0.45
    return Look(
        style=style,
        ground=ground,
        inside=inside,
        ink=ink,
        line=line,
        fill=fill,
        grid=grid,
        table=table,
        void=inside if rng.random() < empty_white else None,
        font=str(rng.choice(FONTS, p=[0.1, 0.08, 0.06, 0.03, 0.55, 0.13, 0.05])),
        text=int(rng.integers(13, 23)),
        frame=int(rng.choice([0, 1, 2, 3, 5], p=[0.08, 0.3, 0.4, 0.17, 0.05])),
        thickness=int(rng.choice([1, 2, 3, 4], p=[0.25, 0.45, 0.2, 0.1])),
        inward=style == "root" or rng.random() < 0.2,
        dense=rng.random() < (0.9 if style == "root" else 0.15),
        stats=int(rng.choice([0, 2, 3, 4, 5])) if style == "root" else int(rng.random() < 0.08) * 3,
        bar=rng.random() < 0.8,
        marker=int(rng.integers(2, 8)),
        mark=str(rng.choice(["disc", "disc", "ring", "square", "cross", "triangle"])),
        title_at=0.5 if rng.random() < 0.75 else 0.0,
        quality=int(rng.integers(55, 95)) if rng.random() < 0.1 else 0,
    )


def _surface(rng: np.random.Generator, style: str) -> tuple[Colour, Colour, Colour, Colour | None]:
    """Choose ground, inside, ink and grid."""
    grey = int(rng.integers(190, 245))
    grid: Colour | None = (grey, grey, grey)
    if style == "root":
        ground = [WHITE, WHITE, WHITE, (217, 217, 217), (236, 233, 216)][rng.integers(5)]
        inside = WHITE if rng.random() < 0.85 else (255, 255, 224)
        return ground, inside, BLACK, grid if rng.random() < 0.2 else None
    if style == "mpl":
        return WHITE, WHITE, BLACK, grid if rng.random() < 0.45 else None
    if style == "dark":
        dark = int(rng.integers(0, 50))
        ground = (dark, dark, min(255, dark + int(rng.integers(0, 30))))
        light = int(rng.integers(170, 255))
        inside = ground if rng.random() < 0.6 else BLACK
        faint = (dark + 35, dark + 35, dark + 35)
        return ground, inside, (light, light, light), faint if rng.random() < 0.5 else None
    pale = tuple(int(value) for value in rng.integers(225, 250, 3))
    tint: Colour = (pale[0], pale[1], pale[2])
    ink = int(rng.integers(20, 90))
    return WHITE, tint, (ink, ink, ink + 10), WHITE if rng.random() < 0.7 else None


def _pens(rng: np.random.Generator, style: str) -> tuple[Colour, Colour | None]:
    """Choose the line and what fills a histogram."""
    if style == "root":
        return (
            ROOT_LINES[rng.integers(len(ROOT_LINES))],
            ROOT_FILLS[rng.integers(len(ROOT_FILLS))],
        )
    if style == "dark":
        bright = rng.integers(60, 256, 3)
        bright[rng.integers(3)] = 255
        line: Colour = (int(bright[0]), int(bright[1]), int(bright[2]))
    else:
        line = MPL_LINES[rng.integers(len(MPL_LINES))]
    choice = rng.random()
    if choice < 0.4:
        return line, None
    if choice < 0.7:
        return line, line
    target = 0 if style == "dark" else 255
    share = rng.uniform(0.35, 0.75)
    mixed = [round(part + (target - part) * share) for part in line]
    return line, (mixed[0], mixed[1], mixed[2])
