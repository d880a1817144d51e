"""The pictures of references, for whoever asks for a snapshot."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pipeline.config import Config
from pipeline.keeper.publisher import Parts
from pipeline.messages import PlotEntry, ReferencePicture, encode

logger = logging.getLogger(__name__)

FILE: Final = "typical.jpg"
"""In the model folder that was made of the references."""
LIMIT: Final = 8_000_000
"""Largest picture, in bytes."""
JPEG: Final = b"\xff\xd8"
"""How a JPEG begins.

Source:
    ITU-T T.81, table B.1: SOI.
"""


def reference_pictures(config: Config, entries: Iterable[PlotEntry]) -> Iterator[Parts]:
    """Give the messages with the pictures of all references in force.

    Args:
        config: The deployment.
        entries: All plots.

    Yields:
        One for each plot with references; its frame is empty where there is no
        picture, as of references of earlier releases.
    """
    store = config.under_state(config.predict.models)
    for entry in entries:
        references = entry.similarity
        if references is not None:
            picture = _read(store / references.digest / FILE) if references.typical else b""
            yield encode(ReferencePicture(plot=entry.name, set_id=references.set_id), [picture])


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        logger.warning("stage=Keeper event=no-reference-picture reason=%r", str(error))
        return b""
    if not data.startswith(JPEG) or len(data) > LIMIT:
        logger.warning("stage=Keeper event=no-reference-picture file=%s reason='no JPEG'", path)
        return b""
    return data
