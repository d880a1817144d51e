"""``hydra-ioc train``: train a model from labelled plots."""

from pathlib import Path

import click

from db.training_queries import Labelled
from hydra_ioc.record import actor, open_record
from hydra_ioc.registry import enter_model
from hydra_ioc.training import (
    PRETRAINED,
    Request,
    describe,
    from_folder,
    from_record,
    from_simulation,
    run,
)
from hydra_ioc.training_extra import need_training
from pipeline.config import Config, load
from pipeline.errors import StoreError
from pipeline.messages import Shape
from pipeline.vision.card import read_card
from pipeline.vision.sampling import METHODS

TABLE = "labels.csv"


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
@click.option(
    "--architecture",
    default=PRETRAINED,
    show_default=True,
    help="Or domain-cbam, inceptionv3-cbam, vgg16-cbam.",
)
@click.option(
    "--sampling",
    type=click.Choice(METHODS),
    default="normal",
    show_default=True,
    help="Fewer of the frequent labels, or more of the rare ones.",
)
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
    sampling: str,
    shape: Shape,
    epochs: int,
    validation: float,
    seed: int,
    start: str,
    note: str,
) -> None:
    """Train one model for PLOT, judge the runs held out, put it into the model store.

    The images are the kept ones that are labelled in the record, those of a
    folder with a label table (several PLOTs may share it), or drawings of the
    simulated experiment. Runs are held out whole. The architecture
    domain-pretrained takes seconds and a handful of labels, the others hundreds
    and minutes. Needs the training extra.

    Example: hydra-ioc train CDC_occupancy
    """
    config = load(config_file)
    if data is not None and simulated is not None:
        raise click.UsageError("give one of --data DIR and --simulated N, or neither")
    if data is None and (len(plots) > 1 or table is not None):
        raise click.UsageError("several PLOTs and --labels need --data DIR")
    request = Request(
        plots=plots,
        architecture=architecture,
        shape=shape,
        sampling=sampling,
        epochs=epochs,
        validation=validation,
        seed=seed,
        start=start,
        note=note,
    )
    with need_training():
        if simulated is not None:
            source = from_simulation(plots[0], simulated, shape, seed)
        elif data is not None:
            source = from_folder(config, data, table or data / TABLE, shape)
        else:
            source = from_record(config, plots[0], shape)
        store = config.under_state(config.predict.models)
        digest = run(request, source, store, lambda line: click.echo(line, err=True))
    for line in describe(read_card(store / digest)):
        click.echo(line)
    click.echo(f"model {digest}")
    _register(config, store / digest, plots, source.images)


def _register(
    config: Config, folder: Path, plots: tuple[str, ...], images: tuple[Labelled, ...]
) -> None:
    """Enter the model where there is a record; without one it lies in the store only."""
    try:
        engine = open_record(config)
    except StoreError as error:
        click.echo(f"not registered: {error}", err=True)
        return
    enter_model(engine, folder, plots, actor("train"), images)
    digest = folder.name[:12]
    click.echo(
        f"next: look at it, then 'hydra-ioc models sign {digest} report-reviewed', or"
        f" 'hydra-ioc plots model {plots[0]} {digest} --probation' for a trial",
        err=True,
    )
