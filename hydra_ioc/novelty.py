"""From the images of a training to what tells how novel another image is to its model."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from db.audit_queries import Actor
from db.engine import reading, writing
from db.novelty_queries import add_novelty
from db.signoff_queries import find
from db.training_records import images_of
from hydra_ioc.labelled import read_images
from hydra_ioc.training_extra import need_training
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.vision.novelty import file_name, to_bytes
from pipeline.vision.novelty_pixels import coarse_images
from pipeline.vision.serving import ServedModel, load

BATCH: Final = 8
"""Images of one pass; VGG16 takes 50 MB an image."""
THREADS: Final = 2
Step = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Known:
    """Images that a model was made of."""

    images: NDArray[np.uint8]
    """(N, H, W, 3)."""
    runs: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    """Whether the model was not fitted to it."""


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it."""

    sha256: str
    images: int
    calibrated: int
    crossed: bool

    def told(self) -> str:
        """Say what it rests on."""
        how = "each run left out in turn" if self.crossed else "of runs held out"
        return f"{self.images} images described, {self.calibrated} calibrate it, {how}"


def known_of(config: Config, engine: Engine, folder: Path) -> Known:
    """Read the images that a model was trained with from the image store.

    Args:
        config: The deployment.
        engine: The database.
        folder: The model folder.

    Raises:
        CommandError: The model was not trained here.
        InputError: It was not trained with kept images.
        FileError: An image is missing or cannot be read.
    """
    served = load(folder, THREADS)
    with reading(engine) as session:
        images = images_of(session, folder.name)
    if not images:
        raise InputError(
            f"model {folder.name[:12]} was not trained with images of the record; say with"
            " --data DIR or --simulated N what it was trained with"
        )
    card = served.card
    plots = ", ".join(card.plots)
    pixels = read_images(config, plots, images, card.preprocessing, card.input_shape)
    runs = np.array([one.run for one in images], np.int64)
    return Known(pixels, runs, held_out(runs, card.validation_runs))


def held_out(runs: NDArray[np.int64], validation: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell which images are of runs that only validated a model."""
    return np.asarray(np.isin(runs, np.array(validation, np.int64)))


def fit_novelty(
    engine: Engine, folder: Path, known: Known, who: Actor, step: Step = lambda _: None
) -> Made:
    """Describe what a model was trained with; its plots tell novelty from then on.

    Args:
        engine: The database.
        folder: The folder of a registered model.
        known: What it was trained with.
        who: Who, from where and why.
        step: Told how many images are embedded.

    Raises:
        InputError: There are too few images or runs, or the model gives no embedding.
        ModelError: The folder is not what its name says.
        CommandError: The model is not registered.
    """
    with need_training():
        from pipeline.vision.novelty_fitting import fit
    served = load(folder, THREADS)
    if not served.card.embedding_size:
        raise InputError(f"model {folder.name[:12]} gives no embedding, and so no novelty")
    found = fit(
        embed(served, known.images, step),
        known.runs,
        known.held_out,
        coarse_images(known.images),
    )
    data = to_bytes(found.description, folder.name)
    sha256 = hashlib.sha256(data).hexdigest()
    # The file first: the record must not name one that is not there.
    part = folder / f".{file_name(sha256)}.part"
    try:
        part.write_bytes(data)
        part.rename(folder / file_name(sha256))
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(
            f"cannot write into {folder}: {error.strerror}; make room, then"
            " 'hydra-ioc novelty fit PLOT'"
        ) from error
    with writing(engine) as session:
        model = find(session, folder.name)
        add_novelty(session, who, model, sha256, images=found.images, calibrated=found.calibrated)
    return Made(sha256, found.images, found.calibrated, found.crossed)


def embed(served: ServedModel, images: NDArray[np.uint8], step: Step) -> NDArray[np.float32]:
    """Give the embeddings (N, D) of images (N, H, W, 3)."""
    parts = []
    for first in range(0, len(images), BATCH):
        batch = images[first : first + BATCH]
        parts.append(served.run(batch, maps=False).embedding)
        step(len(batch))
    return np.concatenate(parts)
