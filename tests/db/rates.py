"""How many verdicts a second the database takes, and how long look-ups take.

Example: python -m tests.db.rates --images 2000 --history 1000000 /var/tmp
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine, event, select

from db.engine import make_engine, reading, writing
from db.history_queries import history
from db.operation import RunHistory
from db.operation_queries import Live, set_live
from db.startup import upgrade
from tests.db.samples import digest, judged_plot, verdict


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--images", default=2000, show_default=True, help="Verdicts to write.")
@click.option("--history", "rows", default=0, show_default=True, help="Rows to look things up in.")
def main(folder: Path, images: int, rows: int) -> None:
    """Measure with a new SQLite file below FOLDER."""
    for synchronous in ("FULL", "NORMAL"):
        for batch in (1, 16):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                rate = measure(Path(place), synchronous, images, batch)
            click.echo(f"synchronous={synchronous} batch={batch}: {rate:.0f} images/s")
    if rows:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            look_up(Path(place), rows)


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


def look_up(place: Path, rows: int) -> None:
    """Tell how long the common questions take in a long history of 100 plots."""
    url = f"sqlite:///{place / 'rates.db'}"
    upgrade(url)
    engine = make_engine(url)
    with writing(engine) as session:
        plots = [judged_plot(session, f"plot{number}") for number in range(100)]
    for first in range(0, rows, 50_000):
        with writing(engine) as session:
            session.connection().execute(
                RunHistory.__table__.insert(),
                [_row(*plots[key % 100], key) for key in range(first, min(first + 50_000, rows))],
            )
    click.echo(f"{rows} rows: {(place / 'rates.db').stat().st_size / rows:.0f} bytes a row")
    questions = {
        "newest 100": lambda session: list(history(session, limit=100)),
        "newest 100 of a plot": lambda session: list(history(session, "plot7", 100)),
        "is this image known": lambda session: session.scalar(
            select(RunHistory.id).where(
                RunHistory.plot_type_id == plots[7][0],
                RunHistory.run == 131458,
                RunHistory.chunk == rows // 2,
                RunHistory.period == "RunPeriod-2026-11",
                RunHistory.sha256 == digest(rows // 2),
            )
        ),
    }
    for name, ask in questions.items():
        with reading(engine) as session:
            began = time.perf_counter()
            ask(session)
            click.echo(f"{name}: {1e3 * (time.perf_counter() - began):.2f} ms")


def _row(plot: int, model: int, key: int) -> dict[str, Any]:
    row = verdict(plot, model, key)
    names = {column.name for column in RunHistory.__table__.c} - {"id"}
    return {name: getattr(row, name) for name in names} | {"error": ""}


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
