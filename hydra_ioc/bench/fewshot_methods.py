"""Ways to make a classifier from a handful of labels."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.vision.backbone import Backbone
from pipeline.vision.dataset import Dataset

TINY: Final = (24, 32)
"""Height and width of a tiny image."""
STEPS: Final = {"domain-cbam": 160, "inceptionv3-cbam": 60}
"""Least steps of a training from scratch, with batches of ``BATCH``."""
LEAST_EPOCHS: Final = {"domain-cbam": 10, "inceptionv3-cbam": 4}
BATCH: Final = 8
THREADS: Final = 2
Images = NDArray[np.uint8]
Weights = NDArray[np.floating[Any]]
Judge = Callable[[Images], Weights]


@dataclass(frozen=True, slots=True)
class Method:
    """One way."""

    name: str
    fit: Callable[[Dataset, int], Judge]
    """From labelled images and a seed; the judge gives probabilities (N, C)."""
    titles: str = "kept"
    """``kept``, ``blanked`` everywhere, or ``exchanged`` among the test images."""
    on_backbone: bool = False
    """Another backbone makes its results worthless."""

    def run(self, learn: Dataset, test: Images, seed: int, title: int) -> tuple[Weights, float]:
        """Fit and judge.

        Args:
            learn: Labelled images.
            test: (N, 240, 320, 3) uint8.
            seed: Of everything random.
            title: Rows from the top that hold the title.

        Returns:
            Probabilities (N, C), and the seconds that the fit took.
        """
        if self.titles == "blanked":
            learn = replace(learn, images=_blanked(learn.images, title))
            test = _blanked(test, title)
        elif self.titles == "exchanged":
            test = _exchanged(test, seed, title)
        begun = time.monotonic()
        judge = self.fit(learn, seed)
        seconds = time.monotonic() - begun
        return judge(test), seconds


def pretrained(backbone: Backbone) -> Callable[[Dataset, int], Judge]:
    """Give the way to fit a head to a backbone."""
    from pipeline.vision.calibration import softmax
    from pipeline.vision.fewshot import all_views
    from pipeline.vision.fewshot import fit as fit_head

    def fit(learn: Dataset, seed: int) -> Judge:
        views = all_views(learn.images)
        head = fit_head(backbone, views, learn.truth, learn.runs, learn.labels, seed=seed)
        return lambda test: softmax(head.judge(backbone, all_views(test)))

    return fit


def tiny(learn: Dataset, seed: int) -> Judge:  # noqa: ARG001 - nothing is random here
    """Fit a logistic regression to grey images of 24 x 32 pixels."""
    from sklearn.linear_model import LogisticRegression

    model: Any = LogisticRegression(class_weight="balanced", max_iter=3000)
    model.fit(_shrunk(learn.images), learn.truth)
    return lambda test: np.asarray(model.predict_proba(_shrunk(test)), np.float32)


def scratch(architecture: str) -> Callable[[Dataset, int], Judge]:
    """Give the way to train a network from fresh weights, as ``hydra-ioc train`` does."""

    def fit(learn: Dataset, seed: int) -> Judge:
        import keras

        from pipeline.vision.fitting import Settings
        from pipeline.vision.training import predict, train

        keras.backend.clear_session()
        steps, least = STEPS[architecture], LEAST_EPOCHS[architecture]
        epochs = max(least, math.ceil(steps * BATCH / len(learn)))
        settings = Settings(
            architecture=architecture, epochs=epochs, batch=BATCH, seed=seed, threads=THREADS
        )
        trained = train(learn, settings, lambda _: None)
        return lambda test: predict(trained.network.model, test)

    return fit


def methods(backbone: Backbone) -> dict[str, Method]:
    """Give all ways by name.

    Args:
        backbone: What the first of them, and the tests of the title, stand on.
    """
    few = pretrained(backbone)
    listed = (
        Method("domain-pretrained", few, on_backbone=True),
        Method("tiny-logistic", tiny),
        Method("titles-blanked", few, titles="blanked", on_backbone=True),
        Method("titles-exchanged", few, titles="exchanged", on_backbone=True),
        *(Method(name, scratch(name)) for name in STEPS),
    )
    return {method.name: method for method in listed}


def _shrunk(images: Images) -> NDArray[np.float64]:
    import cv2

    height, width = TINY
    small = [cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in images]
    grey: NDArray[np.float64] = np.stack(small).mean(axis=-1, dtype=np.float64)
    return grey.reshape(len(images), -1) / 255.0


def _blanked(images: Images, title: int) -> Images:
    out = images.copy()
    out[:, :title] = 255
    return out


def _exchanged(images: Images, seed: int, title: int) -> Images:
    """Give every image the title of the next in a random round."""
    order = np.random.default_rng([seed, 3]).permutation(len(images))
    out = images.copy()
    out[order, :title] = images[np.roll(order, 1), :title]
    return out
