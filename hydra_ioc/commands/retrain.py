"""``hydra-ioc retrain``: what asks for a training, and answering it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from db.engine import reading, writing
from db.retrain_queries import close_request, requests
from hydra_ioc.record import actor, open_record, permit
from pipeline.config import load
from pipeline.errors import CommandError


@click.group()
def command() -> None:
    """List, close and answer requests for a training. None makes a model active.

    Example: hydra-ioc retrain list
    """


@command.command("list")
@click.option("--plot", metavar="NAME", help="Only this plot type.")
@click.option("--all", "closed", is_flag=True, help="Closed ones, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(config_file: Path | None, *, plot: str | None, closed: bool, as_json: bool) -> None:
    """List requests, the newest first.

    Example: hydra-ioc retrain list --all --json
    """
    with reading(open_record(load(config_file))) as session:
        found = requests(session, plot, closed=closed)
    for row in found:
        if as_json:
            click.echo(json.dumps(asdict(row), ensure_ascii=False))
            continue
        when = datetime.fromtimestamp(row.opened_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        end = f"  closed by {row.closed_by}: {row.close_reason}" if row.closed_at else ""
        click.echo(f"{row.id:5d}  {when}  {row.plot:30} {row.cause:12} {row.reason}{end}")
    waiting = [row for row in found if not row.closed_at]
    if waiting and not as_json:
        first = waiting[0]
        click.echo(
            f"next: look at the plot; 'hydra-ioc labels queue {first.plot}' tells what to label,"
            f" then 'hydra-ioc retrain run {first.id}'; or 'hydra-ioc retrain close {first.id}"
            " --why REASON' where nothing is to be learnt",
            err=True,
        )


@command.command()
@click.argument("request", type=int)
@click.option("--why", required=True, help="Why nothing needs to be trained.")
@click.pass_obj
def close(config_file: Path | None, *, request: int, why: str) -> None:
    """Close REQUEST by hand; it is asked for again only once another model is active.

    Example: hydra-ioc retrain close 3 --why "the crate was off for a day"
    """
    engine = open_record(load(config_file))
    who = actor(why)
    permit(engine, who, "set-model")
    with writing(engine) as session:
        row = close_request(session, who, request, why)
    click.echo(f"closed request {row.id} of {row.plot} ({row.cause}): {why}")


@command.command()
@click.argument("request", type=int)
@click.pass_context
def run(ctx: click.Context, *, request: int) -> None:
    """Train the plot of REQUEST with all labels that count now; as 'hydra-ioc train PLOT'.

    The new model is not made active.

    Example: hydra-ioc retrain run 3
    """
    from hydra_ioc.commands.train import command as train

    with reading(open_record(load(ctx.obj))) as session:
        found = next((row for row in requests(session) if row.id == request), None)
    if found is None:
        raise CommandError(f"there is no open request {request}; see 'hydra-ioc retrain list'")
    with train.make_context("train", [found.plot], parent=ctx) as child:
        train.invoke(child)
