"""One decoder: a process of its own that turns files into orders.

It reads requests from the socket on its standard input and answers each one;
tensor and picture go through memory that both share.
When the Feeder ends, however it ends, the socket closes and the decoder ends.
"""

import itertools
import logging
import mmap
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
LENGTH: Final = struct.Struct("<I")
"""Before each message: its length in bytes."""


class Settings(msgspec.Struct, frozen=True):
    """The first thing a decoder is told."""

    name: str
    memories: tuple[int, ...]
    """File descriptors of the memories shared with the Feeder, used in turn."""
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
    """The order; its tensor and picture lie in the shared memory."""

    order: Order
    sizes: tuple[int, int]
    """Bytes of tensor and picture, which lie one behind the other."""
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


def framed(message: bytes) -> bytes:
    """Put the length before a message."""
    return LENGTH.pack(len(message)) + message


def receive(line: socket.socket) -> bytes:
    """Receive one message.

    Args:
        line: A stream socket that blocks.

    Raises:
        EOFError: The other end is gone.
    """
    (size,) = LENGTH.unpack(_exactly(line, LENGTH.size))
    return _exactly(line, size)


def _exactly(line: socket.socket, size: int) -> bytes:
    data = line.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        raise EOFError("the other end is gone")
    return data


class Memory:
    """Memory that a decoder and the Feeder share; it grows and never shrinks."""

    def __init__(self, descriptor: int) -> None:
        """Take a file in memory, see ``memfd_create``."""
        self.descriptor = descriptor
        self._map: mmap.mmap | None = None

    def write(self, frames: Sequence[bytes | memoryview]) -> None:
        """Put frames one behind the other."""
        whole = self._mapped(sum(map(len, frames)), grow=True)
        at = 0
        for frame in frames:
            whole[at : at + len(frame)] = frame
            at += len(frame)

    def read(self, sizes: Sequence[int]) -> list[bytes]:
        """Copy frames out.

        Args:
            sizes: Bytes of each, as they were written.
        """
        whole = self._mapped(sum(sizes))
        ends = itertools.accumulate(sizes)
        return [whole[end - size : end] for size, end in zip(sizes, ends, strict=True)]

    def close(self) -> None:
        """Give the memory back."""
        if self._map is not None:
            self._map.close()
        os.close(self.descriptor)

    def _mapped(self, size: int, *, grow: bool = False) -> mmap.mmap:
        if self._map is None or len(self._map) < size:
            size = max(size, mmap.PAGESIZE)
            if grow:
                os.ftruncate(self.descriptor, size)
            self._map = mmap.mmap(self.descriptor, size)
        return self._map


def answer(request: Request, config: Config, trees: tuple[Path, ...], memory: Memory) -> Answer:
    """Make the order of a file, or say why there is none.

    Args:
        request: Which file.
        config: The deployment.
        trees: Absolute paths of the watched trees.
        memory: Where tensor and picture go.
    """
    try:
        prepared: Prepared | None = take_in(
            request.candidate, request.entry, config, trees, show=request.show
        )
    except FileError as error:
        return Unusable(error.reason, str(error))
    except ModelError as error:
        return Unmade(str(error))
    except Exception as error:
        logger.exception("event=decoder-failed path=%r", request.candidate.path)
        return Failed(repr(error))
    if prepared is None:
        return Gone()
    tensor, picture = prepared.frames
    memory.write(prepared.frames)
    return Made(prepared.order, (len(tensor), len(picture)), prepared.duration_s)


def serve(line: socket.socket) -> None:
    """Answer requests until the other end closes.

    Args:
        line: To the Feeder.
    """
    settings = settings_of(receive(line))
    setproctitle.setproctitle(f"hydra-ioc {settings.name}")
    config = Config.model_validate_json(settings.config)
    memories = itertools.cycle([Memory(one) for one in settings.memories])
    cv2.setNumThreads(1)
    line.sendall(framed(b"ready"))
    for memory in memories:
        request = request_of(receive(line))
        line.sendall(framed(pack(answer(request, config, settings.trees, memory))))


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
