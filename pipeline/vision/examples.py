"""What the body of a net learns from: fields of the front, made when they are asked for.

Needs the training extra (TensorFlow); serving never imports this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.vision.architectures import Network
from pipeline.vision.dataset import Dataset

FRONT_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of images, none of which are kept: the images take half of their memory."""

    fronts: tuple[keras.Model, ...]
    """Fixed; nothing in them learns by gradient."""
    images: tuple[NDArray[np.uint8], ...]
    """(N, H, W, 3) for each front; not copied."""
    places: NDArray[np.int64]
    """(M, 2) front and image of each field."""

    def take(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        """Make the fields (K, h, w, c) of the given indices.

        They are rounded to half precision.
        """
        fields: NDArray[np.float32] | None = None
        for number in np.unique(self.places[chosen, 0]):
            mine = np.flatnonzero(self.places[chosen, 0] == number)
            images = self.images[number][self.places[chosen[mine], 1]]
            made = front_fields(self.fronts[number], images)
            if fields is None:
                fields = np.empty((len(chosen), *made.shape[1:]), np.float32)
            fields[mine] = made
        if fields is None:
            shape = self.fronts[0].output.shape[1:]
            return np.empty((0, *shape), np.float32)
        return fields


def front_fields(front: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Run a fixed front over images.

    Args:
        front: Of a network, its baseline adapted.
        images: (N, H, W, 3) uint8.

    Returns:
        What the body learns from, as float16.
    """
    fields = np.empty((len(images), *front.output.shape[1:]), np.float16)
    for first in range(0, len(images), FRONT_BATCH):
        batch = images[first : first + FRONT_BATCH]
        fields[first : first + len(batch)] = front(batch).numpy()
    return fields


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples of one step."""

    fields: NDArray[np.float32]
    """(K, h, w, c)."""
    truth: NDArray[np.int64]
    """(K,)."""
    regions: NDArray[np.float32]
    """(K, C, h, w) like the maps: 1 where the heat of a label should be; all 0 when that
    is unknown."""


@dataclass(frozen=True, slots=True)
class Examples:
    """What the body learns from."""

    fields: Fields
    truth: NDArray[np.int64]
    """(N,) label of each image."""
    regions: NDArray[np.bool_]
    """(N, h, w) where the heat of its label should be; all False when that is unknown."""
    weights: NDArray[np.float32]
    """(N,) how much each image counts."""
    labels: int
    """How many labels there are."""

    def take(self, chosen: NDArray[np.int64]) -> Batch:
        """Give the examples of the given indices."""
        truth = self.truth[chosen]
        regions = np.zeros((len(chosen), self.labels, *self.regions.shape[1:]), np.float32)
        regions[np.arange(len(chosen)), truth] = self.regions[chosen]
        return Batch(self.fields.take(chosen), truth, regions)


def make_examples(network: Network, dataset: Dataset, chosen: NDArray[np.int64]) -> Examples:
    """Lay out what a network learns from.

    Args:
        network: With an adapted baseline.
        dataset: Its regions count when they fit the network's maps.
        chosen: Indices of the images, which may repeat.

    Returns:
        Examples in the order chosen.
    """
    labels, *cells = network.body.output["maps"].shape[1:]
    regions = np.zeros((len(chosen), *cells), np.bool_)
    if dataset.regions is not None and list(dataset.regions.shape[1:]) == cells:
        regions = dataset.regions[chosen]
    weights = np.ones(len(chosen), np.float32)
    if dataset.weights is not None:
        weights = dataset.weights[chosen]
    places = np.stack([np.zeros(len(chosen), np.int64), chosen], axis=1)
    fields = Fields((network.front,), (dataset.images,), places)
    return Examples(fields, dataset.truth[chosen], regions, weights, labels)


def join(parts: Sequence[Examples]) -> Examples:
    """Put the examples of several plot types behind each other."""
    places: list[NDArray[Any]] = []
    count = 0
    for part in parts:
        places.append(part.fields.places + np.array([count, 0]))
        count += len(part.fields.fronts)
    fields = Fields(
        tuple(front for part in parts for front in part.fields.fronts),
        tuple(images for part in parts for images in part.fields.images),
        np.concatenate(places),
    )
    return Examples(
        fields,
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.regions for part in parts]),
        np.concatenate([part.weights for part in parts]),
        parts[0].labels,
    )
