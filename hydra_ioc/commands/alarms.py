"""``hydra-ioc alarms``: the configuration of alarm handlers."""

from pathlib import Path

import click

from hydra_ioc.catalogue import known_catalogue
from pipeline.config import load
from pipeline.errors import HydraError


@click.group()
def command() -> None:
    """Write what an alarm handler needs to know.

    Example: hydra-ioc alarms export --format alh hydra.alhConfig
    """


@command.command()
@click.option(
    "--format",
    "kind",
    type=click.Choice(["alh", "phoebus"]),
    required=True,
    help="Alarm handler: ALH (.alhConfig) or Phoebus (.xml).",
)
@click.option(
    "--delay",
    "delay_s",
    type=click.IntRange(0, 3600),
    default=0,
    show_default=True,
    help="Seconds an alarm must last before Phoebus shows it.",
)
@click.option("--screen", default="", help="Phoebus resource that opens the Run screen.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def export(config_file: Path | None, kind: str, delay_s: int, screen: str, file: Path) -> None:
    """Write the alarms of the deployment to FILE.

    Groups by detector, guidance with the point of contact, heartbeat, and a
    silent producer as one alarm.

    Example: hydra-ioc alarms export --format alh hydra.alhConfig
    """
    config = load(config_file)
    from ioc.alarm_alh import export_alh
    from ioc.alarm_phoebus import export_phoebus
    from ioc.alarm_tree import alarm_tree
    from ioc.listing import expected_stages, list_all

    listing = list_all(config, known_catalogue(config))
    tree = alarm_tree(config.prefix, config.deployment, listing, expected_stages(config))
    if kind == "alh":
        text = export_alh(tree, config.prefix)
    else:
        text = export_phoebus(tree, delay_s=delay_s, screen=screen)
    try:
        with file.open("w", encoding="utf-8", newline="\n") as output:
            output.write(text)
    except OSError as error:
        raise HydraError(f"cannot write {file}: {error.strerror}") from error
    for name, reason in listing.problems.items():
        click.echo(f"hydra-ioc alarms: {name} is left out: {reason}", err=True)
    click.echo(f"{file}: {len(listing.plots)} plots")
