"""One decoder: a process of its own that turns files into orders.

It reads requests from the socket on its standard input and answers each one.
When the Feeder ends, however it ends, the socket closes and the decoder ends.
"""

import itertools
import logging
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec
import setproctitle

from pipeline.config import Config
from pipeline.errors import FileError, ModelError
from pipeline.feeder.backlog import Candidate
from pipeline.feeder.intake import Prepared, take_in
from pipeline.messages import Order, PlotEntry

logger = logging.getLogger(__name__)

STANDARD_INPUT: Final = 0
PARTS: Final = 3
"""Most parts of a message: answer, tensor, picture."""
HEADER: Final = struct.Struct(f"<{1 + PARTS}I")
"""Number of parts, size of each in bytes."""


class Settings(msgspec.Struct, frozen=True):
    """The first thing a decoder is told."""

    name: str
    config: str
    """The deployment as JSON."""
    trees: tuple[Path, ...]


class Request(msgspec.Struct, frozen=True):
    """Make the order of this file."""

    candidate: Candidate
    entry: PlotEntry
    show: bool
    """Whether the screens may come to show this image, so that it needs a picture."""


class Made(msgspec.Struct, frozen=True, tag="made"):
    """The order; its tensor and picture follow as raw bytes."""

    order: Order
    duration_s: float


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """The file is no longer there."""


class Unusable(msgspec.Struct, frozen=True, tag="unusable"):
    """The file cannot be used, and why."""

    reason: str
    text: str


class Unmade(msgspec.Struct, frozen=True, tag="unmade"):
    """The order cannot be made: a model's fault."""

    text: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A fault of the decoder itself."""

    text: str


Answer = Made | Gone | Unusable | Unmade | Failed


def pack(message: Any) -> bytes:
    """Turn a request, settings or an answer into bytes.

    Raises:
        UnicodeEncodeError: A text of it comes from a file name that is no text.
    """
    # As bytes: file names need not be text.
    return msgspec.msgpack.encode(message, enc_hook=os.fsencode)


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, bytes):
        return Path(os.fsdecode(value))
    raise NotImplementedError(f"no {kind.__name__} travels here")


settings_of = msgspec.msgpack.Decoder(Settings, dec_hook=_path).decode
request_of = msgspec.msgpack.Decoder(Request, dec_hook=_path).decode
answer_of = msgspec.msgpack.Decoder[Answer](Answer).decode


def send_parts(line: socket.socket, parts: Sequence[bytes | memoryview]) -> None:
    """Send a message of several parts.

    Args:
        line: A stream socket that blocks.
        parts: At most ``PARTS``.
    """
    sizes = [len(part) for part in parts]
    header = HEADER.pack(len(parts), *sizes, *[0] * (PARTS - len(parts)))
    for part in (header, *parts):
        line.sendall(part)


def receive_parts(line: socket.socket) -> list[memoryview]:
    """Receive a message of several parts.

    Args:
        line: A stream socket that blocks.

    Returns:
        The parts; they share one buffer.

    Raises:
        EOFError: The other end is gone.
        BlockingIOError: It did not answer within the socket's time-out.
    """
    count, *sizes = HEADER.unpack(_receive(line, HEADER.size))
    whole = _receive(line, sum(sizes))
    ends = list(itertools.accumulate(sizes))
    return [whole[end - size : end] for size, end in zip(sizes, ends, strict=True)][:count]


def _receive(line: socket.socket, size: int) -> memoryview:
    buffer = memoryview(bytearray(size))
    done = 0
    while done < size:
        got = line.recv_into(buffer[done:], 0, socket.MSG_WAITALL)
        if not got:
            raise EOFError("the other end is gone")
        done += got
    return buffer


def answer(request: Request, config: Config, trees: tuple[Path, ...]) -> tuple[Answer, Any]:
    """Make the order of a file, or say why there is none.

    Args:
        request: Which file.
        config: The deployment.
        trees: Absolute paths of the watched trees.

    Returns:
        The answer and its frames, none unless the order is made.
    """
    try:
        prepared: Prepared | None = take_in(
            request.candidate, request.entry, config, trees, show=request.show
        )
    except FileError as error:
        return Unusable(error.reason, str(error)), ()
    except ModelError as error:
        return Unmade(str(error)), ()
    except Exception as error:
        logger.exception("event=decoder-failed path=%r", request.candidate.path)
        return Failed(repr(error)), ()
    if prepared is None:
        return Gone(), ()
    return Made(prepared.order, prepared.duration_s), prepared.frames


def serve(line: socket.socket) -> None:
    """Answer requests until the other end closes.

    Args:
        line: To the Feeder.
    """
    settings = settings_of(receive_parts(line)[0])
    setproctitle.setproctitle(f"hydra-ioc {settings.name}")
    config = Config.model_validate_json(settings.config)
    cv2.setNumThreads(1)
    send_parts(line, [b"ready"])
    while True:
        request = request_of(receive_parts(line)[0])
        message, frames = answer(request, config, settings.trees)
        send_parts(line, [pack(message), *frames])


def main() -> None:
    """Run a decoder on the socket at its standard input."""
    # Ctrl-C goes to the whole group; the Feeder decides when its decoders end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    line = socket.socket(fileno=os.dup(STANDARD_INPUT))
    try:
        serve(line)
    except (EOFError, ConnectionError):
        # The Feeder is gone, and nobody else asks.
        line.close()


if __name__ == "__main__":
    main()
