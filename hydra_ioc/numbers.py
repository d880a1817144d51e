"""Training a regression model from the numbers that people gave kept images."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from db.catalogue_queries import plot_type
from db.data_set_images import kept_images, training_images
from db.data_set_items import digest_of
from db.data_set_queries import Snapshot, require_free, snapshot
from db.engine import reading
from db.training_queries import Labelled
from db.training_records import RECORD, NewTraining
from hydra_ioc.labelled import read_images
from hydra_ioc.novelty import Known
from hydra_ioc.record import open_record
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.vision.card import Quantity

if TYPE_CHECKING:
    from pipeline.vision.regression import NumberModel


class NumberRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of such a training; with its images it can be done again."""

    plot: str
    quantity: Quantity
    note: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Images with their numbers."""

    data_set: Snapshot
    """Labels and numbers of the record that were taken."""
    images: tuple[Labelled, ...]
    pixels: NDArray[np.uint8]
    """(N, H, W, 3) of the backbone's input, in the order of the images."""
    values: NDArray[np.float64]
    """(N,)."""

    @property
    def known(self) -> Known:
        """Give them as what a model was made of; every run was left out in turn."""
        runs = np.array([one.run for one in self.images], np.int64)
        return Known(self.pixels, runs, np.zeros(len(runs), np.bool_))


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a training."""

    digest: str
    numbers: Numbers
    record: NewTraining


def numbers_of(config: Config, plot: str, taken: Snapshot | None = None) -> Numbers:
    """Take the labelled images of a plot that have numbers.

    Args:
        config: The deployment.
        plot: Name of the plot type.
        taken: Data set to take instead of the labels and numbers of now.

    Raises:
        InputError: No labelled image has a number.
        FileError: Lists the images that cannot be read.
    """
    from pipeline.vision.backbone import shipped

    with reading(open_record(config)) as session:
        found = taken or _numbered(snapshot(session, plot))
        require_free(session, found)
        images = training_images(session, found)
        rows = kept_images(session, plot_type(session, plot).id, found.items)
    values = {rows[one.key]: one.value for one in found.items}
    if not images:
        raise InputError(
            f"no labelled image of plot {plot} has a number; give some with the column value of"
            " 'hydra-ioc labels import FILE'"
        )
    card = shipped().card
    pixels = read_images(config, plot, images, card.preprocessing, card.input_shape)
    return Numbers(
        found, images, pixels, np.array([values[one.plot_id] for one in images], np.float64)
    )


def train_numbers(request: NumberRequest, numbers: Numbers, store: Path) -> Trained:
    """Fit the numbers of a plot type and put the model into the store.

    Args:
        request: Plot, note, and name, unit and limits of the number; its spread is filled in.
        numbers: From ``numbers_of``.
        store: The model store.

    Returns:
        The model, and what the record keeps of it.

    Raises:
        InputError: Too few images or runs, or all have the same number.
    """
    from pipeline.vision.backbone import shipped
    from pipeline.vision.regression import save_number, train_number

    backbone, runs = shipped(), numbers.known.runs
    model = train_number(backbone, numbers.pixels, numbers.values, runs)
    pairs = zip(numbers.images, numbers.values.tolist(), strict=True)
    rows = sorted(f"{one.sha256}\t{one.run}\t{value!r}\n" for one, value in pairs)
    digest = save_number(
        model,
        backbone,
        store,
        (request.plot,),
        msgspec.structs.replace(request.quantity, spread=model.spread),
        runs=tuple(int(run) for run in np.unique(runs)),
        training_set=hashlib.sha256("".join(rows).encode()).hexdigest(),
        note=request.note,
    )
    return Trained(digest, numbers, _record(request, numbers, model, store / digest))


def _record(
    request: NumberRequest, numbers: Numbers, model: "NumberModel", folder: Path
) -> NewTraining:
    pairs = zip(numbers.images, numbers.values.tolist(), model.judged.tolist(), strict=True)
    return NewTraining(
        location=str(folder),
        plots=(request.plot,),
        source=RECORD,
        settings=msgspec.to_builtins(request),
        uses={},
        curves={},
        judged=[
            {"name": one.sha256, "number": value, "given": given} for one, value, given in pairs
        ],
        data_sets=(numbers.data_set,),
    )


def _numbered(taken: Snapshot) -> Snapshot:
    """Leave out what has no number: it taught the model nothing."""
    items = tuple(one for one in taken.items if one.value is not None)
    return Snapshot(taken.plot, items, digest_of(taken.plot, items), taken.name, note="numbers")
