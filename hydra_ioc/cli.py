"""The command ``hydra-ioc``: finds its subcommands, maps failures to exit codes.

Exit codes: 0 done, 1 refused or failed with a reason, 2 wrong usage.
"""

import importlib
import logging
import pkgutil
import sys
from pathlib import Path
from typing import NoReturn

import click

import hydra_ioc.commands
from pipeline.errors import HydraError

FAILED = 1


class Subcommands(click.Group):
    """Loads a subcommand's module only when it is called for.

    A role must not pay for what another role imports: the Feeder has no use
    for Qt, the screens have none for a database.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the modules of ``hydra_ioc.commands``."""
        names = (module.name for module in pkgutil.iter_modules(hydra_ioc.commands.__path__))
        return sorted(name.rstrip("_").replace("_", "-") for name in names if name[0] != "_")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a subcommand and give its ``command``."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = cmd_name.replace("-", "_")
        command = importlib.import_module(f"hydra_ioc.commands.{module}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"hydra_ioc.commands.{module}.command is not a click command")
        return command


@click.command(cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="HYDRA_CONFIG",
    help="TOML file of the deployment; embedded defaults without it.",
)
@click.option("--log-level", default="INFO", envvar="HYDRA_LOG_LEVEL", show_default=True)
@click.version_option(package_name="hydra-ioc")
@click.pass_context
def cli(ctx: click.Context, config_file: Path | None, log_level: str) -> None:
    """Computer vision for monitoring plots, published as EPICS PVs.

    Example: hydra-ioc --config hall-d.toml pvs
    """
    logging.basicConfig(
        level=log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    # Alembic lists its plug-ins at every start.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    ctx.obj = config_file


def main() -> NoReturn:
    """Run the command line and exit."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(FAILED)
    except HydraError as error:
        click.echo(f"hydra-ioc: {error}", err=True)
        sys.exit(FAILED)
    sys.exit(code if isinstance(code, int) else 0)
