"""Toy plots that a tiny network learns in seconds: a grid, with or without a dead patch."""

import numpy as np
from numpy.typing import NDArray

from pipeline.vision.dataset import Dataset

SHAPE = (64, 96, 3)
LABELS = ("Good", "Bad", "NoData")


def toy(label: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one toy plot of 64 x 96."""
    return toy_with_region(label, rng)[0]


def toy_with_region(
    label: str, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw one toy plot and mark the cells of 8 x 8 pixels where its fault shows."""
    image = np.full(SHAPE, 255, np.uint8)
    region = np.zeros((SHAPE[0] // 8, SHAPE[1] // 8), np.bool_)
    if label != "NoData":
        block = rng.normal(150, 12, (48, 80, 3)).clip(0, 255).astype(np.uint8)
        block[10:20, 50:70] = 255  # a region known to be dead, the same in every plot
        image[8:56, 8:88] = block
    if label == "Bad":
        row, column = rng.integers(8, 40), rng.integers(8, 68)
        image[row : row + 16, column : column + 20] = 255
        region[row // 8 : (row + 23) // 8, column // 8 : (column + 27) // 8] = True
    image[2:6, rng.integers(5, 60) :][:, :20] = 0  # the title moves
    return image, region


def toys(count: int = 120, chunks: int = 4, seed: int = 5) -> Dataset:
    """Draw a data set in which each run has chunks of several labels."""
    rng = np.random.default_rng(seed)
    truth = np.array([(0, 1, 0, 2)[index % 4] for index in range(count)], np.int64)
    images, regions = zip(*(toy_with_region(LABELS[index], rng) for index in truth), strict=True)
    runs = np.arange(count) // chunks + 1000
    names = tuple(f"toy-{n}" for n in range(count))
    return Dataset(np.stack(images), truth, runs, LABELS, names, np.stack(regions))
