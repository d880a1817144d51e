"""``hydra-ioc history``: what was judged, newest first."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from db.engine import reading
from db.history_queries import HistoryRow, history
from hydra_ioc.record import open_record
from pipeline.config import load

HEADING = (
    f"{'image time (UTC)':19}  {'plot':30} {'run':>7} {'chunk':>5}  {'label':12}"
    f" {'weight':>6}  state"
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--plot", metavar="NAME", help="Only this plot type.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N lines.")
@click.option("--masks", is_flag=True, help="Tell which masks each was judged with.")
@click.pass_obj
def command(
    config_file: Path | None,
    *,
    as_json: bool,
    plot: str | None,
    limit: int | None,
    masks: bool,
) -> None:
    """List the verdicts on record, the newest image first.

    Example: hydra-ioc history --json --plot CDC_occupancy --limit 10
    """
    engine = open_record(load(config_file))
    with reading(engine) as session:
        if not as_json:
            click.echo(HEADING)
        for row in history(session, plot, limit):
            if as_json:
                facts = asdict(row)
                if not masks:
                    # Scripts are written against the other keys.
                    del facts["masks"]
                click.echo(json.dumps(facts, ensure_ascii=False))
            else:
                click.echo(_line(row) + (f"  {', '.join(row.masks)}" if masks else ""))


def _line(row: HistoryRow) -> str:
    when = datetime.fromtimestamp(row.image_time, UTC).strftime("%Y-%m-%d %H:%M:%S")
    state = ("confirmed" if row.confirmed else "unconfirmed") + (", late" if row.late else "")
    return (
        f"{when}  {row.plot:30} {row.run:7d} {row.chunk:5d}  {row.label:12}"
        f" {row.confidence:6.3f}  {state}"
    )
