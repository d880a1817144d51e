"""From reference images to a folder of the model store.

Needs the training extra (onnx).
"""

import hashlib
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError, ModelError
from pipeline.vision.backbone import FOLDER, GRAPH_FILE, Backbone, shipped
from pipeline.vision.card import MODEL_FILE, Metrics, ModelCard
from pipeline.vision.looks import looks_at
from pipeline.vision.normal import mean_of, write_normal
from pipeline.vision.packing import pack
from pipeline.vision.reference import views_of
from pipeline.vision.similarity import Similarity, fit

ARCHITECTURE: Final = "references"
PREPROCESSING: Final = "area-rgb"
INPUT_SHAPE: Final = (240, 320, 3)
PICTURE_FILE: Final = "typical.jpg"
"""The most typical reference, as the screens show it beside the image of now."""
TOLERANCE: Final = 5e-3
"""Largest difference between the graph and the numbers it was made of."""
PACKAGES: Final = ("onnx", "onnxruntime", "numpy")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model folder made of references."""

    digest: str
    labels: tuple[str, ...]
    input_shape: tuple[int, int, int]
    preprocessing: str
    with_backbone: bool
    typical: str
    """SHA-256 of the image nearest to the mean of all."""


def backbone_for(shape: tuple[int, int, int]) -> Backbone | None:
    """Give the shipped backbone; None where none is shipped or it has another input.

    Raises:
        ModelError: There is one, but it is broken.
    """
    if not (FOLDER / GRAPH_FILE).exists():
        return None
    backbone = shipped()
    return backbone if tuple(backbone.card.input_shape) == tuple(shape) else None


def compile_references(
    tensors: Mapping[str, NDArray[np.uint8]],
    runs: Mapping[str, int],
    store: Path,
    plot: str,
    *,
    preprocessing: str = PREPROCESSING,
    backbone: Backbone | None = None,
    picture: Callable[[str], bytes] | None = None,
) -> Compiled:
    """Make a model folder of reference images.

    Args:
        tensors: Prepared images (H, W, 3) uint8 by SHA-256 of their files.
        runs: Run by SHA-256, -1 where unknown.
        store: The model store.
        plot: Name of the plot type.
        preprocessing: How the images were prepared.
        backbone: Adds its look; None goes without.
        picture: Gives an image as a JPEG for the screens; None leaves it out.

    Returns:
        What the folder is.

    Raises:
        InputError: There is no image, or the images differ in size.
        ModelError: The graph does not give what it was made of.
    """
    from pipeline.vision.graft_similarity import LABELS, graft_similarity, sizes

    keys, images = _ordered(tensors)
    shape: Any = images[0].shape
    views = np.stack([views_of(image) for image in images])
    similarity = fit(views, backbone, np.array([runs.get(key, -1) for key in keys], np.int64))
    graph = graft_similarity(similarity, backbone)
    _prove(graph, np.stack(images), _expected(similarity, views, backbone))
    map_shape, size = sizes(similarity, backbone)
    typical = keys[_nearest_to_mean(np.stack(images))]

    def write(folder: Path) -> None:
        _write(folder, graph, np.stack(images), picture(typical) if picture else b"")

    def card(files: dict[str, str]) -> ModelCard:
        return ModelCard(
            name=f"references {plot}"[:200],
            plots=(plot,),
            input_shape=shape,
            preprocessing=preprocessing,
            map_shape=map_shape,
            embedding_size=size,
            training_runs=tuple(sorted({run for run in runs.values() if run >= 0})),
            training_counts={LABELS[0]: len(keys), LABELS[1]: 0},
            training_set=hashlib.sha256("\n".join(keys).encode()).hexdigest(),
            note=f"backbone {backbone.card.sha256}" if backbone else "without a backbone",
            files=files,
            **_same(LABELS),
        )

    digest = pack(store, write, card)
    return Compiled(digest, LABELS, shape, preprocessing, backbone is not None, typical)


def _nearest_to_mean(images: NDArray[np.uint8]) -> int:
    """Give which of images (N, H, W, 3) is the most typical one."""
    mean = images.mean(axis=0, dtype=np.float32)
    return int(np.argmin([float(((one - mean) ** 2).mean()) for one in images]))


def _ordered(
    tensors: Mapping[str, NDArray[np.uint8]],
) -> tuple[list[str], list[NDArray[np.uint8]]]:
    keys = sorted(tensors)
    if not keys:
        raise InputError("expected at least one reference image, received none")
    images = [tensors[key] for key in keys]
    if len({image.shape for image in images}) != 1:
        raise InputError(f"expected images of one size, received {[i.shape for i in images]}")
    return keys, images


def _same(labels: tuple[str, ...]) -> dict[str, Any]:
    """Give what the cards of all references say alike."""
    return {
        "architecture": ARCHITECTURE,
        "labels": labels,
        "thresholds": dict.fromkeys(labels, 0.5),
        "validation_runs": (),
        "metrics": Metrics(confusion=((0, 0), (0, 0)), loss=0.0, epochs=0),
        "seed": 0,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
    }


def _write(folder: Path, graph: bytes, images: NDArray[np.uint8], picture: bytes) -> None:
    (folder / MODEL_FILE).write_bytes(graph)
    if picture:
        (folder / PICTURE_FILE).write_bytes(picture)
    write_normal(folder, mean_of(images))


def _expected(
    similarity: Similarity, views: NDArray[np.uint8], backbone: Backbone | None
) -> NDArray[np.float32]:
    return similarity.of(similarity.surprise(looks_at(views, similarity.gallery, backbone)))


def _prove(graph: bytes, images: NDArray[np.uint8], expected: NDArray[np.float32]) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found = np.concatenate(
        [session.run(["probabilities"], {"image": one[None]})[0][:, 0] for one in images]
    )
    apart = float(np.abs(found - expected).max())
    if not apart <= TOLERANCE:
        raise ModelError(
            f"the graph of the references gives other similarities: expected a difference of at"
            f" most {TOLERANCE}, found {apart:.2g}"
        )
