"""The models of a release: a folder of model folders with an index."""

from pathlib import Path
from typing import Annotated, Final

import msgspec

from pipeline.errors import ModelError
from pipeline.messages import Digest, Name

INDEX_FILE: Final = "index.json"
INDEX_LIMIT: Final = 1_000_000
"""Largest index read, in bytes."""
DEMO_MODELS: Final = Path(__file__).resolve().parents[1] / "deploy" / "models"
"""Where the demo's models lie."""
DEMO_NOTE: Final = "Trained on the simulated experiment; comes with the release."
"""Note of every model of a release; one such model gives way to the next."""

_decoder: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(
    Annotated[dict[Name, Digest], msgspec.Meta(min_length=1, max_length=1000)]
)


def read_index(folder: Path) -> dict[str, str]:
    """Read which model judges which plot.

    Args:
        folder: Holds ``index.json`` and the model folders.

    Returns:
        Digest by plot name.

    Raises:
        ModelError: There is no index, or it is not one.
    """
    path = folder / INDEX_FILE
    try:
        with path.open("rb") as file:
            data = file.read(INDEX_LIMIT)
    except OSError as error:
        raise ModelError(f"expected an index of models at {path}: {error.strerror}") from error
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"expected {path} to hold plot names and digests: {error}") from error


def write_index(folder: Path, index: dict[str, str]) -> None:
    """Write ``index.json``: digest by plot name."""
    text = msgspec.json.format(msgspec.json.encode(index, order="sorted"), indent=2)
    (folder / INDEX_FILE).write_bytes(text + b"\n")
