"""``hydra-ioc models shadow`` and ``compare``: a model beside the one that judges."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pipeline.config import load

CORNER = "judges \\ shadow"
MOST = 20
"""Images that are listed unless more are asked for."""


@click.command()
@click.argument("plot")
@click.argument("digest", required=False)
@click.option("--end", is_flag=True, help="End the shadow of PLOT.")
@click.option("--why", default="", help="For the record.")
@click.pass_obj
def shadow(config_file: Path | None, plot: str, digest: str | None, *, end: bool, why: str) -> None:
    """Let the model DIGEST see every image of PLOT beside the model that judges.

    What it says is recorded and compared, and never touches verdict, severity or
    alarms. It must be signed as trained and have the labels, input shape and
    preprocessing of the model that judges.

    Example: hydra-ioc models shadow CDC_occupancy 3f0c92aa
    """
    from db.engine import writing
    from db.shadow_queries import RIGHT, end_shadow, set_shadow
    from db.signoff_queries import find
    from hydra_ioc.record import actor, open_record, permit
    from hydra_ioc.registry import find_model
    from hydra_ioc.reload import reload_keeper
    from pipeline.vision.card import verify

    if end == (digest is not None):
        raise click.UsageError("give either DIGEST or --end")
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    permit(engine, who, RIGHT, plot)
    with writing(engine) as session:
        if digest is None:
            said = f"{plot} has no shadow any more; it was {end_shadow(session, who, plot)}"
        else:
            model = find(session, digest)
            verify(find_model(config.under_state(config.predict.models), model.digest))
            set_shadow(session, who, plot, model)
            said = f"model {model.digest} is the shadow of {plot}"
    click.echo(said)
    if asyncio.run(reload_keeper(config, actor(f"shadow of {plot} changed"))):
        click.echo("the running Keeper has read the catalogue again")
    if digest is not None:
        click.echo(f"next, after some images: 'hydra-ioc models compare {plot}'", err=True)


@click.command()
@click.argument("plot")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="PNG file to draw; needs the training extra.",
)
@click.option("--most", default=MOST, show_default=True, type=click.IntRange(0), help="Images.")
@click.pass_obj
def compare(
    config_file: Path | None, plot: str, *, as_json: bool, picture: Path | None, most: int
) -> None:
    """Tell how the shadow of PLOT compares with the model that judges.

    The rate of disagreement comes with its 95 % interval (Wilson), the table of
    labels, how often each was right where people gave a label, and the images on
    which they differ; the picture shows the newest of these that are kept.

    Example: hydra-ioc models compare CDC_occupancy --picture compare.png
    """
    from db.engine import reading
    from db.shadow_comparison import comparison
    from hydra_ioc.record import open_record
    from hydra_ioc.shadow_summary import summary
    from hydra_ioc.training_extra import need_training
    from pipeline.keeper.imagestore import ImageStore

    config = load(config_file)
    with reading(open_record(config)) as session:
        compared = comparison(session, plot)
    found = summary(compared)
    store = ImageStore(config.under_state(config.keeper.images))
    for one in found["images"]:
        path = store.path(one["sha256"], compared.file_type)
        one["file"] = str(path) if one["kept"] else ""
    if picture is not None:
        with need_training():
            from hydra_ioc.shadow_picture import draw

            draw(found, picture)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for line in _lines(found, most):
        click.echo(line)
    if any(one["kept"] and not one["truth"] for one in found["images"]):
        click.echo(
            f"next: 'hydra-ioc labels queue {plot} --disputed --page disputed.html', say who was"
            " right, and compare again",
            err=True,
        )


def _lines(found: dict[str, Any], most: int) -> list[str]:
    since = _when(found["begun_at"])
    ended = ", ended" if found["ended"] else ""
    lines = [
        f"{found['plot']}: {found['active'][:12]} judges, {found['shadow'][:12]} is its shadow"
        f" since {since}{ended}"
    ]
    if found["failed"]:
        lines.append(f"failed on {found['failed']} images: {found['last_failure']}")
    if not found["compared"]:
        return [*lines, "no image compared yet: nothing can be said"]
    low, high = found["interval"]
    lines.append(
        f"disagreement {found['disagreement']:.2%} ({low:.2%} to {high:.2%}):"
        f" {found['disagreed']} of {found['compared']} images"
    )
    lines += _table(found["table"])
    for words, key in (("all images", "right"), ("where they differ", "right_where_they_differ")):
        counts = found[key]
        total = counts["labelled"]
        if not total:
            lines.append(f"right, {words}: unknown, no labels")
            continue
        lines.append(
            f"right, {words}: judges {_share(counts, 'active')}, shadow {_share(counts, 'shadow')}"
        )
    images = found["images"]
    lines += [
        f"{_when(one['image_time'])}  run {one['run']} chunk {one['chunk']}"
        f"  judges {one['active']}, shadow {one['shadow']}, people {one['truth'] or '-'}"
        f"  {one['sha256'][:12]}  {one['file'] or 'not kept'}"
        for one in images[:most]
    ]
    if len(images) > most:
        lines.append(f"and {len(images) - most} more; --most lists them")
    return lines


def _table(table: dict[str, dict[str, int]]) -> list[str]:
    labels = sorted({*table, *(label for row in table.values() for label in row)})
    width = max(len(label) for label in (*labels, CORNER))
    head = "".join(f" {label:>12}" for label in labels)
    rows = [f"{CORNER:{width}}{head}"]
    for active in labels:
        counts = "".join(f" {table.get(active, {}).get(one, 0):12d}" for one in labels)
        rows.append(f"{active:{width}}{counts}")
    return rows


def _share(counts: dict[str, Any], who: str) -> str:
    low, high = counts[f"{who}_interval"]
    total = counts["labelled"]
    return f"{counts[who]} of {total} ({low:.1%} to {high:.1%})"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
