"""The exercises of a backbone, drawn from the zoo of the simulation."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.vision.exercises import Shard, stack, write_shard
from pipeline.vision.reference import Reference, reference_of, views_of
from simulation.zoo import FAULTS, HARMLESS, Drawn, Species, species

IN_SHARD: Final = 20
"""Species of one shard."""
POOL: Final = 16
"""Good images of which references are made; none of them is an exercise."""
COUNTS: Final = (1, 2, 3, 5, 8, 16)
"""Images behind the references of a species: a user may have few."""
GOOD: Final = 6
"""Good exercises of a species."""
LOOKALIKE: Final = (1, 1, 2)
"""Exercises with what only looks like a fault, as indices of the harmless families."""
FAULTY: Final = 12
"""Exercises of a species with a fault."""
CHECK_SEED: Final = 10_000_000
"""First seed of the species that only check."""


def draw_exercises(
    folder: Path, count: int, first_seed: int, workers: int, say: Callable[[str], None]
) -> None:
    """Draw the shards that are not there yet.

    Args:
        folder: Where shards lie.
        count: Species, rounded up to whole shards.
        first_seed: Seed of the first species.
        workers: Processes that draw.
        say: Called with a line for each shard.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {
        folder / f"shard-{seed:08d}": seed
        for seed in range(first_seed, first_seed + count, IN_SHARD)
    }
    missing = {path: seed for path, seed in wanted.items() if not path.exists()}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        futures = [pool.submit(draw_shard, path, seed) for path, seed in missing.items()]
        for number, future in enumerate(as_completed(futures), 1):
            future.result()
            say(f"drawn {number}/{len(missing)} sets of {IN_SHARD} species")


def draw_shard(path: Path, first_seed: int) -> None:
    """Draw one shard.

    Args:
        path: Its folder.
        first_seed: Seed of its first species.
    """
    images: list[Drawn] = []
    owners: list[int] = []
    references = []
    for number in range(IN_SHARD):
        kind = species(first_seed + number)
        rng = np.random.default_rng([first_seed + number, 1])
        references.append(_references(kind, rng))
        drawn = list(_exercises(kind, rng))
        images += drawn
        owners += [number] * len(drawn)
    mean, allowance, count = stack(references)
    shard = Shard(
        views=np.stack([views_of(one.image) for one in images]),
        fault=np.array([FAULTS.index(one.fault) for one in images], np.int64),
        region=np.stack([one.region for one in images]),
        species=np.array(owners, np.int64),
        mean=mean,
        allowance=allowance,
        count=count,
    )
    write_shard(path, shard)


def _references(kind: Species, rng: np.random.Generator) -> list[Reference]:
    pool = np.stack([views_of(kind.draw(_seed(rng), None).image) for _ in range(POOL)])
    return [reference_of(pool[rng.permutation(POOL)[:count]]) for count in COUNTS]


def _exercises(kind: Species, rng: np.random.Generator) -> Iterator[Drawn]:
    for _ in range(GOOD):
        yield kind.draw(_seed(rng), None)
    for index in LOOKALIKE:
        yield kind.draw(_seed(rng), HARMLESS[index])
    start = int(rng.integers(len(kind.faults)))
    for number in range(FAULTY):
        yield kind.draw(_seed(rng), kind.faults[(start + number) % len(kind.faults)])


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
