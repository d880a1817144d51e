"""The pretrained backbone: what an image looks like next to its references.

It serves plot types that it has never seen: one pass gives a feature map, an
embedding, and how likely each family of faults is. ONNX Runtime only.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.messages import Count, Digest, Name, Text
from pipeline.vision.card import file_digest
from pipeline.vision.reference import FIELDS, Reference, fields_of

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "backbone"
CARD_FILE: Final = "card.json"
GRAPH_FILE: Final = "backbone.onnx"
INPUT: Final = "fields"
OUTPUTS: Final = ("features", "embedding", "families")
BATCH: Final = 16
"""Images of one pass; more need more memory and are no faster."""


class BackboneCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the backbone is and how it was made."""

    v: int = 1
    name: Name
    input_shape: tuple[Count, Count, Count]
    """Height, width and channels of the images, in pixels."""
    preprocessing: Name
    map_shape: tuple[Count, Count]
    embedding_size: Count
    families: tuple[Name, ...]
    """Families of faults, the harmless ones first."""
    harmless: Count
    """How many of them are no fault."""
    made_by: dict[str, Any]
    """The configuration of the pretraining."""
    found: Text
    """What the last check on unseen species said."""
    created: str
    """ISO 8601, UTC."""
    versions: dict[str, str]
    sha256: Digest
    """Of the graph's file."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a backbone makes of images."""

    features: NDArray[np.float32]
    """(N, h, w, K), at least 0."""
    embedding: NDArray[np.float32]
    """(N, K): means of the feature maps."""
    families: NDArray[np.float32]
    """(N, F): logits of the families of faults."""


class Backbone:
    """A loaded backbone."""

    def __init__(self, card: BackboneCard, graph: Path, threads: int) -> None:
        """Load the graph; use ``load``."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{graph} cannot be loaded: {error}") from error
        self.card = card
        self.graph = graph

    def see(self, views: NDArray[np.uint8], reference: Reference) -> Seen:
        """Look at images next to the references of their plot type.

        Args:
            views: (N, h, w, 5) uint8, from ``pipeline.vision.reference.views_of``.
            reference: Of that plot type.

        Returns:
            What the backbone makes of them, in the same order.
        """
        parts = [
            self.look(fields_of(views[first : first + BATCH], reference))
            for first in range(0, len(views), BATCH)
        ]
        return Seen(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.embedding for part in parts]),
            np.concatenate([part.families for part in parts]),
        )

    def look(self, fields: NDArray[np.float32]) -> Seen:
        """Look at fields (N, h, w, 9) of ``pipeline.vision.reference.fields_of``, in one pass."""
        return Seen(*self._session.run(OUTPUTS, {INPUT: fields}))

    def anomaly(self, seen: Seen) -> NDArray[np.float32]:
        """Give the logit of "some fault" of each image, (N,)."""
        logits, harmless = seen.families, self.card.harmless
        wide = np.exp(logits - logits.max(axis=1, keepdims=True))
        bad, fine = wide[:, harmless:].sum(axis=1), wide[:, :harmless].sum(axis=1)
        return np.asarray(np.log(bad) - np.log(fine), np.float32)


def load(folder: Path = FOLDER, threads: int = 1) -> Backbone:
    """Load a backbone after proving that it matches its card.

    Args:
        folder: Holds ``card.json`` and ``backbone.onnx``.
        threads: Inference threads.

    Raises:
        ModelError: There is none, or the graph is not the card's.
    """
    path = folder / CARD_FILE
    try:
        card = msgspec.json.decode(path.read_bytes(), type=BackboneCard)
    except OSError as error:
        raise ModelError(f"expected the card of a backbone at {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not the card of a backbone: {error}") from error
    graph = folder / GRAPH_FILE
    if (found := file_digest(graph)) != card.sha256:
        raise ModelError(
            f"{graph} does not match its card: expected SHA-256 {card.sha256}, found {found};"
            " install the release again"
        )
    backbone = Backbone(card, graph, threads)
    height, width, _ = card.input_shape
    wanted = [height // 2, width // 2, FIELDS]
    shape = backbone._session.get_inputs()[0].shape[1:]  # noqa: SLF001 - made here
    if shape != wanted:
        raise ModelError(f"expected a graph of fields {wanted}, found {shape}")
    return backbone


@cache
def shipped() -> Backbone:
    """Give the backbone of this release, loaded once."""
    return load()
