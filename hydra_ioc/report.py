"""What a training report says: gathered from the model folder and the record."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hydra_ioc.report_cells import cells_of, kept
from hydra_ioc.report_figures import heated, learning, reliability_diagram, threshold_curves
from hydra_ioc.report_page import Mistake, Report
from pipeline.config import Config
from pipeline.errors import FileError, ModelError
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.calibration import BINS, calibration_error, reliability
from pipeline.vision.card import REGRESSION, ModelCard, verify
from pipeline.vision.evaluation import Rate
from pipeline.vision.judged import JudgedImage, read_judged
from pipeline.vision.preprocess import decode, prepare
from pipeline.vision.serving import ServedModel, load
from pipeline.vision.thresholds import curves

logger = logging.getLogger(__name__)

SHOWN: Final = 200
"""Most mistakes that a page shows with their picture."""


def make_report(config: Config, folder: Path, file_types: Sequence[str] = ("png",)) -> Report:
    """Gather a report.

    Args:
        config: The deployment, for its image store.
        folder: The model folder.
        file_types: Of the plot types, for the names in the image store.

    Raises:
        ModelError: The folder is not what its name says, or holds no judged images.
    """
    card = verify(folder)
    if card.kind == REGRESSION:
        raise ModelError(
            f"model {folder.name[:12]} gives a number: a report shows labels that were judged"
            f" wrongly; 'hydra-ioc models show {folder.name[:12]}' tells its error"
        )
    judged = read_judged(folder, card)
    if judged is None or not judged.images:
        raise ModelError(
            f"model {folder.name[:12]} brings no judged images; it was made by another release"
            " or imported: train it again for a report"
        )
    held_out = [one for one in judged.images if one.purpose != "train"]
    weights = np.array([one.weights for one in held_out])
    truth = np.array([card.labels.index(one.label) for one in held_out], np.int64)
    bins = reliability(weights, truth)
    figures = [("learning curves", learning(judged.curves))] if judged.curves else []
    figures += [
        (f"threshold of {label}", threshold_curves(label, found, card.thresholds[label]))
        for index, label in enumerate(card.labels)
        for found in [curves(weights[:, index], truth == index)]
    ]
    figures.append(("reliability", reliability_diagram(bins)))
    right = Rate(int((weights.argmax(axis=1) == truth).sum()), len(truth))
    return Report(
        digest=folder.name,
        title=f"Training report: {card.name}",
        facts=_facts(card, right, calibration_error(bins)),
        labels=card.labels,
        cells=cells_of(config, card, judged.images, file_types),
        mistakes=_mistakes(config, card, folder, held_out, file_types),
        figures=tuple(figures),
    )


def _facts(card: ModelCard, right: Rate, error: float) -> tuple[tuple[str, str], ...]:
    counts = ", ".join(f"{label} {count}" for label, count in card.training_counts.items())
    held_out = f"{len(card.validation_runs)} runs held out"
    way = held_out if card.validation_runs else "every run judged by a model fitted without it"
    return (
        ("model", card.architecture),
        ("plots", ", ".join(card.plots)),
        *((("made", card.created),) if card.created else ()),
        ("training images", counts),
        ("runs", f"{len(card.training_runs)}; {way}"),
        ("data set", card.training_set),
        ("judged right", str(right)),
        ("calibration error", f"{error:.4f} ({BINS} bins, {right.total} images)"),
        ("calibration", _calibration(card)),
        ("thresholds", ", ".join(f"{k} {v:.2f}" for k, v in card.thresholds.items())),
        ("seed", str(card.seed)),
        ("parent", card.parent or "none"),
        ("versions", ", ".join(f"{k} {v}" for k, v in card.versions.items())),
        ("note", card.note or "none"),
    )


def _calibration(card: ModelCard) -> str:
    if card.temperature is None or card.calibration_error is None:
        return "none"
    measured = "" if card.calibration_images is None else f", {card.calibration_images} images"
    return (
        f"logits divided by {card.temperature:.3f}; error on runs that the divisor was not fitted"
        f" to {card.calibration_error:.4f}{measured}"
    )


def _mistakes(
    config: Config, card: ModelCard, folder: Path, images: list[JudgedImage], types: Sequence[str]
) -> tuple[Mistake, ...]:
    wrong = [one for one in images if card.labels[int(np.argmax(one.weights))] != one.label]
    wrong.sort(key=lambda one: -max(one.weights))
    model = load(folder) if wrong else None
    store = ImageStore(config.under_state(config.keeper.images))
    found = []
    for number, one in enumerate(wrong):
        path = kept(store, one.name, types)
        shown = model is not None and path is not None and number < SHOWN
        picture = _picture(path, model, config, one) if shown and path and model else ""
        found.append(_mistake(one, card, path, picture))
    return tuple(found)


def _picture(path: Path, model: ServedModel, config: Config, one: JudgedImage) -> str:
    card = model.card
    try:
        pixels = decode(path.read_bytes(), config.input.max_pixels)
        tensor = prepare(pixels, card.preprocessing, card.input_shape)
    except (FileError, OSError) as error:
        logger.warning("event=no-picture image=%s text=%r", one.name, str(error))
        return ""
    return heated(pixels, model.run(tensor[None]).maps[0, int(np.argmax(one.weights))])


def _mistake(one: JudgedImage, card: ModelCard, path: Path | None, picture: str) -> Mistake:
    index = int(np.argmax(one.weights))
    return Mistake(
        name=one.name,
        run=one.run,
        label=one.label,
        given=card.labels[index],
        weight=max(one.weights),
        picture=picture,
        answerable=path is not None,
    )
