"""Giving models of a release the maps of today, without training them again."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from hydra_ioc.demo_models import check_size, replace_release
from hydra_ioc.release import read_index, write_index
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
    with tempfile.TemporaryDirectory(prefix="hy") as name:
        fresh = Path(name)
        index = {}
        for plot, digest in read_index(source).items():
            index[plot] = _point(source / digest, fresh)
            same = "was so already" if index[plot] == digest else f"now {index[plot][:12]}"
            progress(f"{plot}: {digest[:12]} {same}")
        write_index(fresh, index)
        check_size(fresh)
        replace_release(fresh, into)
    return index


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
