"""Contact sheets of the zoo: species down, their faults across, regions outlined."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from simulation import canvas
from simulation.drawing import Pixels
from simulation.zoo.drawn import GRID, HARMLESS, HEIGHT, Drawn
from simulation.zoo.species import Species, species

RED: Final = (220, 0, 0)
BAND: Final = 16
"""Rows above each image for what it shows."""


def tile(drawn: Drawn, note: str) -> Pixels:
    """Outline the region of an image and write above it what it shows."""
    side = HEIGHT // GRID[0]
    image = drawn.image.copy()
    mask = np.kron(drawn.region.astype(np.uint8), np.ones((side, side), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, outlines, -1, RED, 1)
    head: Pixels = np.full((BAND, image.shape[1], 3), 235, np.uint8)
    canvas.write(head, note, 3, BAND - 4, 11, colour=RED if drawn.bad else canvas.BLACK)
    return np.vstack([head, image])


def sheet(seeds: Sequence[int], columns: int) -> Pixels:
    """Draw species, one a row: a good image, harmless changes, then faults in turn.

    Args:
        seeds: Seeds of the species.
        columns: Images of each.

    Returns:
        uint8, RGB.
    """
    rows = []
    for seed in seeds:
        one = species(seed)
        plan = _plan(one, columns)
        tiles = []
        for index in range(columns):
            drawn = one.draw(index, plan[index % len(plan)])
            note = f"{seed} {one.kind} {drawn.fault} {drawn.contrast:.0f}"
            tiles.append(tile(drawn, note))
        rows.append(np.hstack(tiles))
    return np.vstack(rows)


def _plan(one: Species, columns: int) -> list[str]:
    """Choose what to show of a species: good, something harmless, and faults in turn."""
    plan = [*HARMLESS, *one.faults]
    if len(plan) <= columns:
        return plan
    turn = one.seed % len(one.faults)
    harmless = HARMLESS[1 + one.seed % (len(HARMLESS) - 1)]
    return ["none", harmless, *one.faults[turn:], *one.faults[:turn]]
