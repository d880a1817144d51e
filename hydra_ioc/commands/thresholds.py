"""``hydra-ioc thresholds``: when a label of a plot counts as confirmed."""

import asyncio
from pathlib import Path

import click

from pipeline.config import load
from pipeline.errors import CommandError


@click.command()
@click.argument("plot")
@click.option(
    "--method",
    type=click.Choice(["f1", "fdr", "hand"]),
    help="Best F1, a rate of false confirmations, or a value of your own; none shows only.",
)
@click.option("--label", help="Only this label; the others stay.")
@click.option("--rate", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="For fdr.")
@click.option("--value", type=click.FloatRange(0, 1), help="For hand; needs --label.")
@click.option("--why", default="", help="For the record.")
@click.pass_obj
def command(
    config_file: Path | None,
    *,
    plot: str,
    method: str | None,
    label: str | None,
    rate: float | None,
    value: float | None,
    why: str,
) -> None:
    """Show or choose the thresholds of the model that judges PLOT.

    Chosen from the images that its training held out; beside each threshold
    stands how many of them it confirms, and how many of those wrongly, with
    its 95 % interval. A running Keeper takes the change over at once.

    Example: hydra-ioc thresholds CDC_occupancy --method fdr --rate 0.05 --label Bad
    """
    from db.engine import writing
    from db.threshold_queries import set_threshold
    from hydra_ioc.record import actor, open_record, permit
    from hydra_ioc.reload import reload_keeper
    from hydra_ioc.threshold_choice import choose, effect, evidence

    if (method == "fdr") != (rate is not None) or (method == "hand") != (value is not None):
        raise click.UsageError("--rate goes with --method fdr, --value with --method hand")
    if method == "hand" and label is None:
        raise click.UsageError("--method hand needs --label")
    config = load(config_file)
    engine, who = open_record(config), actor(why or f"thresholds by {method}")
    found = evidence(engine, config, plot)
    if label is not None and label not in found.thresholds:
        raise CommandError(f"expected a label of {list(found.thresholds)}, received {label!r}")
    if method is not None:
        permit(engine, who, "set-threshold", plot)
        chosen = {
            name: value if value is not None else choose(found, name, rate)
            for name in found.thresholds
            if label in (None, name)
        }
        with writing(engine) as session:
            for name, threshold in chosen.items():
                set_threshold(session, who, plot, name, threshold)
    for name, old in found.thresholds.items():
        new = chosen.get(name, old) if method is not None else old
        change = f"{old:.2f}" if new == old else f"{old:.2f} -> {new:.2f}"
        click.echo(f"{name:16} {change:12}  {effect(found, name, new)}")
    if method is not None and asyncio.run(reload_keeper(config, who)):
        click.echo("the running Keeper has read the catalogue again", err=True)
