"""Letting references follow slow changes: measured from the original ones, and bounded.

A step replaces a small share of the references by images that people called
Good, so that the share of every earlier image decays as in a moving average
with exponential weights. How far the experiment is from the references that
people chose is measured at every step, and there is a cap on it: no image that
these call unlike ever becomes a reference.

Source:
    LHCb DINAMO: templates with exponentially weighted moving averages.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from db.adaptation_queries import (
    Accepted,
    Base,
    accept_proposal,
    accepted_images,
    add_proposal,
    base_of,
    find_proposal,
    images_after,
)
from db.audit_queries import Actor
from db.catalogue_queries import PlotRow, catalogue
from db.engine import reading, writing
from db.mask_queries import MaskRow, masks_in_force
from db.reference_queries import RIGHT
from hydra_ioc.record import permit
from hydra_ioc.references import compiled
from pipeline.config import Config
from pipeline.errors import CommandError, InputError
from pipeline.keeper.imagestore import ImageStore
from pipeline.keeper.likeness import SIMILAR
from pipeline.vision.mask import cover, covered
from pipeline.vision.preprocess import decode, prepare
from pipeline.vision.serving import ServedModel, load

EXPECTED: Final = 0.5
"""Median similarity of images that did not drift: it is uniform then."""
FEWEST: Final = 5
"""Accepted images that a proposal needs; the median of fewer says nothing."""
FEWEST_RUNS: Final = 2
PER_RUN: Final = 5
"""Newest images of one run that count: they are alike."""
MOST: Final = 20
"""Images that are looked at, the newest: older ones would hide how far it is by now."""
LEAST: Final = 1e-12
"""Smallest similarity that is told apart."""
THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What a proposal would do."""

    proposal_id: int
    plot: str
    period: str
    candidates: int
    unlike: int
    drift: float
    taken: int
    dropped: int
    original_version: int


def drift_of(similarities: Sequence[float]) -> float:
    """Give how far images are from references, in decades of similarity.

    Args:
        similarities: To the references, 0..1, at least one.

    Returns:
        0 where the median is that of Good images or above, 1 where it is a tenth of it.
    """
    median = float(np.median(np.asarray(similarities)))
    return max(0.0, math.log10(EXPECTED / max(median, LEAST)))


def propose(engine: Engine, config: Config, who: Actor, plot: str) -> Adaptation:
    """Propose to replace some references by images that people called Good.

    Args:
        engine: The database.
        config: The deployment: step and cap.
        who: Who, from where and why.
        plot: Name of the plot type.

    Returns:
        What is on record as a proposal now; nothing changes before it is accepted.

    Raises:
        CommandError: There is nothing to adapt to, or it drifted too far.
        FileError: An image cannot be read.
        ModelError: The original references cannot be loaded.
    """
    permit(engine, who, RIGHT, plot)
    with reading(engine) as session:
        base = base_of(session, plot)
        period, accepted = accepted_images(session, base)
        row = next(row for row in catalogue(session) if row.name == plot)
        masks = masks_in_force(session).get(row.plot_type_id, ())
    looked_at = _few_of_each_run(accepted)
    _enough(plot, period, looked_at)
    similarities = _compare(config, row, base, masks, looked_at)
    drift = drift_of(list(similarities.values()))
    like = [one for one in looked_at if similarities[one.sha256] >= base.original.threshold]
    unlike = len(looked_at) - len(like)
    _bounded(base, config.references.drift, drift, unlike, len(looked_at))
    taken = _spread_over_runs(like, max(1, int(config.references.step * len(base.images))))
    dropped = _chosen(base, len(taken) if len(base.images) > len(taken) else len(base.images) - 1)
    with writing(engine) as session:
        key = add_proposal(
            session,
            who,
            base,
            candidates=len(looked_at),
            unlike=unlike,
            drift=drift,
            taken={one.sha256: one.run for one in taken},
            dropped=dropped,
        )
    return Adaptation(
        proposal_id=key,
        plot=plot,
        period=period,
        candidates=len(looked_at),
        unlike=unlike,
        drift=drift,
        taken=len(taken),
        dropped=len(dropped),
        original_version=base.original.version,
    )


def accept(engine: Engine, config: Config, who: Actor, proposal_id: int) -> tuple[str, int]:
    """Make the references of a proposal and take them into force.

    Returns:
        The plot and its new version.

    Raises:
        CommandError: The proposal cannot be decided any more, or the cap is lower now.
        NotPermitted: The user may not set references.
        InputError: The training extra or an image is missing.
    """
    with reading(engine) as session:
        found = find_proposal(session, proposal_id)
        base = base_of(session, found.plot)
        images = images_after(session, found)
    permit(engine, who, RIGHT, found.plot)
    _bounded(base, config.references.drift, found.drift, found.unlike, found.candidates)
    new, _ = compiled(
        engine,
        config,
        found.plot,
        images,
        run_type=base.row.run_type,
        threshold=base.row.threshold,
        severity=base.row.severity,
        decides=base.row.decides,
        original_id=base.original.set_id,
        drift=found.drift,
    )
    with writing(engine) as session:
        return found.plot, accept_proposal(session, who, proposal_id, new)


def _enough(plot: str, period: str, accepted: Sequence[Accepted]) -> None:
    runs = {one.run for one in accepted}
    if len(accepted) < FEWEST or len(runs) < FEWEST_RUNS:
        raise CommandError(
            f"expected at least {FEWEST} images of plot {plot} from {FEWEST_RUNS} runs that people"
            f" called Good in {period or 'the present run period'}, found {len(accepted)} of"
            f" {len(runs)}; label some more with 'hydra-ioc labels'"
        )


def _bounded(base: Base, cap: float, drift: float, unlike: int, count: int) -> None:
    """Refuse what is too far from the references that people chose."""
    original = f"version {base.original.version} of plot {base.row.plot}, which people chose"
    if 2 * unlike > count:
        raise CommandError(
            f"{unlike} of {count} images called Good are unlike the references of {original};"
            " either these labels are wrong or the plot is another one: choose new originals with"
            f" 'hydra-ioc references add {base.row.plot}'"
        )
    if drift > cap:
        raise CommandError(
            f"what is called Good has drifted {drift:.2f} decades of similarity from {original};"
            f" at most {cap:g} are followed: look for the cause, or choose new originals with"
            f" 'hydra-ioc references add {base.row.plot}'"
        )


def _compare(
    config: Config,
    row: PlotRow,
    base: Base,
    masks: Sequence[MaskRow],
    images: Sequence[Accepted],
) -> dict[str, float]:
    """Give the similarity of kept images to the original references, by SHA-256."""
    served = load(config.under_state(config.predict.models) / base.original.digest, THREADS)
    place = served.card.labels.index(SIMILAR)
    found = {}
    for one in images:
        tensor = _tensor(config, row, one.sha256, served, masks)
        found[one.sha256] = float(served.run(tensor[None], maps=False).probabilities[0, place])
    return found


def _tensor(
    config: Config, row: PlotRow, sha256: str, served: ServedModel, masks: Sequence[MaskRow]
) -> NDArray[np.uint8]:
    path = ImageStore(config.under_state(config.keeper.images)).path(sha256, row.file_type)
    if not path.exists():
        raise InputError(f"the image {sha256[:12]} of plot {row.name} is not in the store: {path}")
    pixels = decode(path.read_bytes(), config.input.max_pixels)
    shape = served.card.input_shape
    tensor = prepare(pixels, served.card.preprocessing, shape)
    if not masks:
        return tensor
    height, width = pixels.shape[:2]
    area = covered(tuple(mask.points for mask in masks), shape[:2], (height, width))
    return cover(tensor, area, served.normal)


def _few_of_each_run(accepted: Sequence[Accepted]) -> list[Accepted]:
    counts: dict[int, int] = {}
    chosen = []
    for one in accepted:
        counts[one.run] = counts.get(one.run, 0) + 1
        if counts[one.run] <= PER_RUN:
            chosen.append(one)
    return chosen[:MOST]


def _spread_over_runs(images: Sequence[Accepted], count: int) -> list[Accepted]:
    """Take images of as many runs as there are, the newest first."""
    turns: dict[int, int] = {}
    ranked = []
    for place, one in enumerate(images):
        turn = turns[one.run] = turns.get(one.run, -1) + 1
        ranked.append((turn, place, one))
    return [one for *_, one in sorted(ranked, key=lambda entry: entry[:2])[:count]]


def _chosen(base: Base, count: int) -> tuple[str, ...]:
    """Choose references that go: each as likely as any other, the same at every try."""

    def drawn(key: str) -> str:
        return hashlib.sha256(f"{base.row.digest} {key}".encode()).hexdigest()

    return tuple(sorted(base.images, key=drawn)[:count])
