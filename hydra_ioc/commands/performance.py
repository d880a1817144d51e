"""``hydra-ioc performance``: how well the model of a plot did, day by day."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from db.catalogue_queries import plot_type
from db.engine import reading
from db.performance_queries import Judged, all_judged, days
from hydra_ioc.record import open_record
from pipeline.config import load
from pipeline.keeper.trends import accuracy_of, wilson

DAY_S = 86_400.0


@click.command()
@click.argument("plot")
@click.option("--days", "length", type=click.IntRange(1, 3650), default=30, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option("--plot", "picture", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.pass_obj
def command(
    config_file: Path | None, plot: str, *, length: int, as_json: bool, picture: Path | None
) -> None:
    """Tell accuracy and confusion of PLOT by day, from the labelled unbiased sample.

    --plot FILE draws them; that needs the training extra.

    Example: hydra-ioc performance CDC_occupancy --days 7 --json
    """
    config = load(config_file)
    since = time.time() - length * DAY_S
    with reading(open_record(config)) as session:
        key = plot_type(session, plot).id
        images = all_judged(session, key, since)
        stored = [
            {"day": row.day, "unconfirmed": row.unconfirmed, "drift": row.drift}
            for row in days(session, key)
        ]
    found: dict[str, Any] = {
        "plot": plot,
        "overall": summary(images, config.loop.coverage),
        "days": [
            {"day": day} | summary(some, config.loop.coverage)
            for day, some in by_day(images).items()
        ],
        "trends": stored,
    }
    if picture is not None:
        from hydra_ioc.training_extra import need_training

        with need_training():
            from hydra_ioc.performance_picture import draw

            draw(found, picture, config.loop.accuracy)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"{'day':10}  sampled  labelled  accuracy  95 % interval")
    for row in [*found["days"], {"day": "all"} | found["overall"]]:
        value = f"{row['accuracy']:8.3f}" if row["known"] else " unknown"
        low, high = row["interval"]
        click.echo(
            f"{row['day']:10}  {row['sampled']:7d}  {row['labelled']:8d}  {value}"
            f"  {low:.3f} to {high:.3f}"
        )
    if picture is not None:
        click.echo(f"drawn in {picture}")
    if not found["overall"]["known"]:
        click.echo(
            f"next: 'hydra-ioc labels queue {plot} --sample --page sample.html', and label them:"
            f" {config.loop.coverage:.0%} of the sample are needed",
            err=True,
        )


def by_day(images: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Sort images into days, UTC, in their order."""
    found: dict[str, list[Judged]] = {}
    for image in images:
        day = datetime.fromtimestamp(image.image_time, UTC).strftime("%Y-%m-%d")
        found.setdefault(day, []).append(image)
    return found


def summary(images: Sequence[Judged], coverage: float) -> dict[str, Any]:
    """Count images: accuracy with its interval, and confusion truth by truth.

    Args:
        images: Of the unbiased sample.
        coverage: Labelled share from which on the accuracy is known, 0..1.
    """
    accuracy = accuracy_of(images, coverage)
    confusion: dict[str, dict[str, int]] = {}
    for image in images:
        if image.truth is not None:
            row = confusion.setdefault(image.truth, {})
            row[image.label] = row.get(image.label, 0) + 1
    return {
        "sampled": accuracy.sampled,
        "labelled": accuracy.labelled,
        "known": accuracy.known,
        "accuracy": accuracy.value,
        "interval": wilson(accuracy.correct, accuracy.labelled),
        "confusion": confusion,
    }
