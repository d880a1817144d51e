"""Making a model again from its row, to prove that the record tells how it was made."""

import tempfile
from pathlib import Path

import msgspec

from db.data_set_queries import data_sets_of, taken_of
from db.engine import reading
from db.signoff_queries import find
from db.training_queries import Labelled
from db.training_records import RECORD, images_of, training_of
from db.trainings import Training
from hydra_ioc.labelled import dataset_of
from hydra_ioc.numbers import NumberRequest, numbers_of, train_numbers
from hydra_ioc.record import open_record
from hydra_ioc.training import PREPROCESSING, Request, Say, Source, run
from pipeline.config import Config
from pipeline.errors import ModelError
from pipeline.vision.card import REGRESSION


def remake(config: Config, digest: str, say: Say) -> str:
    """Train a model again with the images, labels and settings on record.

    Args:
        config: The deployment.
        digest: Of a registered model, its first 8 digits are enough.
        say: Told how far it is.

    Returns:
        The digest, which is the same.

    Raises:
        CommandError: It was not trained here.
        ModelError: It was not trained from the record, or another model came of it.
    """
    with reading(open_record(config)) as session:
        model = find(session, digest)
        training = training_of(session, model.digest)
        images = images_of(session, model.digest)
        versions, kind = dict(model.versions), model.kind
    if training.source != RECORD:
        raise ModelError(
            f"model {model.digest[:12]} was trained from {training.source}; only a training from"
            " labels of the record can be done again"
        )
    with tempfile.TemporaryDirectory(prefix="remade-") as name:
        store = Path(name)
        if kind == REGRESSION:
            found = _numbers_again(config, model.digest, training, store)
        else:
            found = _labels_again(config, training, images, store, say)
    if found != model.digest:
        raise ModelError(
            f"expected model {model.digest}, made {found}: the libraries differ, or files have"
            f" changed; it was made with {versions}"
        )
    return found


def _labels_again(
    config: Config, training: Training, images: tuple[Labelled, ...], store: Path, say: Say
) -> str:
    request = msgspec.convert(training.settings["request"], Request)
    plots = ", ".join(request.plots)
    dataset = dataset_of(config, plots, images, PREPROCESSING, request.shape)
    if request.start:
        parent = config.under_state(config.predict.models) / request.start
        (store / request.start).symlink_to(parent.resolve(), target_is_directory=True)
    return run(request, Source(dataset, images), store, say, store / "kept").digest


def _numbers_again(config: Config, digest: str, training: Training, store: Path) -> str:
    request = msgspec.convert(training.settings["request"], NumberRequest)
    with reading(open_record(config)) as session:
        (row,) = data_sets_of(session, digest)
        taken = taken_of(session, row)
    return train_numbers(request, numbers_of(config, request.plot, taken), store).digest
