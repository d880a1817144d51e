"""The labelled images of the record as a data set for training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.training_queries import Labelled
from pipeline.config import Config
from pipeline.errors import FileError, InputError, LabelError
from pipeline.keeper.imagestore import ImageStore
from pipeline.messages import Shape
from pipeline.vision.dataset import FREE, TRAINING, VALIDATION, Dataset
from pipeline.vision.preprocess import decode, prepare

SHOWN = 10
"""Images that an error lists."""


def dataset_of(
    config: Config, plot: str, images: Sequence[Labelled], preprocessing: str, shape: Shape
) -> Dataset:
    """Read kept images from the image store.

    Args:
        config: The deployment.
        plot: Name of the plot type, for what is said.
        images: From the record.
        preprocessing: Name in ``pipeline.vision.preprocess``.
        shape: Height, width and channels of the model's input.

    Returns:
        The images in the order given, Good first among the labels.

    Raises:
        InputError: No image is labelled.
        LabelError: All of them have one label.
        FileError: Lists the images that are missing or cannot be read.
    """
    if not images:
        raise InputError(
            f"no image of plot {plot} is labelled; label some with 'hydra-ioc labels import FILE'"
        )
    found = {one.label for one in images}
    labels = tuple(sorted(found, key=lambda label: (label != "Good", label)))
    if len(labels) < 2:
        raise LabelError(
            f"expected images of at least 2 labels, all {len(images)} of plot {plot} are"
            f" {labels[0]!r}; a model that knows one label cannot judge: label examples of another,"
            " or judge by references, which need Good images only"
        )
    pixels = read_images(config, plot, images, preprocessing, shape)
    return Dataset(
        pixels,
        np.array([labels.index(one.label) for one in images], np.int64),
        np.array([one.run for one in images], np.int64),
        labels,
        tuple(one.sha256 for one in images),
        pinned=np.array([_pin(one) for one in images], np.int8),
        weights=np.array([max(one.weight, 1) for one in images], np.float32),
    )


def read_images(
    config: Config, plot: str, images: Sequence[Labelled], preprocessing: str, shape: Shape
) -> NDArray[np.uint8]:
    """Decode and prepare kept images; arguments as of ``dataset_of``.

    Returns:
        (N, H, W, C).

    Raises:
        FileError: Lists the images that are missing or cannot be read.
    """
    store = ImageStore(config.under_state(config.keeper.images))
    pixels, faults = np.empty((len(images), *shape), np.uint8), []
    for place, one in enumerate(images):
        path = store.path(one.sha256, one.file_type)
        try:
            decoded = decode(path.read_bytes(), config.input.max_pixels)
            pixels[place] = prepare(decoded, preprocessing, shape)
        except (FileError, OSError) as error:
            faults.append(_told(one, path, error))
    if faults:
        rest = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        text = f"{len(faults)} of {len(images)} labelled images of plot {plot} cannot be read"
        lines = [f"{text}; label them Ignore, or restore them:", *faults[:SHOWN], *rest]
        raise FileError("unreadable", "\n  ".join(lines))
    return pixels


def _pin(image: Labelled) -> int:
    if image.forced_validation or image.weight == 0:
        return VALIDATION
    return TRAINING if image.forced_training else FREE


def _told(image: Labelled, path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{image.sha256[:16]} (run {image.run} chunk {image.chunk}, {path.name}): {reason}"
