"""Embeddings of kept images in one space, whatever model judges them.

The shipped backbone compares every image of a plot with the same few images:
the plot's space. Models come and go, the space stays, so clusters and
near-duplicates hold across them. Needs no training extra.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue_queries import plot_type
from db.embedding_queries import EmbeddingRow, Kept, good_images, note_embeddings, without_embedding
from db.engine import reading, writing
from db.novelty_queries import add_space, space_of
from db.reference_queries import reference_images, references_in_force
from pipeline.config import Config
from pipeline.errors import FileError, InputError
from pipeline.keeper.compact import compact
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.backbone import BATCH, Backbone
from pipeline.vision.preprocess import decode, prepare
from pipeline.vision.reference import Reference, reference_of, views_of

COMPARED: Final = 50
"""Good images that a space is made of where a plot has no references."""
COMMIT: Final = 4 * BATCH
"""Images after which an interrupted run goes on."""
Step = Callable[[int, int], None]
"""Told how many images are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Space:
    """What the images of a plot are embedded next to."""

    plot: str
    plot_type_id: int
    file_type: str
    source: str
    """What its embeddings have as their source."""
    reference: Reference
    compared: int
    new: bool
    """Whether it was made just now."""


@dataclass(frozen=True, slots=True)
class Computed:
    """What a run did."""

    space: Space
    done: int
    unreadable: tuple[str, ...]
    """One line each."""


def compute(
    engine: Engine,
    config: Config,
    backbone: Backbone,
    plot: str,
    who: Actor,
    *,
    anew: bool = False,
    step: Step = lambda _done, _all: None,
) -> Computed:
    """Embed the kept images of a plot that have no embedding in its space.

    What is done is on record every few seconds; interrupted, the next run goes on.

    Args:
        engine: The database.
        config: The deployment.
        backbone: The shipped one.
        plot: Name of the plot type.
        who: Who, from where and why.
        anew: Make another space of the references of now.
        step: Told how far it is.

    Raises:
        CommandError: There is no such plot.
        InputError: Nothing tells what a usual image of the plot is.
        FileError: An image of the space itself cannot be read.
    """
    space = space_for(engine, config, backbone, plot, who, anew=anew)
    with reading(engine) as session:
        missing = without_embedding(session, space.plot_type_id, space.source)
    unreadable: list[str] = []
    done = 0
    for first in range(0, len(missing), COMMIT):
        some = missing[first : first + COMMIT]
        rows = list(_rows(config, backbone, space, some, unreadable))
        with writing(engine) as session:
            note_embeddings(session, rows)
        done += len(rows)
        step(min(first + COMMIT, len(missing)), len(missing))
    return Computed(space, done, tuple(unreadable))


def space_for(
    engine: Engine, config: Config, backbone: Backbone, plot: str, who: Actor, *, anew: bool
) -> Space:
    """Find the space of a plot, or make one; arguments and errors as of ``compute``."""
    with reading(engine) as session:
        target = plot_type(session, plot)
        key, file_type = target.id, target.file_type
        known = None if anew else space_of(session, key)
        chosen = list(known.images) if known is not None else _choose(session, key, plot)
    source = _source(backbone, chosen)
    new = known is None or known.source != source
    views = [_views(config, backbone, sha256, file_type) for sha256 in chosen]
    if new:
        with writing(engine) as session:
            add_space(
                session, who, key, source=source, backbone=backbone.card.sha256, images=chosen
            )
    return Space(plot, key, file_type, source, reference_of(np.stack(views)), len(chosen), new)


def _choose(session: Session, key: int, plot: str) -> list[str]:
    references = references_in_force(session).get(key)
    if references is not None:
        return sorted(reference_images(session, references.set_id))[:COMPARED]
    good = sorted(good_images(session, key, COMPARED))
    if not good:
        raise InputError(
            f"nothing tells what a usual image of plot {plot} is: it has no references and no kept"
            f" image that is labelled or judged Good; 'hydra-ioc references add {plot} FILE ...'"
        )
    return good


def _source(backbone: Backbone, images: Sequence[str]) -> str:
    text = "\n".join((f"backbone {backbone.card.sha256}", *sorted(images)))
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(
    config: Config,
    backbone: Backbone,
    space: Space,
    images: Sequence[Kept],
    unreadable: list[str],
) -> Iterator[EmbeddingRow]:
    readable, views = [], []
    for image in images:
        try:
            views.append(_views(config, backbone, image.sha256, space.file_type))
            readable.append(image)
        except FileError as error:
            unreadable.append(f"{image.sha256[:16]} (run {image.run}): {error}")
    if not views:
        return
    vectors = backbone.see(np.stack(views), space.reference).embedding
    for image, vector in zip(readable, vectors, strict=True):
        yield EmbeddingRow(
            plot_type_id=space.plot_type_id,
            source=space.source,
            sha256=image.sha256,
            run=image.run,
            beam_current=image.beam_current,
            label=image.label,
            vector=compact(vector.astype("<f4").tobytes()),
            made_at=time.time(),
        )


def _views(config: Config, backbone: Backbone, sha256: str, file_type: str) -> NDArray[np.uint8]:
    path = ImageStore(config.under_state(config.keeper.images)).path(sha256, file_type)
    try:
        pixels = decode(path.read_bytes(), config.input.max_pixels)
    except OSError as error:
        raise FileError("gone", f"cannot read {path}: {error.strerror}") from error
    card = backbone.card
    return views_of(prepare(pixels, card.preprocessing, card.input_shape))
