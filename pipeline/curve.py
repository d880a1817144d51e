"""CURVE: sockets that leave the machine are encrypted, and take known keys only."""

import logging
import weakref
from pathlib import Path

import zmq
import zmq.asyncio
import zmq.auth
from zmq.auth.asyncio import AsyncioAuthenticator

from pipeline.errors import TransportError
from pipeline.stage_socket import StageSocket

logger = logging.getLogger(__name__)

_doors: weakref.WeakKeyDictionary[zmq.asyncio.Context, AsyncioAuthenticator] = (
    weakref.WeakKeyDictionary()
)
"""ZeroMQ asks one authenticator for a context, whatever the number of sockets."""


class KnownKeys:
    """The public keys that may connect."""

    def __init__(self, keys: frozenset[bytes]) -> None:
        """Begin.

        Args:
            keys: In Z85, 40 bytes each.
        """
        self._keys = keys

    def callback(self, domain: str, key: bytes) -> bool:
        """Tell whether a key is known; pyzmq gives it this name.

        Args:
            domain: ZAP domain of the socket, unused.
            key: Public key of who connects, in Z85.
        """
        known = key in self._keys
        if not known:
            logger.warning(
                "event=key-refused domain=%r key=%s", domain, key.decode(errors="replace")
            )
        return known


def guard_server(socket: StageSocket, context: zmq.asyncio.Context, folder: Path) -> None:
    """Give a socket that binds its keys, and let known clients in only.

    Args:
        socket: Not yet bound.
        context: Its context.
        folder: Holds ``server.key_secret``, ``client.key`` and perhaps
            ``clients/*.key``, the public keys of more clients.

    Raises:
        TransportError: A key is missing.
    """
    socket.curve_publickey, socket.curve_secretkey = _keys(folder / "server.key_secret")
    socket.curve_server = True
    if context in _doors:
        return
    files = [folder / "client.key", *sorted((folder / "clients").glob("*.key"))]
    known = frozenset(_keys(file)[0] for file in files)
    # Without an authenticator CURVE encrypts for anybody who knows the server's public key.
    door = AsyncioAuthenticator(context)
    door.configure_curve_callback("*", KnownKeys(known))
    door.start()
    _doors[context] = door


def guard_client(socket: StageSocket, folder: Path) -> None:
    """Give a socket that connects its keys.

    Args:
        socket: Not yet connected.
        folder: Holds ``client.key_secret`` and ``server.key``.

    Raises:
        TransportError: A key is missing.
    """
    socket.curve_publickey, socket.curve_secretkey = _keys(folder / "client.key_secret")
    socket.curve_serverkey = _keys(folder / "server.key")[0]


def _keys(path: Path) -> tuple[bytes, bytes]:
    try:
        public, secret = zmq.auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise TransportError(f"no CURVE key at {path}: {error}") from error
    return public, secret or b""
