"""What a backbone is pretrained on: images of many species, each with references.

A shard is a folder with the arrays of some species, read as it lies on disk:
pretraining needs more of them than memory holds.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.reference import Reference

ARRAYS: Final = ("views", "fault", "region", "species", "mean", "allowance", "count")


@dataclass(frozen=True, slots=True)
class Shard:
    """Some species: N images, and R references of each of S species."""

    views: NDArray[np.uint8]
    """(N, h, w, 5)."""
    fault: NDArray[np.int64]
    """(N,) index of the fault family."""
    region: NDArray[np.bool_]
    """(N, rows, columns): where the fault shows."""
    species: NDArray[np.int64]
    """(N,) index of the species, 0 to S - 1."""
    mean: NDArray[np.uint8]
    """(S, R, h, w, 5)."""
    allowance: NDArray[np.uint8]
    """(S, R, h, w, 1)."""
    count: NDArray[np.int64]
    """(S, R) number of images behind each reference."""


def stack(
    references: list[list[Reference]],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Lay out references, a list for each species, as the arrays of a shard."""
    return (
        np.stack([np.stack([one.mean for one in row]) for row in references]),
        np.stack([np.stack([one.allowance for one in row]) for row in references]),
        np.array([[one.count for one in row] for row in references], np.int64),
    )


def write_shard(folder: Path, shard: Shard) -> None:
    """Write a shard; the folder gets its name when everything is in it.

    Args:
        folder: Does not exist yet.
        shard: What to write.
    """
    draft = folder.with_name(f".{folder.name}")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(parents=True)
    for name in ARRAYS:
        np.save(draft / f"{name}.npy", getattr(shard, name))
    draft.rename(folder)


def read_shard(folder: Path) -> Shard:
    """Open a shard; the pictures stay on disk until they are looked at.

    Raises:
        InputError: It is not whole.
    """
    try:
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ARRAYS
        }
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} is no whole set of exercises: {error}; remove it, it is drawn again"
        ) from error
    return Shard(**arrays)


def shards(folder: Path) -> list[Path]:
    """List the whole shards of a folder, in the order of their names."""
    return sorted(path for path in folder.glob("shard-*") if path.is_dir())
