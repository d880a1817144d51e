"""``hydra-ioc labels``: the dictionary of labels, and labels of kept images."""

import sys
from pathlib import Path

import click

from db.engine import reading, writing
from hydra_ioc.commands._labelling import answer, give, queue
from hydra_ioc.record import actor, open_record, permit
from pipeline.alarm import Severity
from pipeline.config import load

SEVERITIES = click.Choice([severity.name for severity in Severity])


@click.group()
def command() -> None:
    """Define labels; import and export what people say of kept images.

    Example: hydra-ioc labels export > labels.csv
    """


for one in (queue, give, answer):
    command.add_command(one)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.pass_obj
def import_(config_file: Path | None, file: Path) -> None:
    """Label images as FILE says, a CSV table or a folder: all of it, or nothing.

    A folder holds one of each label with its images: FILE/Good/..., FILE/Bad/...; plot
    and run come from their names.

    Columns of a table: plot, label, one of path and sha256, and perhaps user, comment,
    run, chunk and period; use (train, validate or free) and weight (0 to 100) say
    how trainings take it, value is the number that a regression model learns.
    An image named by its path is kept when it is not yet.

    Example: hydra-ioc labels import labels.csv
    """
    from hydra_ioc.label_import import import_labels

    config = load(config_file)
    done = import_labels(open_record(config), config, file, actor("labels import"))
    click.echo(
        f"{done.images} images labelled, {done.kept} of them kept anew;"
        f" {done.unchanged} lines were known before"
    )
    click.echo("next: 'hydra-ioc train PLOT' learns from them", err=True)


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


REASONS = ("known-work", "low-statistics", "new-reference", "noise", "wrong-label", "other")
"""Why an alarm was false."""


@command.command()
@click.argument("plot")
@click.argument("sha256")
@click.option("--label", default="Good", show_default=True, help="What the image really shows.")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="Why it was false.")
@click.option("--note", default="", help="In your own words.")
@click.pass_obj
def feedback(
    config_file: Path | None, *, plot: str, sha256: str, label: str, reason: str, note: str
) -> None:
    """Say that the alarm on image SHA256 of PLOT was false; it becomes a label.

    'hydra-ioc labels queue' and 'hydra-ioc history --json --plot PLOT' tell the sha256 of
    images; its first 8 digits are enough.

    Example: hydra-ioc labels feedback CDC_occupancy 3f0c92aa --reason noise
    """
    from db.kept_queries import whole_hash
    from db.label_queries import NewLabel, add_label

    who = actor("labels feedback")
    engine = open_record(load(config_file))
    permit(engine, who, "label", plot)
    comment = f"false positive: {reason}" + (f"; {note}" if note else "")
    with writing(engine) as session:
        key = whole_hash(session, plot, sha256)
        new = NewLabel(
            plot=plot, sha256=key, label=label, user=who.user, comment=comment, source="live"
        )
        changed = add_label(session, new)
    click.echo(f"{changed} images labelled {label} ({comment})")


@command.command()
@click.argument("plot")
@click.argument("sha256")
@click.option(
    "--use",
    type=click.Choice(["train", "validate", "free"]),
    help="Pin the image to training or validation, or leave it to the split.",
)
@click.option("--weight", type=click.IntRange(0, 100), help="0 keeps it for validation.")
@click.pass_obj
def pin(
    config_file: Path | None, *, plot: str, sha256: str, use: str | None, weight: int | None
) -> None:
    """Say how the image SHA256 of PLOT is used in trainings, and how much it counts.

    Example: hydra-ioc labels pin CDC_occupancy 9f2c... --use validate
    """
    from db.kept_queries import whole_hash
    from db.training_queries import pin_image

    if use is None and weight is None:
        raise click.UsageError("give --use or --weight")
    engine, who = open_record(load(config_file)), actor("labels pin")
    permit(engine, who, "label", plot)
    with writing(engine) as session:
        key = whole_hash(session, plot, sha256)
        pin_image(session, who, plot, key, use=use, weight=weight)
    click.echo(f"pinned {key[:16]}")
