"""``hydra-ioc keys``: CURVE keys for sockets that leave the machine."""

from pathlib import Path

import click
import zmq.auth

from pipeline.errors import TransportError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Make the server's and the client's CURVE keys in FOLDER.

    Give every machine of the deployment a copy and name the folder in
    sockets.curve_folder.

    Example: hydra-ioc keys /etc/hydra/keys
    """
    if folder.exists() and any(folder.iterdir()):
        raise TransportError(f"{folder} is not empty; keys are never overwritten")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for role in ("server", "client"):
        _, secret = zmq.auth.create_certificates(folder, role)
        Path(secret).chmod(0o600)
    click.echo(f"keys written to {folder}")
