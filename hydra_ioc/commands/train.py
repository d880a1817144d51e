"""``hydra-ioc train``: train a model from labelled plots."""

import contextlib
from pathlib import Path
from typing import Any

import click
import numpy as np
from sqlalchemy import Engine

from db.catalogue_queries import plot_type
from db.engine import reading
from db.training_queries import require_palette
from hydra_ioc.novelty import Known, fit_novelty
from hydra_ioc.record import actor, open_record
from hydra_ioc.registry import enter_model, find_model
from hydra_ioc.training import (
    PRETRAINED,
    Request,
    Result,
    Source,
    describe,
    from_folder,
    from_record,
    from_simulation,
    record_of,
    run,
    weak_labels,
)
from hydra_ioc.training_extra import need_training
from pipeline.config import Config, load
from pipeline.errors import HydraError, InputError, StoreError
from pipeline.messages import Shape
from pipeline.vision.card import ModelCard, read_card
from pipeline.vision.sampling import METHODS
from pipeline.vision.stopping import QUANTITIES

INTERRUPTED = Path("trainings")
"""Folder below the state directory where interrupted trainings are kept."""


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
    help="CSV with the columns file, label and run; default DATA/labels.csv or DATA/LABEL/IMAGE.",
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
    help="Or domain-cbam, inceptionv3-cbam, vgg16-cbam, vit-small.",
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
    "--anneal-epochs",
    default=0,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="More epochs from the best so far, all layers free, at 1/50 of the learning rate.",
)
@click.option(
    "--learning-rate",
    default=2e-3,
    show_default=True,
    type=click.FloatRange(0.0, 1.0, min_open=True),
    help="At the start; falls to 0.",
)
@click.option(
    "--early-stop",
    "stop",
    type=(click.Choice(QUANTITIES), float),
    metavar="QUANTITY VALUE",
    help="End the epochs when val_loss, val_accuracy, loss or accuracy reaches VALUE.",
)
@click.option(
    "--patience",
    default=0,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="End them after so many without a better validation loss; 0 never.",
)
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
    "--parent",
    default="",
    metavar="DIGEST",
    help="Start from a model of the store that was trained here.",
)
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False),
    help="Published weights (Keras, no top) that you have, for inceptionv3- and vgg16-cbam.",
)
@click.option(
    "--since",
    type=click.DateTime(),
    help="Only labels given since then; by default all that count now.",
)
@click.option(
    "--dataset",
    "versions",
    multiple=True,
    metavar="NAME[@V]",
    help="Labels of this data set, not those of now; one for each PLOT.",
)
@click.option(
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Page of the training report; default: reports/ below the state directory.",
)
@click.option("--no-report", is_flag=True, help="Write none.")
@click.option("--resume", is_flag=True, help="Go on with the same training, interrupted before.")
@click.option("--note", default="", help="For people; kept in the card.")
@click.pass_obj
def command(config_file: Path | None, /, **options: Any) -> None:
    """Train one model for PLOT, judge the runs held out, put it into the model store.

    The images are the kept ones that are labelled in the record, those of a
    folder with a label table (several PLOTs may share it), or drawings of the
    simulated experiment. Runs are held out whole. The architecture
    domain-pretrained takes seconds and a handful of labels, the others hundreds
    and minutes. The training report is written at the end. Needs the training extra.

    Example: hydra-ioc train CDC_occupancy
    """
    config = load(config_file)
    data, table = options.pop("data"), options.pop("table")
    page, no_report = options.pop("page"), options.pop("no_report")
    simulated, since = options.pop("simulated"), options.pop("since")
    versions = options.pop("versions")
    if versions and (data is not None or simulated is not None or since is not None):
        raise click.UsageError("--dataset excludes --data, --simulated and --since")
    if data is not None and simulated is not None:
        raise click.UsageError("give one of --data DIR and --simulated N, or neither")
    if table is not None and data is None:
        raise click.UsageError("--labels needs --data DIR")
    if simulated is not None and len(options["plots"]) > 1:
        raise click.UsageError("--simulated takes one PLOT")
    options["weights"] = options["weights"] or ""
    store = config.under_state(config.predict.models)
    if options["start"]:
        options["start"] = find_model(store, options["start"]).name
    _check(config, options["plots"])
    resume, stop = options.pop("resume"), options.pop("stop") or ("", 0.0)
    request = Request(**options, stop_quantity=stop[0], stop_value=stop[1])
    with contextlib.ExitStack() as stack:
        stack.enter_context(need_training())
        from hydra_ioc.training_progress import progress

        say = stack.enter_context(progress(request.epochs + request.anneal_epochs))
        if simulated is not None:
            source = from_simulation(request.plots[0], simulated, request.shape, request.seed)
        elif data is not None:
            source = from_folder(config, data, table, request.shape)
        else:
            begun = since.timestamp() if since is not None else 0.0
            source = from_record(config, request.plots, request.shape, begun, versions)
        _check(config, request.plots, source.dataset.labels)
        keep = config.under_state(INTERRUPTED)
        result = run(request, source, store, say, keep, resume=resume)
    card = read_card(store / result.digest)
    for line in describe(card):
        click.echo(line)
    click.echo(f"model {result.digest}")
    engine = _register(config, store / result.digest, request, source, result)
    if not no_report:
        _report(config, engine, store / result.digest, page)
    _tell_next(card, result.digest, request.plots[0] if engine is not None else None)


def _tell_next(card: ModelCard, digest: str, plot: str | None) -> None:
    """Say what is to be done with a model that was just made; ``plot`` is None without a record."""
    if weak := weak_labels(card):
        click.echo(
            f"too weak to judge: it recalls half or fewer of {', '.join(weak)}; label more images"
            " of these, of other runs, or emulate faults ('hydra-ioc emulate make')",
            err=True,
        )
    if plot is not None:
        click.echo(
            f"next: look at the report, then 'hydra-ioc models sign {digest[:12]} report-reviewed',"
            f" or 'hydra-ioc plots model {plot} {digest[:12]} --probation' for a trial",
            err=True,
        )


def _check(config: Config, plots: tuple[str, ...], labels: tuple[str, ...] = ()) -> None:
    """Refuse unknown plots and labels outside their palettes before the training, not after it.

    Raises:
        CommandError: There is no such plot.
        LabelError: Lists the labels.
    """
    try:
        engine = open_record(config)
    except StoreError:
        # Without a record the model goes into the store only; said when it is made.
        return
    with reading(engine) as session:
        for plot in plots:
            require_palette(session, plot_type(session, plot), set(labels))


def _register(
    config: Config, folder: Path, request: Request, source: Source, result: Result
) -> Engine | None:
    """Enter the model where there is a record; without one it lies in the store only."""
    try:
        engine = open_record(config)
    except StoreError as error:
        click.echo(f"not registered: {error}", err=True)
        return None
    trained = record_of(request, source, result, folder)
    enter_model(
        engine,
        folder,
        request.plots,
        actor("train"),
        trained=trained,
        images=source.images,
        validation=result.held_out,
    )
    _tell_novelty(engine, folder, source, result)
    return engine


def _report(config: Config, engine: Engine | None, folder: Path, page: Path | None) -> None:
    """Write the training report; the model stays whatever becomes of it.

    Raises:
        HydraError: There is no report; says how to make it.
    """
    from hydra_ioc.reporting import REPORTS, report_name, write_report

    target = page or config.under_state(REPORTS) / report_name(folder.name)
    try:
        click.echo(write_report(config, engine, folder, target))
    except (HydraError, OSError) as error:
        raise HydraError(
            f"model {folder.name} is made{'' if engine is None else ' and registered'}, but its"
            f" report is not: {error}; 'hydra-ioc models report {folder.name[:12]}' makes it"
        ) from error


def _tell_novelty(engine: Engine, folder: Path, source: Source, result: Result) -> None:
    """Let the model tell how novel images are; a training stands without."""
    held_out = np.isin(np.arange(len(source.dataset)), np.array(result.held_out, np.int64))
    known = Known(source.dataset.images, source.dataset.runs, held_out)
    try:
        click.echo(f"novelty: {fit_novelty(engine, folder, known, actor('train')).told()}")
    except InputError as error:
        click.echo(f"no novelty: {error}", err=True)
