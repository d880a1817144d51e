"""Sockets between the stages: made in one place, with limits and keys.

The stable side binds. A socket that lags blocks its sender at the high-water
mark; a socket that drops (PUB) loses what a slow receiver cannot take, and
every receiver can ask for it again.
"""

import os
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlparse

import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.curve import guard_client, guard_server
from pipeline.errors import TransportError
from pipeline.messages import FRAME_LIMIT
from pipeline.stage_socket import StageSocket

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")


def open_socket(
    context: zmq.asyncio.Context,
    config: Config,
    kind: int,
    *,
    bind: str | None = None,
    connect: str | None = None,
) -> StageSocket:
    """Make, limit, secure and attach one socket.

    Args:
        context: The ZeroMQ context of the process.
        config: The deployment.
        kind: ``zmq.ROUTER`` and so on.
        bind: Name of the configured socket to bind, such as ``orders``.
        connect: Name of the configured socket to connect to.

    Returns:
        The socket, with high-water mark and linger as configured.

    Raises:
        TransportError: The endpoint cannot be used, or it leaves the machine
            and no CURVE keys are configured.
    """
    name = bind or connect
    if name is None or (bind and connect):
        raise TransportError("expected one of bind and connect")
    endpoint = config.endpoint(name)
    made = context.socket(kind, socket_class=cast(Any, StageSocket))
    socket = cast(StageSocket, made)
    socket.setsockopt(zmq.LINGER, config.sockets.linger_ms)
    socket.setsockopt(zmq.MAXMSGSIZE, FRAME_LIMIT)
    socket.setsockopt(zmq.SNDHWM, config.sockets.high_water)
    socket.setsockopt(zmq.RCVHWM, config.sockets.high_water)
    if kind == zmq.ROUTER:
        socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
    try:
        secure(socket, context, config, endpoint, server=bind is not None)
        if bind:
            _make_folder(endpoint)
            socket.bind(endpoint)
        else:
            socket.connect(endpoint)
    except (zmq.ZMQError, OSError) as error:
        socket.close(0)
        raise TransportError(f"socket {name} at {endpoint}: {error}") from error
    except TransportError:
        socket.close(0)
        raise
    return socket


def leaves_machine(endpoint: str) -> bool:
    """Tell whether an endpoint can be reached from other machines."""
    url = urlparse(endpoint)
    return url.scheme == "tcp" and (url.hostname or "*") not in LOOPBACK


def secure(
    socket: StageSocket,
    context: zmq.asyncio.Context,
    config: Config,
    endpoint: str,
    *,
    server: bool,
) -> None:
    """Give a socket its CURVE keys where its endpoint needs them.

    Args:
        socket: A socket that is not yet attached.
        context: Its context.
        config: The deployment; ``sockets.curve_folder`` holds the keys.
        endpoint: Where the socket will be attached.
        server: Whether it binds.

    Raises:
        TransportError: Keys are needed and missing.
    """
    if not leaves_machine(endpoint):
        return
    folder = config.sockets.curve_folder
    if folder is None:
        raise TransportError(
            f"{endpoint} leaves this machine and needs CURVE keys:"
            " make them with 'hydra-ioc keys FOLDER' and set sockets.curve_folder"
        )
    if server:
        guard_server(socket, context, config.under_state(folder))
    else:
        guard_client(socket, config.under_state(folder))


def _make_folder(endpoint: str) -> None:
    if endpoint.startswith("ipc://"):
        folder = Path(endpoint.removeprefix("ipc://")).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise TransportError(f"socket folder {folder} belongs to another user; remove it")
