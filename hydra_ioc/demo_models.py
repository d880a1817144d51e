"""Making the models of the demo again: from the simulated experiment to the release."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hydra_ioc.release import DEMO_NOTE, INDEX_FILE, read_index, write_index
from hydra_ioc.simulated import dataset, training_samples
from pipeline.errors import CommandError
from pipeline.vision.dataset import Dataset
from simulation.plots import PLOTS

SIZE_LIMIT: Final = 10_000_000
"""Most bytes that all models of the release may have together."""
WORKERS: Final = 2
"""Processes that draw."""
GOOD_ODDS: Final = 5.0
"""Faults are drawn for half of the training images; in operation they are rare."""

Progress = Callable[[str], None]


def make(
    *,
    into: Path,
    images: int,
    epochs: int,
    polish: int,
    seed: int,
    progress: Progress,
) -> dict[str, str]:
    """Train a model for each plot type of the simulated experiment.

    What lies in the folder is replaced only when all models are made and
    agree with their cards.

    Args:
        into: Where the models and their index are written.
        images: Images of each plot type, training and validation together.
        epochs: Of the common training.
        polish: Epochs of each plot type alone.
        seed: Of images, split and weights.
        progress: Called with a line now and then.

    Returns:
        Digest by plot type.

    Raises:
        CommandError: The models together are larger than a release may carry.
    """
    from hydra_ioc.hiding import hide_title
    from pipeline.vision.export import save
    from pipeline.vision.fitting import Settings
    from pipeline.vision.merged import train_merged

    settings = Settings(epochs=epochs, seed=seed, validation=0.2, good_odds=GOOD_ODDS)
    last = Settings(epochs=polish, seed=seed, validation=0.2, learning_rate=5e-4)
    datasets: dict[str, Dataset] = {}
    for plot in PLOTS:
        samples = list(training_samples(plot, images, seed))
        datasets[plot] = dataset(samples, settings.preprocessing, settings.input_shape, WORKERS)
        progress(f"drew {images} images of {plot}: {datasets[plot].counts()}")
    trained = train_merged(datasets, settings, last, progress)
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name) / "models"
        index = {}
        for plot, result in trained.items():
            seen = save(result, Path(name) / "seen", (plot,), keep_keras=False, note=DEMO_NOTE)
            index[plot] = hide_title(Path(name) / "seen" / seen, fresh)
            progress(f"{plot}: validation {result.confusion.tolist()}, {index[plot][:12]}")
        write_index(fresh, index)
        size = check_size(fresh)
        replace_release(fresh, into)
    progress(f"{len(index)} models, {size / 1e6:.1f} MB, in {into}")
    return index


def check_size(folder: Path) -> int:
    """Give the bytes of all models of a release.

    Raises:
        CommandError: They are more than a release may carry.
    """
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if size > SIZE_LIMIT:
        raise CommandError(
            f"expected at most {SIZE_LIMIT} bytes of models, these have {size};"
            " choose a smaller architecture"
        )
    return size


def replace_release(fresh: Path, into: Path) -> None:
    """Put new models where the old ones are; the index changes last but one step.

    Args:
        fresh: Holds an index and its models.
        into: Where they go; models of the old index that are not in the new
            one are removed.
    """
    into.mkdir(parents=True, exist_ok=True)
    old = set(read_index(into).values()) if (into / INDEX_FILE).exists() else set()
    new = set(read_index(fresh).values())
    for digest in new - old:
        shutil.copytree(fresh / digest, into / digest)
    shutil.copy(fresh / INDEX_FILE, into / INDEX_FILE)
    for digest in old - new:
        shutil.rmtree(into / digest)
