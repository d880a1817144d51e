"""``hydra-ioc embeddings``: kept images in one space, across changes of the model."""

import contextlib
import sys
from pathlib import Path
from typing import Any

import click

from db.catalogue_queries import catalogue
from db.embedding_queries import count_embeddings
from db.engine import reading
from hydra_ioc.embedding import Computed, compute
from hydra_ioc.record import actor, open_record
from pipeline.config import load
from pipeline.errors import FileError, InputError
from pipeline.vision.backbone import load as load_backbone

SHOWN = 10
"""Unreadable images that are listed."""


@click.group()
def command() -> None:
    """Embed kept images, so that clusters hold across changes of the model.

    Example: hydra-ioc embeddings list
    """


@command.command("list")
@click.pass_obj
def list_(config_file: Path | None) -> None:
    """List how many kept images of each plot are embedded, and by what.

    Example: hydra-ioc embeddings list
    """
    with reading(open_record(load(config_file))) as session:
        for row in count_embeddings(session):
            kind = "space" if row.space else "model"
            click.echo(f"{row.plot:30} {kind} {row.source[:12]} {row.images:7} images")


@command.command("compute")
@click.argument("plot", required=False)
@click.option("--anew", is_flag=True, help="Make another space, of the references of now.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1, 64))
@click.pass_obj
def compute_(config_file: Path | None, *, plot: str | None, anew: bool, threads: int) -> None:
    """Embed the kept images of PLOT, or of all plots, that its space does not have yet.

    The space is that of the shipped backbone next to the plot's references, or,
    where it has none, next to Good images of it. It stays when the model or the
    references change. Interrupted, the next call goes on.

    Example: hydra-ioc embeddings compute CDC_occupancy
    """
    config, who = load(config_file), actor("embeddings")
    engine = open_record(config)
    backbone = load_backbone(threads=threads)
    with reading(engine) as session:
        names = [row.name for row in catalogue(session)]
    faults: list[str] = []
    for name in names if plot is None else [plot]:
        try:
            with _Bar(name) as bar:
                made = compute(engine, config, backbone, name, who, anew=anew, step=bar.step)
        except InputError as error:
            if plot is not None:
                raise
            click.echo(f"{name}: left out, {error}", err=True)
            continue
        click.echo(_told(made))
        faults += [f"{name} {line}" for line in made.unreadable]
    if faults:
        rest = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        lines = [f"{len(faults)} images cannot be read:", *faults[:SHOWN], *rest]
        raise FileError("unreadable", "\n  ".join(lines))


def _told(made: Computed) -> str:
    space = made.space
    age = "new space" if space.new else "space"
    return (
        f"{space.plot}: {made.done} images embedded, {age} {space.source[:12]} next to"
        f" {space.compared} images"
    )


class _Bar(contextlib.AbstractContextManager["_Bar"]):
    """A bar on the standard error that learns its length from the first step."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bars = contextlib.ExitStack()
        self._bar: Any = None
        self._done = 0

    def step(self, done: int, total: int) -> None:
        if self._bar is None:
            bar = click.progressbar(length=total, label=self._name, file=sys.stderr)
            self._bar = self._bars.enter_context(bar)
        self._bar.update(done - self._done)
        self._done = done

    def __exit__(self, *found: object) -> None:
        self._bars.close()
