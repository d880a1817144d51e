"""``hydra-ioc keeper``: judges, records, and says what every plot shows."""

from pathlib import Path

import click

from hydra_ioc.process import run_stage
from pipeline.config import load


@click.command()
@click.pass_obj
def command(config_file: Path | None) -> None:
    """Judge reports, record them, keep images, and publish what every plot shows.

    Example: hydra-ioc --config hall-d.toml keeper
    """
    from hydra_ioc.supervision import executable
    from pipeline.keeper.service import serve

    config = load(config_file)
    given = ("--config", str(config_file.absolute())) if config_file is not None else ()
    why = f"every {config.references.adapt_period_s:g} s"
    adapt = (executable(), *given, "references", "adapt", "--why", why)
    run_stage("keeper", lambda: serve(config, adapt), throughput=True)
