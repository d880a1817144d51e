"""Which training images are shown how often: as they are, fewer of many, more of few."""

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

Method = Literal["normal", "undersample", "oversample"]
METHODS: Final[tuple[str, ...]] = get_args(Method)
BAD: Final = "Bad"


def resample(
    truth: NDArray[np.int64],
    labels: tuple[str, ...],
    method: str,
    *,
    seed: int = 1,
    batch: int = 1,
) -> NDArray[np.int64]:
    """Choose which images a training is shown.

    Undersampling takes of every label as many as there are Bad images (or of
    the rarest label, where none is Bad), oversampling as many as of the most
    frequent one; both are rounded up to whole batches as far as images last.

    Args:
        truth: (N,) label indices.
        labels: Names of the labels.
        method: One of ``METHODS``.
        seed: Same seed, same choice.
        batch: Images of a batch.

    Returns:
        Indices into ``truth``; an image that is shown twice is there twice.

    Raises:
        InputError: No such method.

    Source:
        Sampling methods of the original Hydra.
    """
    if method not in METHODS:
        raise InputError(f"expected a sampling method of {', '.join(METHODS)}, received {method!r}")
    if method == "normal":
        return np.arange(len(truth))
    rng = np.random.default_rng(seed)
    counts = np.bincount(truth, minlength=len(labels))
    if method == "undersample":
        bad = labels.index(BAD) if BAD in labels else -1
        wanted = int(counts[bad]) if bad >= 0 and counts[bad] else int(counts[counts > 0].min())
    else:
        wanted = int(counts.max())
    wanted = -(-wanted // batch) * batch
    chosen = []
    for index in np.flatnonzero(counts):
        mine = np.flatnonzero(truth == index)
        if method == "undersample":
            chosen.append(rng.permutation(mine)[:wanted])
        else:
            rounds = -(-wanted // len(mine))
            shown = np.concatenate([rng.permutation(mine) for _ in range(rounds)])
            chosen.append(shown[:wanted])
    return np.sort(np.concatenate(chosen))
