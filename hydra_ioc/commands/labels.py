"""``hydra-ioc labels``: the dictionary of labels, and labels of kept images."""

import json
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


@command.command()
@click.argument("plot")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--newest", type=click.IntRange(1, 100_000), default=2000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def queue(config_file: Path | None, *, plot: str, limit: int, newest: int, as_json: bool) -> None:
    """List the kept images of PLOT whose label would teach most, the best first.

    Suspected wrong labels, uncertain and novel images; of those that look the same, one.
    Only the NEWEST kept images are sorted.

    Example: hydra-ioc labels queue CDC_occupancy --limit 5
    """
    from db.queue_queries import candidates
    from hydra_ioc.labelling_queue import queue as sort
    from pipeline.keeper.imagestore import ImageStore

    config = load(config_file)
    store = ImageStore(config.under_state(config.keeper.images))
    with reading(open_record(config)) as session:
        images = candidates(session, plot, newest)
    paths = {image.sha256: store.path(image.sha256, image.file_type) for image in images}
    for entry in sort(images, paths, limit):
        image = entry.image
        if as_json:
            facts = {
                "sha256": image.sha256,
                "run": image.run,
                "chunk": image.chunk,
                "kind": entry.kind,
                "score": round(entry.score, 6),
                "why": entry.why,
                "verdict": image.verdict,
                "label": image.truth,
                "path": str(paths[image.sha256]),
                "folded": entry.folded,
            }
            click.echo(json.dumps(facts, ensure_ascii=False))
            continue
        more = f"  (+{len(entry.folded)} like it)" if entry.folded else ""
        click.echo(
            f"{entry.score:5.2f} {entry.kind:9} run {image.run} chunk {image.chunk}"
            f"  {image.sha256[:12]}  {entry.why}{more}"
        )


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

    'hydra-ioc history --json --plot PLOT' tells the sha256 of an image.

    Example: hydra-ioc labels feedback CDC_occupancy 3f0c92aa... --reason noise
    """
    from db.label_queries import NewLabel, add_label

    who = actor("labels feedback")
    engine = open_record(load(config_file))
    permit(engine, who, "label")
    comment = f"false positive: {reason}" + (f"; {note}" if note else "")
    new = NewLabel(
        plot=plot, sha256=sha256, label=label, user=who.user, comment=comment, source="live"
    )
    with writing(engine) as session:
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
    from db.training_queries import pin_image

    if use is None and weight is None:
        raise click.UsageError("give --use or --weight")
    engine, who = open_record(load(config_file)), actor("labels pin")
    permit(engine, who, "label", plot)
    with writing(engine) as session:
        pin_image(session, who, plot, sha256, use=use, weight=weight)
    click.echo(f"pinned {sha256[:16]}")
