"""``hydra-ioc train``: train a model from labelled plots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.config import Config, load
from pipeline.errors import HydraError
from pipeline.messages import Shape

if TYPE_CHECKING:
    from pipeline.vision.dataset import Dataset
    from pipeline.vision.training import Trained

WORKERS = 2
TABLE = "labels.csv"


class NoTraining(HydraError):  # noqa: N818 - the name is the sentence
    """The training extra is not installed."""


class ShapeType(click.ParamType[Shape]):
    """An input size such as ``240x320``: height, width."""

    name = "HxW"

    def convert(
        self, value: str | Shape, param: click.Parameter | None, ctx: click.Context | None
    ) -> Shape:
        """Give height, width and 3 channels."""
        if isinstance(value, tuple):
            return value
        height, _, width = value.partition("x")
        if not (height.isdecimal() and width.isdecimal()):
            self.fail(f"expected height x width such as 240x320, received {value!r}", param, ctx)
        return int(height), int(width), 3


@click.command()
@click.argument("plots", nargs=-1, required=True, metavar="PLOT...")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the images that the label table names.",
)
@click.option(
    "--labels",
    "table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"CSV with the columns file, label and run; default DATA/{TABLE}.",
)
@click.option(
    "--simulated",
    type=click.IntRange(min=20, max=100_000),
    help="Train on so many drawings of the simulated experiment instead.",
)
@click.option("--architecture", default="domain-cbam", show_default=True)
@click.option(
    "--shape",
    type=ShapeType(),
    default="240x320",
    show_default=True,
    help="Input height x width in pixels, multiples of 8.",
)
@click.option("--epochs", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--validation",
    default=0.25,
    show_default=True,
    type=click.FloatRange(0.05, 0.5),
    help="Share of the runs held out.",
)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--start",
    default="",
    metavar="DIGEST",
    help="Start from a model of the store that was trained here.",
)
@click.option("--note", default="", help="For people; kept in the card.")
@click.pass_obj
def command(
    config_file: Path | None,
    *,
    plots: tuple[str, ...],
    data: Path | None,
    table: Path | None,
    simulated: int | None,
    architecture: str,
    shape: Shape,
    epochs: int,
    validation: float,
    seed: int,
    start: str,
    note: str,
) -> None:
    """Train one model for PLOT, judge the runs held out, put it into the model store.

    Several PLOTs share the model and its images. The images come from a
    folder with a label table, or from the simulated experiment (one PLOT).
    Runs are held out whole. Needs the training extra (TensorFlow).

    Example: hydra-ioc train CDC_occupancy --data plots/ --labels plots/labels.csv
    """
    config = load(config_file)
    if (data is None) == (simulated is None):
        raise click.UsageError("give one of --data DIR and --simulated N")
    if simulated is not None and (len(plots) > 1 or table is not None):
        raise click.UsageError("--simulated takes one PLOT and no --labels")
    try:
        from pipeline.vision.export import KERAS_FILE, save
        from pipeline.vision.fitting import Settings
        from pipeline.vision.training import load_body, train
    except ImportError as error:
        raise NoTraining(
            f"training needs {error.name}, which is not installed:"
            " 'make setup' installs it from the lock file"
        ) from error
    settings = Settings(
        architecture=architecture,
        input_shape=shape,
        epochs=epochs,
        validation=validation,
        seed=seed,
    )
    store = config.under_state(config.predict.models)
    body = load_body(store / start / KERAS_FILE) if start else None
    if simulated is not None:
        images = _simulated(plots[0], simulated, settings.preprocessing, shape, seed)
    elif data is not None:
        images = _labelled(config, data, table or data / TABLE, settings.preprocessing, shape)
    counts = ", ".join(f"{label} {count}" for label, count in images.counts().items())
    click.echo(f"{len(images)} images: {counts}", err=True)
    trained = train(images, settings, lambda line: click.echo(line, err=True), body)
    digest = save(trained, store, plots, parent=start, note=note)
    _report(trained, digest, plots)


def _labelled(
    config: Config, folder: Path, table: Path, preprocessing: str, shape: Shape
) -> Dataset:
    from pipeline.vision.dataset import load_labelled, read_table

    rows = read_table(folder, table, config.input.run)
    return load_labelled(rows, preprocessing, shape, config.input.max_pixels)


def _simulated(plot: str, count: int, preprocessing: str, shape: Shape, seed: int) -> Dataset:
    from hydra_ioc.simulated import dataset, training_samples

    return dataset(list(training_samples(plot, count, seed)), preprocessing, shape, WORKERS)


def _report(trained: Trained, digest: str, plots: tuple[str, ...]) -> None:
    from pipeline.vision.evaluation import Rate, balanced_accuracy

    table = trained.confusion
    click.echo(
        f"validation runs: {len(trained.validation_runs)},"
        f" training runs: {len(trained.training_runs)}"
    )
    for index, label in enumerate(trained.labels):
        rate = Rate(int(table[index, index]), int(table[index].sum()))
        given = ", ".join(
            f"{name} {int(n)}" for name, n in zip(trained.labels, table[index], strict=True)
        )
        click.echo(
            f"{label:12} recalled {rate}; judged as {given};"
            f" threshold {trained.thresholds[label]:.2f}"
        )
    right = Rate(int(table.trace()), int(table.sum()))
    click.echo(f"accuracy {right}; balanced {100 * balanced_accuracy(table):.2f} %")
    click.echo(f"model {digest}")
    click.echo(f"next: hydra-ioc plots model {plots[0]} {digest}", err=True)
