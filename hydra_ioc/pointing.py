"""Giving models of a release the maps of today, without training them again."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from hydra_ioc.rework import rework_release
from hydra_ioc.training_extra import need_training
from pipeline.errors import InputError
from pipeline.vision.card import CARD_FILE, MODEL_FILE, read_card, verify
from pipeline.vision.judged import JUDGED_FILE
from pipeline.vision.packing import pack

ARCHITECTURE: Final = "domain-cbam"


def point_release(source: Path, into: Path, progress: Callable[[str], None]) -> dict[str, str]:
    """Let the maps of all models of a release count where an image departs.

    Weights, probabilities and thresholds stay; cards and digests change with the graphs.
    Models whose maps do so already keep their graphs. What a training judged, image by
    image, is left out: a release has no room for it.

    Args:
        source: Holds an index and its models.
        into: Where the models go; may be the same.
        progress: Called with a line for each model.

    Returns:
        Digest by plot type.

    Raises:
        InputError: A model is of another architecture.
        CommandError: The models together are larger than a release may carry.
        ModelError: A model does not match its card.
    """
    return rework_release(source, into, _point, progress)


def _point(folder: Path, store: Path) -> str:
    with need_training():
        from pipeline.vision.pointing import point_file

    card = verify(folder)
    if card.architecture != ARCHITECTURE:
        raise InputError(
            f"expected a model of {ARCHITECTURE}, received {card.name}: few-shot models are"
            " fitted again in seconds, others have no baseline to compare with"
        )

    def write(new: Path) -> None:
        for path in folder.iterdir():
            if path.name not in (CARD_FILE, JUDGED_FILE):
                shutil.copy(path, new / path.name)
        rows, columns = card.map_shape
        point_file(new / MODEL_FILE, None, card.labels, (rows, columns))

    return pack(store, write, lambda files: msgspec.structs.replace(read_card(folder), files=files))
