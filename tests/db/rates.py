"""How many verdicts a second the database takes, one transaction each.

Example: python -m tests.db.rates --images 2000 /var/tmp
"""

import tempfile
import time
from pathlib import Path

import click
from sqlalchemy import Engine, event

from db.engine import make_engine, writing
from db.operation_queries import Live, set_live
from db.startup import upgrade
from tests.db.samples import digest, judged_plot, verdict


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--images", default=2000, show_default=True)
def main(folder: Path, images: int) -> None:
    """Write verdicts into a new SQLite file below FOLDER, durable in two ways."""
    for synchronous in ("FULL", "NORMAL"):
        for batch in (1, 16):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                rate = measure(Path(place), synchronous, images, batch)
            click.echo(f"synchronous={synchronous} batch={batch}: {rate:.0f} images/s")


def measure(place: Path, synchronous: str, images: int, batch: int) -> float:
    """Give the images a second."""
    url = f"sqlite:///{place / 'rates.db'}"
    upgrade(url)
    engine = make_engine(url)

    @event.listens_for(engine, "connect")
    def _relax(connection, _record) -> None:
        connection.execute(f"PRAGMA synchronous={synchronous}")

    with writing(engine) as session:
        plot, model = judged_plot(session)
    began = time.perf_counter()
    for first in range(0, images, batch):
        _write(engine, plot, model, range(first, min(first + batch, images)))
    return images / (time.perf_counter() - began)


def _write(engine: Engine, plot: int, model: int, chunks: range) -> None:
    with writing(engine) as session:
        rows = [verdict(plot, model, chunk) for chunk in chunks]
        session.add_all(rows)
        session.flush()
        last = rows[-1]
        set_live(
            session,
            Live(
                plot_type_id=plot,
                run_history_id=last.id,
                label=last.label,
                confidence=last.confidence,
                confirmed=last.confirmed,
                weights=last.output,
                thresholds=last.thresholds,
                run=last.run,
                chunk=last.chunk,
                period=last.period,
                image_time=last.image_time,
                closed_time=last.image_time,
                model=digest("model"),
                reason="Bad 0.90, threshold 0.70",
                image_file="",
                severity=2,
                status=7,
                count=last.chunk,
                since=0.0,
            ),
        )


if __name__ == "__main__":
    main()
