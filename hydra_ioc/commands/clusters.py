"""``hydra-ioc clusters``: what kinds of images a plot has, without labels."""

import csv
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from db.embedding_queries import embeddings_of, note_clusters
from db.engine import reading, writing
from hydra_ioc.record import actor, open_record
from hydra_ioc.training_extra import need_training
from pipeline.config import load

SAID = {"cluster": "cluster", "label": "label", "run": "run", "beam": "beam current"}
"""What the colours of a picture say."""


class Image(NamedTuple):
    """An image in a cluster, as the table has it."""

    sha256: str
    run: int
    beam_current: float | None
    label: str
    cluster: int

    def coloured_by(self, what: str) -> str | float | None:
        """Give what decides its colour: cluster, label, run or beam."""
        if what == "run":
            return self.run
        if what == "beam":
            return self.beam_current
        return str(self.cluster) if what == "cluster" else self.label


@click.command()
@click.argument("plot")
@click.option("--k", "count", type=click.IntRange(2, 100), help="Clusters; default: the best.")
@click.option("--colour", type=click.Choice(["cluster", "label", "run", "beam"]), default="label")
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="PNG to write.")
@click.option("--table", type=click.Path(path_type=Path, dir_okay=False), help="CSV to write.")
@click.option("--limit", type=click.IntRange(10, 100_000), default=20_000, show_default=True)
@click.option("--source", metavar="DIGEST", help="Model whose embeddings count; default: newest.")
@click.pass_obj
def command(
    config_file: Path | None,
    *,
    plot: str,
    count: int | None,
    colour: str,
    picture: Path | None,
    table: Path | None,
    limit: int,
    source: str | None,
) -> None:
    """Put the images of PLOT into clusters by their embeddings; the clusters go on record.

    Example: hydra-ioc clusters CDC_occupancy --picture clusters.png --colour run
    """
    with need_training():
        import matplotlib as _  # noqa: F401
        import sklearn as _sk  # noqa: F401

        from hydra_ioc.clusters import SEED, cluster, draw, layout
    engine = open_record(load(config_file))
    with reading(engine) as session:
        source, rows = embeddings_of(session, plot, source, limit)
    vectors = np.stack([np.frombuffer(row[5], "<f2") for row in rows]).astype(np.float32)
    begun = time.monotonic()
    done = cluster(vectors, count)
    spent = time.monotonic() - begun
    with writing(engine) as session:
        members = [(row[0], row[1], int(one)) for row, one in zip(rows, done.members, strict=True)]
        note_clusters(
            session,
            actor("clusters"),
            plot,
            source=source,
            silhouette=done.silhouette,
            seed=SEED,
            members=members,
        )
    click.echo(
        f"{len(rows)} images of {plot} in {int(done.members.max()) + 1} clusters, silhouette"
        f" {done.silhouette:.2f}, embeddings {source[:12]}, {spent:.1f} s"
    )
    images = [Image(*row[1:5], int(one)) for row, one in zip(rows, done.members, strict=True)]
    _tell(images)
    if table is not None:
        _write(table, images)
    if picture is not None:
        begun = time.monotonic()
        chosen, places = layout(done, lambda text: click.echo(text, err=True))
        names = [images[int(index)].coloured_by(colour) for index in chosen]
        draw(picture, f"{plot}: {len(chosen)} images by {colour}", places, names, SAID[colour])
        click.echo(f"picture {picture}, t-SNE {time.monotonic() - begun:.1f} s")


def _tell(images: list[Image]) -> None:
    for number in sorted({image.cluster for image in images}):
        mine = [image for image in images if image.cluster == number]
        runs = len({image.run for image in mine})
        counts = Counter(image.label for image in mine)
        labels = ", ".join(f"{label or '-'} {count}" for label, count in counts.items())
        click.echo(f"cluster {number}: {len(mine)} images, {runs} runs: {labels}")


def _write(table: Path, images: list[Image]) -> None:
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Image._fields)
        writer.writerows(images)
