"""``hydra-ioc predict``: one worker that runs the models."""

import logging
import os
from pathlib import Path

import click

from hydra_ioc.process import run_stage
from pipeline.config import load

logger = logging.getLogger(__name__)


@click.command()
@click.option(
    "--instance",
    type=click.IntRange(0, 9999),
    default=0,
    show_default=True,
    help="Number of this worker; every worker of a deployment has its own.",
)
@click.pass_obj
def command(config_file: Path | None, instance: int) -> None:
    """Judge the orders that the Balancer hands to this worker.

    Example: hydra-ioc --config hall-d.toml predict --instance 1
    """
    from pipeline.predict.quick import HUNG_EXIT
    from pipeline.predict.runner import Hung
    from pipeline.predict.service import serve

    config = load(config_file)
    try:
        run_stage(f"predict-{instance}", lambda: serve(config, instance), throughput=True)
    except Hung as error:
        logger.error("stage=Predict instance=%d event=hung reason='%s'", instance, error)
        logging.shutdown()
        # Leaving in the usual way would wait for a thread that never returns.
        os._exit(HUNG_EXIT)
