"""``hydra-ioc labels``: the dictionary of labels, and labels of kept images."""

import sys
from pathlib import Path

import click

from db.engine import reading, writing
from hydra_ioc.record import actor, open_record, permit
from pipeline.alarm import Severity
from pipeline.config import load

SEVERITIES = click.Choice([severity.name for severity in Severity])


@click.group()
def command() -> None:
    """Define labels; import and export what people say of kept images.

    Example: hydra-ioc labels export > labels.csv
    """


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def import_(config_file: Path | None, file: Path) -> None:
    """Label images as the CSV FILE says: all of it, or nothing.

    Columns: plot, label, one of path and sha256, and perhaps user, comment,
    run, chunk and period. An image named by its path is kept when it is not yet.

    Example: hydra-ioc labels import labels.csv
    """
    from hydra_ioc.label_import import import_labels

    config = load(config_file)
    done = import_labels(open_record(config), config, file, actor("labels import"))
    click.echo(
        f"{done.images} images labelled, {done.kept} of them kept anew;"
        f" {done.unchanged} lines were known before"
    )


@command.command()
@click.option("--plot", metavar="NAME", help="Only this plot type.")
@click.pass_obj
def export(config_file: Path | None, plot: str | None) -> None:
    """Write the labels that count now as CSV to the standard output.

    Example: hydra-ioc labels export --plot CDC_occupancy > labels.csv
    """
    from hydra_ioc.label_files import export_labels

    with reading(open_record(load(config_file))) as session:
        export_labels(session, sys.stdout, plot)


@command.command()
@click.argument("name")
@click.option("--colour", default="#808080", show_default=True, help="As #rrggbb; red is Bad's.")
@click.option("--confirmed", type=SEVERITIES, default="NO_ALARM", show_default=True)
@click.option("--unconfirmed", type=SEVERITIES, default="NO_ALARM", show_default=True)
@click.pass_obj
def define(
    config_file: Path | None, *, name: str, colour: str, confirmed: str, unconfirmed: str
) -> None:
    """Put the label NAME into the dictionary, or change how it is shown and alarmed.

    Example: hydra-ioc labels define Hot --colour "#ff7f0e" --confirmed MINOR
    """
    from db.palette_queries import LabelRow, define_label

    label = LabelRow(name, colour, Severity[confirmed], Severity[unconfirmed])
    who = actor("labels define")
    engine = open_record(load(config_file))
    permit(engine, who, "set-plots")
    with writing(engine) as session:
        define_label(session, who, label)
    click.echo(f"defined {name}")
