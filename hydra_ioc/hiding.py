"""Letting the models of a release see no titles."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from hydra_ioc.rework import rework_release
from hydra_ioc.titles import OF_ROWS, TITLE_ROWS
from hydra_ioc.training_extra import need_training
from pipeline.errors import ModelError
from pipeline.vision.card import MODEL_FILE, ModelCard, verify
from pipeline.vision.normal import read_normal
from pipeline.vision.packing import pack

SETTING: Final = "hidden_rows"
"""Under which a card tells how many rows its model does not see."""


def hide_release(source: Path, into: Path, progress: Callable[[str], None]) -> dict[str, str]:
    """Put what is normal in the place of the titles, inside the graphs of a release.

    Args:
        source: Holds an index and its models, of plots of the simulated experiment.
        into: Where the models go; may be the same.
        progress: Called with a line for each model.

    Returns:
        Digest by plot type.

    Raises:
        CommandError: The models together are larger than a release may carry.
        ModelError: A model does not match its card, or does not know what is normal.
    """
    return rework_release(source, into, hide_title, progress)


def hide_title(folder: Path, store: Path) -> str:
    """Make a model that does not see the title; give its digest.

    Args:
        folder: Of the model as it was trained; stays as it is.
        store: Where the new one goes.

    Raises:
        ModelError: The model does not match its card, or does not know what is normal.
    """
    with need_training():
        from pipeline.vision.hidden_rows import hide_top_rows

    card = verify(folder)
    normal = read_normal(folder, card)
    if normal is None:
        raise ModelError(f"model {folder.name[:12]} does not tell what is normal: train it again")
    rows = card.input_shape[0] * TITLE_ROWS // OF_ROWS

    def write(new: Path) -> None:
        for name in card.files:
            shutil.copy(folder / name, new / name)
        hide_top_rows(new / MODEL_FILE, normal, rows)

    def told(files: dict[str, str]) -> ModelCard:
        settings = {**card.settings, SETTING: rows}
        return msgspec.structs.replace(card, files=files, settings=settings)

    return pack(store, write, told)
