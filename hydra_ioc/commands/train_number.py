"""``hydra-ioc train-number``: train a model that gives a number."""

from pathlib import Path

import click

from pipeline.config import load
from pipeline.errors import InputError


@click.command()
@click.argument("plot")
@click.option("--name", required=True, help="Of the number, such as timing_offset.")
@click.option("--unit", default="", help="At most 15 characters.")
@click.option("--hihi", type=float, help="At or above: MAJOR.")
@click.option("--high", type=float, help="At or above: MINOR.")
@click.option("--low", type=float, help="At or below: MINOR.")
@click.option("--lolo", type=float, help="At or below: MAJOR.")
@click.option("--note", default="", help="For people; kept in the card.")
@click.pass_obj
def command(
    config_file: Path | None,
    /,
    *,
    plot: str,
    name: str,
    unit: str,
    note: str,
    **limits: float | None,
) -> None:
    """Train a model that gives a number for every image of PLOT.

    The numbers are those of the column value of 'hydra-ioc labels import'.
    Needs the training extra.

    Example: hydra-ioc train-number BCAL_timing --name offset --unit ns --high 2 --hihi 5
    """
    from hydra_ioc.novelty import fit_novelty
    from hydra_ioc.numbers import NumberRequest, numbers_of, train_numbers
    from hydra_ioc.record import actor, open_record
    from hydra_ioc.registry import enter_model
    from hydra_ioc.training_extra import need_training
    from pipeline.vision.card import Limits, Quantity, read_card

    config = load(config_file)
    given = [limits[key] for key in ("lolo", "low", "high", "hihi")]
    told = [value for value in given if value is not None]
    if told != sorted(told):
        raise click.UsageError("expected lolo <= low <= high <= hihi")
    store = config.under_state(config.predict.models)
    quantity = Quantity(name=name, unit=unit, limits=Limits(**limits))
    with need_training():
        request = NumberRequest(plot=plot, quantity=quantity, note=note)
        trained = train_numbers(request, numbers_of(config, plot), store)
    digest, numbers = trained.digest, trained.numbers
    engine, who = open_record(config), actor("train-number")
    enter_model(engine, store / digest, (plot,), who, trained=trained.record, images=numbers.images)
    card = read_card(store / digest)
    spread = card.quantity.spread if card.quantity else 0.0
    click.echo(f"{card.training_counts[name]} images, {len(card.training_runs)} runs")
    click.echo(f"root mean square error {spread:.4g} {unit} on runs it was not fitted to")
    click.echo(f"model {digest}")
    try:
        described = fit_novelty(engine, store / digest, numbers.known, who).told()
    except InputError as error:
        click.echo(f"no novelty: {error}", err=True)
    else:
        click.echo(f"novelty: {described}")
    click.echo(
        f"next: 'hydra-ioc plots model {plot} {digest[:12]} --probation' for a trial, or"
        f" 'hydra-ioc models show {digest[:12]}'",
        err=True,
    )
