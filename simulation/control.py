"""What the running experiment can be told, and how it is told.

One request, one reply, both JSON, over a REQ/REP pair on an ipc socket.
"""

import socket
from pathlib import Path
from typing import Final

import msgspec
import zmq

from pipeline.errors import CommandError, HydraError
from simulation.drawing import Fault

SOCKET: Final = "demo"
"""Name of the socket in the deployment's socket folder."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask"):
    """Base of all requests."""


class Inject(Request, frozen=True, tag="fault"):
    """Break something."""

    fault: Fault


class Clear(Request, frozen=True, tag="clear"):
    """Mend everything, or what shows on one plot."""

    plot: str = ""


class Beam(Request, frozen=True, tag="beam"):
    """Turn the beam on or off."""

    on: bool


class Status(Request, frozen=True, tag="status"):
    """Tell how it goes."""


class Reply(msgspec.Struct, frozen=True):
    """What was done, or why not."""

    ok: bool
    text: str


AnyRequest = Inject | Clear | Beam | Status


def parse(data: bytes) -> AnyRequest:
    """Validate a request.

    Args:
        data: As it came from the socket.

    Returns:
        The request.

    Raises:
        CommandError: It is none.
    """
    try:
        request: AnyRequest = msgspec.json.decode(data, type=AnyRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CommandError(
            f"expected a JSON request of fault, clear, beam or status; received one that"
            f" does not fit: {error}"
        ) from error
    return request


def ask(folder: Path, request: AnyRequest, timeout_s: float = 5.0) -> str:
    """Tell the running experiment something and wait for its reply.

    Args:
        folder: Socket folder of the deployment.
        request: What to tell.
        timeout_s: How long to wait.

    Returns:
        What it says it has done.

    Raises:
        CommandError: No experiment runs there, or it refuses.
    """
    path = folder / SOCKET
    if not listens(folder):
        raise CommandError(
            f"no demo answers at {path}; start one with 'hydra-ioc demo run'"
            " (with the same --config)"
        )
    with zmq.Context() as context, context.socket(zmq.REQ) as asker:
        asker.setsockopt(zmq.LINGER, 0)
        asker.connect(f"ipc://{path}")
        asker.send(msgspec.json.encode(request))
        if not asker.poll(round(timeout_s * 1000)):
            raise CommandError(f"the demo at {path} has not answered within {timeout_s:g} s")
        try:
            reply = msgspec.json.decode(asker.recv(), type=Reply)
        except msgspec.DecodeError as error:
            raise HydraError(f"{path} does not answer as a demo does: {error}") from error
    if not reply.ok:
        raise CommandError(reply.text)
    return reply.text


def listens(folder: Path) -> bool:
    """Tell whether an experiment holds the socket; a killed one leaves its file behind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(folder / SOCKET))
        except OSError:
            return False
    return True
