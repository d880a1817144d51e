"""``hydra-ioc up``: the whole deployment on this machine, as st.cmd starts it."""

import os
from pathlib import Path

import click

from hydra_ioc.deployment import bring_up, epics_environment
from pipeline.config import Config, load


@click.command()
@click.option(
    "--input",
    "tree",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Watch this folder instead of the simulated experiment's; its files are kept.",
)
@click.option("--headless", is_flag=True, help="Open no screen.")
@click.option(
    "--for",
    "for_s",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop after serving this long.",
)
@click.option("--demo/--no-demo", default=None, help="Run the simulated experiment beside it.")
@click.pass_obj
def command(
    config_file: Path | None,
    tree: Path | None,
    headless: bool,
    for_s: float | None,
    demo: bool | None,
) -> None:
    """Run every process of the deployment until Ctrl-C or SIGTERM.

    Example: hydra-ioc up --headless --for 60
    """
    config = with_input(load(config_file), tree)
    own = tree is not None or config_file is not None
    screen = not headless and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    with_demo = demo if demo is not None else not own
    for line in bring_up(config, demo=with_demo, screen=screen, for_s=for_s):
        click.echo(line)
        if line.startswith("hydra: ready"):
            click.echo(_hints(config, screen=screen, demo=with_demo))


def with_input(config: Config, tree: Path | None) -> Config:
    """Give the configuration with another input tree.

    Args:
        config: The deployment.
        tree: The folder to watch; None leaves the configuration as it is.

    Returns:
        The configuration; the files of a folder named on the command line are
        somebody's own and are kept.
    """
    if tree is None:
        return config
    changed = config.input.model_copy(update={"trees": [tree.absolute()], "after": "keep"})
    return Config.model_validate(config.model_copy(update={"input": changed}).model_dump())


def _hints(config: Config, *, screen: bool, demo: bool) -> str:
    variables = epics_environment(config)
    shown = ("EPICS_CA_AUTO_ADDR_LIST", "EPICS_CA_ADDR_LIST", "EPICS_CA_SERVER_PORT")
    lines = ["  EPICS clients on this machine:"]
    lines += [f"    export {name}='{variables[name]}'" for name in shown]
    if demo:
        lines.append("  knock out a crate:")
        lines.append("    .venv/bin/hydra-ioc demo fault dead-crate CDC_occupancy")
    if not screen:
        run = config.under_state(Path("run")) / "deployment.toml"
        lines.append("  the Run screen, on a display:")
        lines.append(f"    .venv/bin/hydra-ioc --config {run} screen")
    return "\n".join(lines)
