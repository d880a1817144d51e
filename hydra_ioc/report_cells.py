"""The cells of the confusion matrix of a training report, with the images behind each."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hydra_ioc.report_figures import cell, small
from hydra_ioc.report_page import Cell, Shown
from pipeline.config import Config
from pipeline.errors import FileError
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.card import ModelCard
from pipeline.vision.judged import JudgedImage
from pipeline.vision.preprocess import decode

logger = logging.getLogger(__name__)

PICTURES: Final = 60
"""Most pictures of one cell; five kB each, so a page of nine full cells has some 4 MB."""
ALL_PICTURES: Final = 1200
"""Most pictures of all cells together."""


def cells_of(
    config: Config, card: ModelCard, images: Sequence[JudgedImage], types: Sequence[str]
) -> tuple[Cell, ...]:
    """Lay out the matrix, row by row: what experts said, and in each row what the model says.

    Images that were held out come first. In a cell of the diagonal those of which the model
    is least sure lead, in any other those of which it is surest.

    Args:
        config: The deployment, for its image store.
        card: Of the model.
        images: What it said of the images it was made with.
        types: File types in the image store.
    """
    store = ImageStore(config.under_state(config.keeper.images))
    grouped: dict[tuple[str, str], list[JudgedImage]] = defaultdict(list)
    for one in images:
        grouped[one.label, card.labels[int(np.argmax(one.weights))]].append(one)
    cells, left = [], ALL_PICTURES
    for label in card.labels:
        for given in card.labels:
            mine = grouped[label, given]
            mine.sort(key=lambda one: max(one.weights), reverse=label != given)
            mine.sort(key=lambda one: one.purpose == "train")
            allowed = min(PICTURES, left)
            shown = tuple(
                _shown(config, store, one, types, pictured=place < allowed)
                for place, one in enumerate(mine)
            )
            left -= sum(bool(one.picture) for one in shown)
            cells.append(_cell(label, given, mine, shown, card.thresholds[given]))
    return tuple(cells)


def _cell(
    label: str,
    given: str,
    images: Sequence[JudgedImage],
    shown: tuple[Shown, ...],
    threshold: float,
) -> Cell:
    training = np.array([max(one.weights) for one in images if one.purpose == "train"])
    held_out = np.array([max(one.weights) for one in images if one.purpose != "train"])
    picture = cell(training, held_out, threshold) if images else ""
    return Cell(label, given, len(training), len(held_out), picture, shown)


def _shown(
    config: Config, store: ImageStore, one: JudgedImage, types: Sequence[str], *, pictured: bool
) -> Shown:
    path = kept(store, one.name, types) if pictured else None
    picture = ""
    if path is not None:
        try:
            picture = small(decode(path.read_bytes(), config.input.max_pixels))
        except (FileError, OSError) as error:
            logger.warning("event=no-picture image=%s text=%r", one.name, str(error))
    weight = round(max(one.weights), 3)
    return Shown(one.name, one.run, weight, one.purpose != "train", picture)


def kept(store: ImageStore, name: str, types: Sequence[str]) -> Path | None:
    """Find the kept image of a name, which is its SHA-256 if it is one of ours."""
    paths = [store.path(name, one) for one in types] if len(name) == 64 else []
    return next((path for path in paths if path.exists()), None)
