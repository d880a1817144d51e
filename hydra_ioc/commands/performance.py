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
from db.judged_queries import Judged, Of, View, judged
from db.performance_queries import days
from hydra_ioc.record import open_record
from pipeline.config import load
from pipeline.keeper.trends import accuracy_of, wilson

DAY_S = 86_400.0


@click.command()
@click.argument("plot")
@click.option("--days", "length", type=click.IntRange(1, 3650), default=30, show_default=True)
@click.option(
    "--of",
    type=click.Choice([of.value for of in Of]),
    default=Of.SAMPLE.value,
    show_default=True,
    help="The unbiased sample, all labelled images, or labels newer than the model's training.",
)
@click.option("--period", metavar="NAME", help="Only this run period.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option("--plot", "picture", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.pass_obj
def command(
    config_file: Path | None,
    plot: str,
    *,
    length: int,
    of: str,
    period: str | None,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Tell accuracy, recall of each label and confusion of PLOT by day.

    Only the unbiased sample tells how often the model is right on all images; of labelled
    images, with --of labelled or --of new, there are more with faults. --plot FILE draws
    accuracy and confusion; that needs the training extra.

    Example: hydra-ioc performance CDC_occupancy --days 3650 --of labelled
    """
    config = load(config_file)
    since = time.time() - length * DAY_S
    with reading(open_record(config)) as session:
        key = plot_type(session, plot).id
        images = judged(session, key, View(since=since, of=Of(of), period=period))
        stored = [
            {"day": row.day, "unconfirmed": row.unconfirmed, "drift": row.drift}
            for row in days(session, key)
        ]
    found: dict[str, Any] = {
        "plot": plot,
        "of": of,
        "period": period,
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
    _table(found)
    if picture is not None:
        click.echo(f"drawn in {picture}")
    if of == Of.SAMPLE and not found["overall"]["known"]:
        click.echo(
            f"next: 'hydra-ioc labels queue {plot} --sample --page sample.html', and label them:"
            f" {config.loop.coverage:.0%} of the sample are needed",
            err=True,
        )


def _table(found: dict[str, Any]) -> None:
    click.echo(f"{'day':10}  sampled  labelled  accuracy  95 % interval")
    for row in [*found["days"], {"day": "all"} | found["overall"]]:
        value = f"{row['accuracy']:8.3f}" if row["known"] else " unknown"
        low, high = row["interval"]
        click.echo(
            f"{row['day']:10}  {row['sampled']:7d}  {row['labelled']:8d}  {value}"
            f"  {low:.3f} to {high:.3f}"
        )
    for label, row in found["overall"]["recall"].items():
        low, high = row["interval"]
        share = f"{row['right']}/{row['labelled']}"
        click.echo(f"recall of {label}: {share}, 95 % interval {low:.3f} to {high:.3f}")


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
        images: Verdicts with what people say of them.
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
        "recall": {
            truth: {
                "labelled": sum(row.values()),
                "right": row.get(truth, 0),
                "interval": wilson(row.get(truth, 0), sum(row.values())),
            }
            for truth, row in sorted(confusion.items())
        },
        "confusion": confusion,
    }
