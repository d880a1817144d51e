"""Putting a model folder into the store: whole and proven, or not at all."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import InputError, ModelError
from pipeline.vision.card import CARD_FILE, ModelCard, file_digest, verify, write_card


def pack(
    store: Path, write: Callable[[Path], None], card: Callable[[dict[str, str]], ModelCard]
) -> str:
    """Write a model folder; it gets its name only when card and files agree.

    Args:
        store: The model store, made if need be.
        write: Writes all files but the card into a folder.
        card: Makes the card from the SHA-256 of each file by name.

    Returns:
        The digest: name of the folder in the store.

    Raises:
        InputError: The disk refuses.
        ModelError: Card and files contradict each other.
    """
    try:
        target = _packed(store, write, card)
    except OSError as error:
        raise InputError(
            f"cannot write the model into {store}: {error.strerror or error}; make room, or give"
            " the right to write, and do the same again: nothing half-written is left"
        ) from error
    verify(target)
    return target.name


def _packed(
    store: Path, write: Callable[[Path], None], card: Callable[[dict[str, str]], ModelCard]
) -> Path:
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=store) as name:
        folder = Path(name) / "model"
        folder.mkdir()
        write(folder)
        files = sorted(path.name for path in folder.iterdir() if path.name != CARD_FILE)
        digest = write_card(folder, card({name: file_digest(folder / name) for name in files}))
        target = store / digest
        # One that is whole may be in use, and more may lie beside its card.
        if not _whole(target):
            if target.exists():
                shutil.rmtree(target)
            folder.rename(target)
    return target


def _whole(folder: Path) -> bool:
    """Say whether a model folder is there and is what its name says."""
    try:
        verify(folder)
    except ModelError:
        return False
    return True
