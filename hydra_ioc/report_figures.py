"""The pictures of a training report, as text that stands inside a page."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from pipeline.vision.calibration import Bin
from pipeline.vision.thresholds import STEPS, Curves

BINS = 100
"""Bins of a histogram of weights.

Source:
    Confusion matrix of the original Hydra: 100 bins from 0 to 1, logarithmic counts.
"""
TRAINING_COLOUR, HELD_OUT_COLOUR = "#9e9e9e", "#1f6fb2"


def learning(curves: Mapping[str, Sequence[float]]) -> str:
    """Draw loss and accuracy epoch by epoch."""
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    for place, word in enumerate(("loss", "accuracy")):
        axes = figure.add_subplot(1, 2, place + 1)
        for name, values in curves.items():
            if name.endswith(word):
                axes.plot(range(1, len(values) + 1), values, label=name)
        axes.set(xlabel="epoch", ylabel=word)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    return embed(figure)


def cell(
    training: NDArray[np.floating[Any]], held_out: NDArray[np.floating[Any]], threshold: float
) -> str:
    """Draw the highest weights of the images of one cell of a confusion matrix."""
    figure = Figure(figsize=(2.4, 1.5), layout="constrained")
    axes = figure.add_subplot()
    edges = np.linspace(0.0, 1.0, BINS + 1).tolist()
    if len(training):
        axes.hist(training, edges, color=TRAINING_COLOUR, label="training")
    if len(held_out):
        axes.hist(held_out, edges, color=HELD_OUT_COLOUR, alpha=0.8, label="held out")
    axes.axvline(threshold, color="#d62728", linewidth=1, linestyle="--")
    axes.set(xlim=(0, 1), yscale="log", ylim=(0.5, None))
    axes.tick_params(labelsize=6)
    axes.yaxis.set_minor_formatter(NullFormatter())
    return embed(figure)


def threshold_curves(label: str, found: Curves, threshold: float) -> str:
    """Draw precision, recall and accuracy of a label over its threshold."""
    figure = Figure(figsize=(3.2, 2.2), layout="constrained")
    axes = figure.add_subplot()
    for name in ("precision", "recall", "accuracy"):
        axes.plot(STEPS, getattr(found, name), label=name)
    axes.axvline(threshold, color="#d62728", linewidth=1, linestyle="--")
    axes.set(title=label, xlabel="threshold", xlim=(0, 1), ylim=(0, 1.03))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    return embed(figure)


def reliability_diagram(bins: Sequence[Bin]) -> str:
    """Draw how often the model is right when it is so sure."""
    figure = Figure(figsize=(3.2, 2.8), layout="constrained")
    axes = figure.add_subplot()
    width = 1.0 / len(bins)
    places = (np.arange(len(bins)) + 0.5) * width
    axes.bar(places, [one.accuracy for one in bins], width * 0.9, color=HELD_OUT_COLOUR)
    for place, one in zip(places, bins, strict=True):
        if one.count:
            axes.text(place, 0.02, str(one.count), ha="center", fontsize=6, color="white")
    axes.plot([0, 1], [0, 1], color="#d62728", linewidth=1, linestyle="--")
    axes.set(xlabel="highest weight", ylabel="share judged right", xlim=(0, 1), ylim=(0, 1.03))
    return embed(figure)


def heated(pixels: NDArray[np.uint8], heat: NDArray[np.floating[Any]], width: int = 480) -> str:
    """Give an image with the activation map of the given label drawn as contours."""
    height = round(pixels.shape[0] * width / pixels.shape[1])
    reduced = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    if heat.size and float(heat.max()) > 0:
        wide = cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        mask = (wide > 0.5 * float(wide.max())).astype(np.uint8)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(reduced, outlines, -1, (214, 39, 40), 2)
    return _jpeg(reduced, 95)


def small(pixels: NDArray[np.uint8], width: int = 200) -> str:
    """Give an image (H, W, 3) as a small inline picture, some 5 kB of a plot."""
    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    reduced = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return _jpeg(reduced, 70)


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> str:
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), flags)
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}" if done else ""


def embed(figure: Figure) -> str:
    """Give a figure as the address of an inline image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
