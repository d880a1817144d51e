"""``hydra-ioc datasets``: versions of what people say of images, and their files."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click

from db.data_set_queries import (
    DataSetRow,
    changes,
    data_sets,
    find_data_set,
    keep_version,
    snapshot,
    taken_of,
    trained_with,
)
from db.engine import reading, writing
from hydra_ioc.data_set_files import Policy, Step, export_data_set, import_data_set
from hydra_ioc.record import actor, open_record, permit
from pipeline.config import load

CONFLICTS_SHOWN = 20


@click.group()
def command() -> None:
    """Keep the labels of a plot as they are now; export, import and compare such lists.

    A data set is a numbered, unchangeable list of image hashes and labels.

    Example: hydra-ioc datasets make CDC_occupancy --note "before the beam time"
    """


@command.command()
@click.argument("plot")
@click.option("--name", help="Of the data set; the plot's by default.")
@click.option("--note", default="", help="For people.")
@click.pass_obj
def make(config_file: Path | None, *, plot: str, name: str | None, note: str) -> None:
    """Make the next version from the labels of PLOT that count now.

    Nothing is made where a version of this name has the same content.

    Example: hydra-ioc datasets make CDC_occupancy
    """
    engine, who = open_record(load(config_file)), actor("datasets make")
    permit(engine, who, "label", plot)
    with writing(engine) as session:
        row, new = keep_version(session, who, snapshot(session, plot, name=name, note=note))
    click.echo(f"{'made' if new else 'nothing changed since'} {_told(row)}")


@command.command("list")
@click.option("--plot", metavar="NAME", help="Only this plot type.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(config_file: Path | None, *, plot: str | None, as_json: bool) -> None:
    """List data sets: name and version, labels, models trained with it, digest, note.

    Example: hydra-ioc datasets list --plot CDC_occupancy
    """
    with reading(open_record(load(config_file))) as session:
        rows, models = data_sets(session, plot), trained_with(session)
    for row in rows:
        if as_json:
            facts = asdict(row) | {"models": models.get(row.id, 0)}
            click.echo(json.dumps(facts, ensure_ascii=False))
            continue
        when = datetime.fromtimestamp(row.made_at, UTC).strftime("%Y-%m-%d %H:%M")
        click.echo(
            f"{row.told:32} {row.plot:28} {row.count:6d} labels  {models.get(row.id, 0):3d} models"
            f"  {when} UTC  {row.user}  {row.digest[:12]}  {row.note}"
        )


@command.command()
@click.argument("dataset", metavar="NAME[@V]")
@click.option("--json", "as_json", is_flag=True, help="Every label as one JSON object a line.")
@click.pass_obj
def show(config_file: Path | None, *, dataset: str, as_json: bool) -> None:
    """Tell what a data set holds; its newest version without @V.

    Example: hydra-ioc datasets show CDC_occupancy@2
    """
    with reading(open_record(load(config_file))) as session:
        row = find_data_set(session, dataset)
        items = taken_of(session, row).items
    if as_json:
        for one in items:
            facts = {name: getattr(one, name) for name in one.__struct_fields__}
            click.echo(json.dumps(facts, ensure_ascii=False))
        return
    click.echo(_told(row))
    click.echo(f"plot   {row.plot}\ndigest {row.digest}\nmade   by {row.user}\nnote   {row.note}")
    runs = {(one.period, one.run) for one in items}
    click.echo(f"runs   {len(runs)}; images {len({one.key for one in items})}")
    for label, count in sorted(Counter(one.label for one in items).items()):
        click.echo(f"  {label:25} {count:6d}")
    pins = Counter(one.use for one in items if one.use != "free")
    weighed = sum(one.weight != 1 for one in items)
    click.echo(
        f"pinned {pins['train']} to training, {pins['validate']} to validation; {weighed} weighed"
    )


@command.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def diff(config_file: Path | None, *, before: str, after: str, as_json: bool) -> None:
    """Tell what became of the data set A in the data set B, image by image.

    Example: hydra-ioc datasets diff CDC_occupancy@1 CDC_occupancy@2
    """
    with reading(open_record(load(config_file))) as session:
        one, other = (find_data_set(session, told) for told in (before, after))
        found = changes(taken_of(session, one).items, taken_of(session, other).items)
    for what, item, old in found:
        if as_json:
            facts = {"what": what, "sha256": item.sha256, "run": item.run, "chunk": item.chunk}
            facts |= {"label": item.label, "before": old.label if old else None}
            click.echo(json.dumps(facts, ensure_ascii=False))
            continue
        said = (
            item.label if old is None or old.label == item.label else f"{old.label} -> {item.label}"
        )
        click.echo(f"{what:10} run {item.run} chunk {item.chunk}  {item.sha256[:12]}  {said}")
    if not as_json:
        counts = Counter(what for what, _, _ in found)
        told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
        click.echo(f"{one.told} -> {other.told}: {told or 'the same'}")


@command.command()
@click.argument("dataset", metavar="NAME[@V]")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-images", is_flag=True, help="Take the images along.")
@click.pass_obj
def export(config_file: Path | None, *, dataset: str, file: Path, with_images: bool) -> None:
    """Write a data set as the zip FILE; the same data set gives the same bytes.

    Example: hydra-ioc datasets export CDC_occupancy@2 cdc.zip --with-images
    """
    config = load(config_file)
    engine = open_record(config)
    with _steps("images") as step:
        done = export_data_set(config, engine, dataset, file, step, with_images=with_images)
    click.echo(
        f"wrote {done.row.told} with {done.row.count} labels and {done.images} images to {file},"
        f" {done.size} bytes"
    )


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--conflicts",
    type=click.Choice(get_args(Policy)),
    default="refuse",
    show_default=True,
    help="Images labelled otherwise here: they stay, the file counts, or nothing is imported.",
)
@click.option("--add-plot", "add", is_flag=True, help="Make the plot type if it is not there.")
@click.pass_obj
def import_(config_file: Path | None, *, file: Path, conflicts: Policy, add: bool) -> None:
    """Bring the data set of the zip FILE, its labels and images in: all of it, or nothing.

    Example: hydra-ioc datasets import cdc.zip --add-plot
    """
    config = load(config_file)
    engine, who = open_record(config), actor("datasets import")
    with _steps("images") as step:
        done = import_data_set(config, engine, file, who, step, conflicts=conflicts, add=add)
    if done.plot_added:
        click.echo(f"added plot {done.row.plot}")
    what = "the file's counts" if conflicts == "take" else "what was here stays"
    for one in done.conflicts[:CONFLICTS_SHOWN]:
        click.echo(f"conflict, {what}: {one}", err=True)
    if (more := len(done.conflicts) - CONFLICTS_SHOWN) > 0:
        click.echo(f"and {more} more conflicts; the audit log has all", err=True)
    click.echo(
        f"{done.labels} labels given, {done.known} known before, {done.images} images kept anew,"
        f" {len(done.conflicts)} conflicts"
    )
    click.echo(f"{'imported' if done.new else 'known before:'} {_told(done.row)}")


@contextmanager
def _steps(what: str) -> Iterator[Step]:
    with click.progressbar(length=0, label=what, file=sys.stderr) as bar:

        def step(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield step


def _told(row: DataSetRow) -> str:
    return f"{row.told}: {row.count} labels, digest {row.digest[:12]}"
