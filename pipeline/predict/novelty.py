"""How novel an image is, told beside what its model says of it."""

import logging
from pathlib import Path
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from pipeline.errors import InputError, ModelError
from pipeline.messages import ModelRef, Report
from pipeline.predict.reports import Part
from pipeline.vision.novelty import Description, read_description
from pipeline.vision.novelty_pixels import coarse_images

logger = logging.getLogger(__name__)

MOST: Final = 500
"""Descriptions that are remembered; a plot has one."""


class Novelties:
    """Reads the descriptions beside the cards, each once."""

    def __init__(self, store: Path) -> None:
        """Begin without any.

        Args:
            store: The model store.
        """
        self._store = store
        self._known: dict[tuple[str, str], Description | None] = {}

    def told(
        self,
        answer: tuple[Report, list[Part]],
        embedding: NDArray[np.float32],
        image: NDArray[np.uint8],
    ) -> tuple[Report, list[Part]]:
        """Put how novel an image is into its report.

        Args:
            answer: Report and frames.
            embedding: (D,) of the image.
            image: (H, W, C) as the model got it, masks applied.

        Returns:
            The same where the model has no description, or one that cannot be used:
            that is logged once, and the verdict stands without it.
        """
        report, frames = answer
        model = report.order.plot.model
        if model is None or not model.novelty:
            return answer
        description = self._find(model)
        if description is None:
            return answer
        if len(embedding) != len(description.centre):
            self._spoil(
                model,
                f"it describes {len(description.centre)} numbers, the embedding has"
                f" {len(embedding)}",
            )
            return answer
        coarse = coarse_images(image[None]) if description.pixels is not None else None
        try:
            chance = float(description.chance(embedding[None], coarse)[0])
        except InputError as error:
            self._spoil(model, str(error))
            return answer
        return replace(report, novelty=chance), frames

    def _find(self, model: ModelRef) -> Description | None:
        key = (model.digest, model.novelty)
        if key not in self._known:
            if len(self._known) >= MOST:
                self._known.clear()
            try:
                self._known[key] = read_description(self._store / model.digest, model.novelty)
            except ModelError as error:
                self._spoil(model, str(error))
        return self._known[key]

    def _spoil(self, model: ModelRef, fault: str) -> None:
        logger.error("stage=Predict event=no-novelty model=%s reason=%r", model.digest, fault)
        self._known[model.digest, model.novelty] = None
