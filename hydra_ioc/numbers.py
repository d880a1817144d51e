"""Training a regression model from the numbers that people gave kept images."""

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from db.engine import reading
from db.training_queries import labelled_images
from db.value_queries import values_of
from hydra_ioc.labelled import read_images
from hydra_ioc.record import open_record
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.vision.card import Quantity


def train_numbers(config: Config, plot: str, quantity: Quantity, store: Path, note: str) -> str:
    """Fit the numbers of a plot type and put the model into the store.

    Args:
        config: The deployment.
        plot: Name of the plot type.
        quantity: Name, unit and limits; its spread is filled in.
        store: The model store.
        note: For people.

    Returns:
        The digest of the model.

    Raises:
        InputError: No image, or too few, has a number.
        FileError: Lists the images that cannot be read.
    """
    from pipeline.vision.backbone import shipped
    from pipeline.vision.regression import save_number, train_number

    with reading(open_record(config)) as session:
        numbers = values_of(session, plot)
        images = [one for one in labelled_images(session, plot) if one.plot_id in numbers]
    if not images:
        raise InputError(
            f"no labelled image of plot {plot} has a number; give some with the column value of"
            " 'hydra-ioc labels import FILE'"
        )
    backbone = shipped()
    shape, preprocessing = backbone.card.input_shape, backbone.card.preprocessing
    pixels = read_images(config, plot, images, preprocessing, shape)
    values = np.array([numbers[one.plot_id] for one in images], np.float64)
    runs = np.array([one.run for one in images], np.int64)
    model = train_number(backbone, pixels, values, runs)
    rows = sorted(f"{one.sha256}\t{one.run}\t{numbers[one.plot_id]!r}\n" for one in images)
    return save_number(
        model,
        backbone,
        store,
        (plot,),
        msgspec.structs.replace(quantity, spread=model.spread),
        runs=tuple(int(run) for run in np.unique(runs)),
        training_set=hashlib.sha256("".join(rows).encode()).hexdigest(),
        note=note,
    )
