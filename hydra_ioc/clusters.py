"""Clusters of a plot's images: k-means on their embeddings, t-SNE for the picture.

Needs the training extra (scikit-learn, matplotlib).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

COLOURS: Final = {
    "Good": "#2e8b57",
    "Acceptable": "#9acd32",
    "Bad": "#d62728",
    "NoData": "#8b5a2b",
    "Unknown": "#7f7f7f",
}
"""Colours of labels, as the screens have them; other texts take those of matplotlib."""
FEWEST: Final = 10
"""Images below which clusters mean nothing."""
SAMPLE: Final = 2000
"""Images of which the silhouette is taken."""
DRAWN: Final = 1000
"""Images of the picture; t-SNE takes most of the time."""
MOST: Final = 12
"""Largest number of clusters that is tried."""
SEED: Final = 1
SCALE_FROM: Final = 12
"""Different numbers above which a scale shows them."""
TICKS: Final = 8
UNKNOWN: Final = "#bbbbbb"
PARTS: Final = 32
"""Principal components that are clustered; the rest is noise."""


@dataclass(frozen=True, slots=True)
class Clustering:
    """Images in clusters, the largest first."""

    members: NDArray[np.int64]
    """(N,) cluster of each image, from 0."""
    silhouette: float
    tried: dict[int, float]
    """Silhouette by number of clusters, where it was chosen."""
    reduced: NDArray[np.float32]
    """(N, at most PARTS) what was clustered."""


def cluster(vectors: NDArray[np.float32], count: int | None = None) -> Clustering:
    """Put images into clusters.

    Args:
        vectors: (N, D), embeddings of one model.
        count: How many clusters; None takes the best silhouette of 2 to 12.

    Raises:
        InputError: Too few images, or too few that differ.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.metrics import silhouette_score

    different = len(np.unique(vectors, axis=0))
    if len(vectors) < FEWEST or different < max(3, count or 0):
        raise InputError(
            f"expected {FEWEST} or more images and more different ones than clusters, received"
            f" {len(vectors)} images of which {different} differ"
        )
    spread = np.maximum(vectors.std(axis=0), 1e-6 * max(1.0, float(np.abs(vectors).max())))
    scaled = (vectors - vectors.mean(axis=0)) / spread
    reduced = PCA(min(PARTS, *scaled.shape), random_state=SEED).fit_transform(scaled)
    rng = np.random.default_rng(SEED)
    some = rng.permutation(len(reduced))[:SAMPLE]
    tried, found = {}, {}
    for number in [count] if count else range(2, min(MOST, different - 1) + 1):
        labels = KMeans(number, n_init=4, random_state=SEED).fit_predict(reduced)
        enough = 1 < len(np.unique(labels[some])) < len(some)
        tried[number] = float(silhouette_score(reduced[some], labels[some])) if enough else -1.0
        found[number] = labels
    best = max(tried, key=lambda number: tried[number])
    sizes = np.bincount(found[best], minlength=best)
    rank = np.empty(best, np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(best)
    return Clustering(rank[found[best]], tried[best], tried, reduced.astype(np.float32))


def layout(
    clustering: Clustering, progress: Callable[[str], None]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Give where at most DRAWN of the images lie in a picture.

    Args:
        clustering: From ``cluster``.
        progress: Told when images are left out.

    Returns:
        Index of the images, (M,), and t-SNE coordinates, (M, 2).

    Source:
        van der Maaten and Hinton 2008, JMLR 9, 2579.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    reduced = clustering.reduced
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(reduced))[:DRAWN])
    if len(chosen) < len(reduced):
        progress(f"the picture shows {len(chosen)} of {len(reduced)} images, chosen at random")
    perplexity = min(30.0, (len(chosen) - 1) / 3)
    made = TSNE(2, perplexity=perplexity, init="pca", random_state=SEED)
    # Threads that wait for each other by spinning take minutes where other work has the cores.
    with threadpool_limits(1):
        places = made.fit_transform(reduced[chosen])
    return chosen, np.asarray(places, np.float32)


def draw(
    file: Path,
    title: str,
    places: NDArray[np.float32],
    names: Sequence[str | float | None],
    what: str,
) -> None:
    """Draw images as points, coloured by what is said of each.

    Args:
        file: PNG to be written.
        title: Above the picture.
        places: (M, 2).
        names: M texts or few different numbers (one colour each), or many (a scale); None
            is grey.
        what: The names are, such as ``run``; beside the colours.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots()
    known = np.array([name is not None for name in names])
    if not known.all():
        axes.scatter(*places[~known].T, s=8, color=UNKNOWN, label=f"unknown ({(~known).sum()})")
    numbers = np.array([name for name in names if isinstance(name, float | int)], np.float64)
    if len(numbers) and len(np.unique(numbers)) > SCALE_FROM:
        _scale(figure, axes, places[known], numbers, what)
        if not known.all():
            axes.legend(loc="upper left", markerscale=2)
    else:
        _kinds(axes, places[known], [name for name in names if name is not None])
        axes.legend(
            title=what, loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=2, frameon=False
        )
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
    figure.savefig(file)


def _scale(
    figure: Any, axes: Any, places: NDArray[np.float32], numbers: NDArray[np.float64], what: str
) -> None:
    """Colour by rank: one run or current far from all others must not make those alike."""
    values, ranks = np.unique(numbers, return_inverse=True)
    points = axes.scatter(*places.T, s=8, c=ranks, cmap="viridis")
    ticks = np.unique(np.linspace(0, len(values) - 1, TICKS).round().astype(np.int64))
    bar = figure.colorbar(points, ax=axes, label=what)
    bar.set_ticks(ticks, labels=[f"{values[tick]:.10g}" for tick in ticks])


def _kinds(axes: Any, places: NDArray[np.float32], names: Sequence[str | float]) -> None:
    texts = np.array([f"{name:.10g}" if isinstance(name, float) else str(name) for name in names])
    for index, text in enumerate(sorted(set(texts.tolist()), key=_natural)):
        mine = texts == text
        axes.scatter(
            *places[mine].T,
            s=10,
            label=f"{text or 'none'} ({mine.sum()})",
            marker="os^Dv"[index // 10 % 5],
            color=COLOURS.get(text, f"C{index % 10}"),
        )


def _natural(text: str) -> tuple[float, str]:
    try:
        return float(text), ""
    except ValueError:
        return float("inf"), text
