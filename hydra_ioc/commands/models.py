"""``hydra-ioc models``: the model store and the registry."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from db.models import Model
from db.signoffs import STEPS
from hydra_ioc.commands._release import hide_titles, point
from hydra_ioc.commands._reports import answer, report
from hydra_ioc.commands._shadows import compare, shadow
from hydra_ioc.release import DEMO_MODELS
from pipeline.config import load


@click.group()
def command() -> None:
    """List models, sign them off, go back to an earlier one, install those of a release.

    Example: hydra-ioc models list
    """


for one in (shadow, compare, report, answer, hide_titles, point):
    command.add_command(one)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all there is.")
@click.pass_obj
def list_(config_file: Path | None, *, as_json: bool) -> None:
    """List the registered models, the oldest first.

    Right: share of the images it was not fitted to. ECE: expected calibration
    error on them. Signed: how many of the four sign-offs, and the last one.
    A + behind the images: trained with those of several plot types.

    Example: hydra-ioc models list
    """
    from hydra_ioc.model_list import list_models, table_of

    _tell(config_file, list_models, table_of, as_json=as_json)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all there is.")
@click.pass_obj
def active(config_file: Path | None, *, as_json: bool) -> None:
    """List all plot types with the model that judges each, and what asks for a training.

    Example: hydra-ioc models active
    """
    from hydra_ioc.model_list import active_table, list_active

    _tell(config_file, list_active, active_table, as_json=as_json)


def _tell(
    config_file: Path | None, ask: Callable[..., Any], lay_out: Callable[..., Any], *, as_json: bool
) -> None:
    """Print a list of the registry."""
    from db.engine import reading
    from hydra_ioc.record import open_record

    config = load(config_file)
    with reading(open_record(config)) as session:
        rows = ask(session, config.under_state(config.predict.models))
    if not rows:
        click.echo("nothing is registered; 'hydra-ioc train' makes a model", err=True)
        return
    for line in map(json.dumps, rows) if as_json else lay_out(rows):
        click.echo(line)


@command.command()
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=DEMO_MODELS,
    show_default="the demo's models",
    help="Folder with index.json (plot -> digest) and one folder per model.",
)
@click.pass_obj
def install(config_file: Path | None, source: Path) -> None:
    """Copy models into the store, register and activate them; add their plot types.

    A second run changes nothing: a plot type that is there is left as it is,
    and a plot that has a model keeps it, unless the model is an earlier one
    of the same kind of installation.

    Example: hydra-ioc models install
    """
    from hydra_ioc.installation import install_models

    config = load(config_file)
    result = install_models(config, source)
    click.echo(
        f"{result.plots} plot types, {result.models} models in {source}: added"
        f" {result.plots_added} plot types, {result.models_added} models,"
        f" activated {result.activated}"
    )
    for text in result.kept:
        click.echo(f"not activated for {text}", err=True)


@command.command("make-demo")
@click.option(
    "--images",
    default=500,
    show_default=True,
    type=click.IntRange(100, 20_000),
    help="Images of each plot type.",
)
@click.option("--epochs", default=9, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--polish",
    default=3,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="Epochs of each plot type alone, after the common ones.",
)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEMO_MODELS,
    show_default="deploy/models",
)
def make_demo(**options: Any) -> None:
    """Train the demo's models on the simulated experiment and write them.

    Needs the training extra (TensorFlow) and about a quarter of an hour on two free cores.

    Example: hydra-ioc models make-demo
    """
    from hydra_ioc.demo_models import make

    make(progress=lambda line: click.echo(line, err=True), **options)


@command.command()
@click.argument("digest")
@click.argument("step", type=click.Choice(STEPS))
@click.option("--why", default="", help="For the record.")
@click.pass_obj
def sign(config_file: Path | None, *, digest: str, step: str, why: str) -> None:
    """Put your name under STEP of the model DIGEST.

    The steps have an order: trained, report-reviewed, ai-signoff,
    expert-signoff. A model judges when it has all of them, or on probation.
    The review needs a report whose images are all answered, or a reason.

    Example: hydra-ioc models sign 3f0c92aa report-reviewed --why "looked at all mistakes"
    """
    from db.engine import reading, writing
    from db.signoff_queries import find
    from db.signoff_queries import sign as sign_step
    from db.signoffs import REVIEWED
    from hydra_ioc.installation import plots_of
    from hydra_ioc.next_step import next_of
    from hydra_ioc.record import actor, open_record, permit
    from hydra_ioc.report_answers import check_reviewed

    engine, who = open_record(load(config_file)), actor(why)
    with reading(engine) as session:
        plots = plots_of(session, find(session, digest))
    for plot in plots:
        permit(engine, who, "set-model", plot)
    with writing(engine) as session:
        if step == REVIEWED and not why:
            check_reviewed(session, find(session, digest))
        sign_step(session, who, digest, step)
        following = next_of(session, find(session, digest))
    click.echo(f"{step} signed by {who.user}")
    click.echo(f"next: {following}", err=True)


@command.command()
@click.argument("digest")
@click.pass_obj
def show(config_file: Path | None, *, digest: str) -> None:
    """Tell what is known of the model DIGEST: card, signatures, calibration.

    Example: hydra-ioc models show 3f0c92aa
    """
    from db.engine import reading
    from db.signoff_queries import find, signatures
    from hydra_ioc.next_step import next_of
    from hydra_ioc.record import open_record

    config = load(config_file)
    store = config.under_state(config.predict.models)
    with reading(open_record(config)) as session:
        model = find(session, digest)
        click.echo(f"{model.digest}\n{model.name}, architecture {model.architecture}")
        for line in _facts(model, store / model.digest):
            click.echo(line)
        for one in signatures(session, model):
            when = datetime.fromtimestamp(one.at, UTC).isoformat(timespec="seconds")
            click.echo(f"{one.step:16} {when}  {one.user}  {one.why}")
        click.echo(f"next: {next_of(session, model)}")


def _facts(model: Model, folder: Path) -> list[str]:
    """Word what the registry and the card tell of a model."""
    images = ", ".join(f"{label} {count}" for label, count in model.training_counts.items())
    if model.kind == "regression":
        return [f"number {_quantity(folder)}", f"images: {images}"]
    return [
        f"labels {', '.join(model.labels)}; images: {images}",
        f"thresholds by {model.threshold_method}, loss {model.loss:.4f}",
        f"calibration: {_calibration(folder)}",
    ]


def _quantity(folder: Path) -> str:
    """Word what the card of a model tells of its number."""
    import msgspec

    from pipeline.errors import ModelError
    from pipeline.vision.card import read_card

    try:
        quantity = read_card(folder).quantity
    except ModelError as error:
        return f"unknown: {error}"
    if quantity is None:
        return "unknown: its card tells none"
    limits = msgspec.structs.asdict(quantity.limits).items()
    told = ", ".join(f"{name} {value:g}" for name, value in limits if value is not None)
    return (
        f"{quantity.name}, root mean square error {quantity.spread:.4g} {quantity.unit} on runs it"
        f" was not fitted to; limits {told or 'none'}"
    )


def _calibration(folder: Path) -> str:
    """Word what the card of a model tells of its calibration."""
    from pipeline.errors import ModelError
    from pipeline.vision.card import read_card

    try:
        card = read_card(folder)
    except ModelError as error:
        return f"unknown: {error}"
    if card.temperature is None or card.calibration_error is None:
        return "none"
    images = card.calibration_images
    measured = "an unknown number of" if images is None else images
    return (
        f"logits divided by {card.temperature:.3f}, expected calibration error"
        f" {card.calibration_error:.4f} on {measured} images it was not fitted to"
    )


@command.command()
@click.argument("plot")
@click.pass_obj
def terms(config_file: Path | None, *, plot: str) -> None:
    """List which model judged PLOT from when on, newest first.

    Example: hydra-ioc models terms CDC_occupancy
    """
    from db.engine import reading
    from db.signoff_queries import terms as terms_of
    from hydra_ioc.record import open_record

    with reading(open_record(load(config_file))) as session:
        for one in terms_of(session, plot):
            when = datetime.fromtimestamp(one.since, UTC).isoformat(timespec="seconds")
            trial = " on probation" if one.probation else ""
            click.echo(f"{when}  {one.digest[:12] or 'no model':12}{trial}  {one.user}  {one.why}")


@command.command()
@click.argument("plot")
@click.option(
    "--end-companions",
    is_flag=True,
    help="End references and a shadow that do not suit it, in the same step.",
)
@click.option("--why", default="", help="For the record.")
@click.pass_obj
def rollback(config_file: Path | None, *, plot: str, end_companions: bool, why: str) -> None:
    """Let the model judge PLOT that judged it before the present one.

    A running Keeper takes it over at once. Its thresholds become those that were
    in force when it judged PLOT last.

    Example: hydra-ioc models rollback CDC_occupancy --why "cries wolf since Monday"
    """
    import asyncio

    from db.engine import writing
    from db.rollback_queries import roll_back
    from hydra_ioc.record import actor, open_record, permit
    from hydra_ioc.reload import reload_keeper

    config = load(config_file)
    engine, who = open_record(config), actor(why)
    permit(engine, who, "set-model", plot)
    with writing(engine) as session:
        done = roll_back(session, who, plot, end_companions=end_companions)
    for text in done.told:
        click.echo(text)
    click.echo(f"{plot} is judged by model {done.digest}")
    if asyncio.run(reload_keeper(config, actor(f"model of {plot} rolled back"))):
        click.echo("the running Keeper has read the catalogue again")


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--card",
    "card_file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML or JSON: name, plots, labels, input_shape, scale and so on.",
)
@click.pass_obj
def import_(config_file: Path | None, file: Path, card_file: Path) -> None:
    """Take a model of your own, ONNX or Keras, into the model store and the registry.

    What the card holds is told in docs/models.md. Needs the training extra.

    Example: hydra-ioc models import dogs.onnx --card dogs.toml
    """
    from hydra_ioc.record import actor, open_record
    from hydra_ioc.registry import enter_model
    from hydra_ioc.training_extra import need_training

    config = load(config_file)
    engine, store = open_record(config), config.under_state(config.predict.models)
    with need_training():
        from hydra_ioc.foreign import import_model
        from hydra_ioc.foreign_card import read_foreign_card

        card = read_foreign_card(card_file)
        digest = import_model(file, card, store)
    enter_model(engine, store / digest, card.plots, actor(f"import of {file.name}"))
    click.echo(f"model {digest}")
    click.echo(
        f"next: 'hydra-ioc plots model {card.plots[0]} {digest[:12]} --probation' for a trial",
        err=True,
    )


@command.command()
@click.argument("digest")
@click.pass_obj
def remake(config_file: Path | None, digest: str) -> None:
    """Train the model DIGEST again from its row and images: the same must come of it.

    Example: hydra-ioc models remake 3f0c92aa
    """
    from hydra_ioc.training_extra import need_training

    with need_training():
        from hydra_ioc.remaking import remake as again

        found = again(load(config_file), digest, lambda line: click.echo(line, err=True))
    click.echo(f"the same model came of it: {found}")
