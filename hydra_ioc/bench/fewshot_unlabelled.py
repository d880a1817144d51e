"""What is found without a single Bad example: areas under the ROC curve."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hydra_ioc.bench.fewshot_tasks import GOOD, Indices, Task
from pipeline.vision.backbone import Backbone
from pipeline.vision.fewshot import all_views
from pipeline.vision.reference import Sums

REFERENCES: Final = 20
"""Good images that the others are compared with."""
PIXELS: Final = (24, 32)
"""Height and width at which pixels are compared."""
Scores = NDArray[np.float64]


def areas(
    backbone: Backbone, task: Task, pool: Indices, test: Indices, repeat: int
) -> dict[str, float]:
    """Score the test images against Good images of the pool.

    Args:
        backbone: What compares them.
        task: The plot type.
        pool: Where the references come from.
        test: Images to score.
        repeat: Makes the same choice again.

    Returns:
        Area under the ROC curve by score, of all labels but Good against Good,
        and by score and label where there are several.
    """
    from sklearn.metrics import roc_auc_score

    truth, labels = task.images.truth, task.images.labels
    good = labels.index(GOOD)
    chosen = task.choose(pool[truth[pool] == good], REFERENCES, repeat)
    references, images = task.images.images[chosen], task.images.images[test]
    others = [index for index in range(len(labels)) if index != good]
    found = {}
    for name, scores in _scores(backbone, references, images).items():
        found[name] = float(roc_auc_score(truth[test] != good, scores))
        for label in others if len(others) > 1 else []:
            kept = np.isin(truth[test], (good, label))
            area = roc_auc_score(truth[test][kept] == label, scores[kept])
            found[f"{name}: {labels[label]}"] = float(area)
    return found


def _scores(
    backbone: Backbone, references: NDArray[np.uint8], images: NDArray[np.uint8]
) -> dict[str, Scores]:
    views = all_views(references)
    sums = Sums(views)
    seen = backbone.see(all_views(images), sums.reference())
    own = np.concatenate(
        [
            backbone.see(views[index : index + 1], sums.reference(without=index)).embedding
            for index in range(len(views))
        ]
    )
    return {
        "backbone": backbone.anomaly(seen).astype(np.float64),
        "embedding": _nearest(_rooted(own), _rooted(seen.embedding)),
        "pixels": _nearest(_small(references), _small(images)),
    }


def _rooted(embedding: NDArray[np.float32]) -> Scores:
    return np.sqrt(np.maximum(embedding, 0.0)).astype(np.float64)


def _small(images: NDArray[np.uint8]) -> Scores:
    height, width = PIXELS
    small = [cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in images]
    return np.stack(small).reshape(len(images), -1).astype(np.float64)


def _nearest(known: Scores, others: Scores) -> Scores:
    """Give the distance of each to the nearest known one."""
    squares = ((others[:, None] - known[None]) ** 2).sum(axis=-1)
    return np.asarray(np.sqrt(squares.min(axis=1)), np.float64)
