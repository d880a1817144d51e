"""What a few-shot head weighs, and the head itself.

Beside the mean of each feature of the backbone: its peak, for a fault of a few
pixels is lost in a mean; where the image departs from its references, coarsely;
and the coarse image itself, which alone tells some plot types apart. Numpy only.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.vision.backbone import Backbone
from pipeline.vision.reference import VIEWS, Reference, fields_of
from pipeline.vision.strangeness import Strangeness

DEPARTURES: Final = 20
"""Pixels of the fields, along each side, that are one coarse departure."""
PIXELS: Final = 10
"""Pixels of the views, along each side, that are one coarse pixel."""
BOUND: Final = 8.0
"""Evidence farther from its middle than this many spreads counts as this far."""
BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many numbers each kind of evidence has; they follow each other in this order."""

    means: int
    peaks: int
    departures: int
    pixels: int

    @property
    def seen(self) -> int:
        """Numbers from comparing: all but the pixels."""
        return self.means + self.peaks + self.departures

    @property
    def total(self) -> int:
        """All numbers."""
        return self.seen + self.pixels


def sizes_of(backbone: Backbone) -> Sizes:
    """Give how much evidence there is of an image."""
    height, width, _ = backbone.card.input_shape
    features = backbone.card.embedding_size

    def cells(side: int) -> int:
        return (height // 2 // side) * (width // 2 // side) * VIEWS

    return Sizes(features, features, cells(DEPARTURES), cells(PIXELS))


def evidence_of(
    backbone: Backbone, views: NDArray[np.uint8], reference: Reference
) -> NDArray[np.float32]:
    """Collect the evidence of images.

    Args:
        backbone: The backbone.
        views: (N, h, w, 5) uint8, from ``pipeline.vision.reference.views_of``.
        reference: Of their plot type.

    Returns:
        (N, E), see ``Sizes``.
    """
    parts = [
        _evidence(backbone, views[first : first + BATCH], reference)
        for first in range(0, len(views), BATCH)
    ]
    return np.concatenate(parts)


def _evidence(
    backbone: Backbone, views: NDArray[np.uint8], reference: Reference
) -> NDArray[np.float32]:
    fields = fields_of(views, reference)
    seen = backbone.look(fields)
    departures = _coarse(fields[..., :VIEWS], DEPARTURES)
    pixels = _coarse(views.astype(np.float32) / np.float32(255.0), PIXELS)
    peaks = seen.features.max(axis=(1, 2))
    return np.concatenate([seen.embedding, peaks, departures, pixels], axis=1)


def _coarse(pictures: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Average squares; gives (N, channels x rows x columns), as the grafted graph does."""
    count, height, width, channels = pictures.shape
    squares = pictures.reshape(count, height // side, side, width // side, side, channels)
    coarse = squares.mean(axis=(2, 4)).transpose(0, 3, 1, 2).reshape(count, -1)
    return np.asarray(coarse, np.float32)


@dataclass(frozen=True, slots=True)
class Head:
    """What was fitted: the rest of the model is the backbone."""

    labels: tuple[str, ...]
    reference: Reference
    middle: NDArray[np.float32]
    """(E,) taken off the evidence."""
    scale: NDArray[np.float32]
    """(E,) what is left is multiplied by this, then bounded."""
    kernel: NDArray[np.float32]
    """(E, C)."""
    bias: NDArray[np.float32]
    """(C,)."""
    strength: float
    """Inverse strength of the regularisation of the part that compares."""
    share: float
    """Weight of the part that compares against the pixels, 0 to 1."""
    strange: Strangeness | None = None
    """What colours that no reference has add; None for a head that does not look for them."""

    def logits(self, evidence: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give (N, C) from evidence (N, E) next to the reference, without strangeness."""
        bounded = np.clip((evidence - self.middle) * self.scale, -BOUND, BOUND)
        return np.asarray(bounded @ self.kernel + self.bias, np.float64)

    def judge(self, backbone: Backbone, views: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Give the logits (N, C) of images by their views (N, h, w, 5)."""
        logits = self.logits(evidence_of(backbone, views, self.reference))
        return logits if self.strange is None else logits + self.strange.logits(views)

    def cooled(self, temperature: float) -> "Head":
        """Give the head whose logits are divided by a temperature."""
        strange = self.strange
        if strange is not None:
            kernel = (strange.kernel / temperature).astype(np.float32)
            strange = replace(strange, kernel=kernel)
        return replace(
            self,
            kernel=(self.kernel / temperature).astype(np.float32),
            bias=(self.bias / temperature).astype(np.float32),
            strange=strange,
        )
