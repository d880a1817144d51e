"""The decoders of a Feeder: processes, because the PNG decoder holds the interpreter lock."""

import asyncio
import logging
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from pipeline.config import Config
from pipeline.errors import FileError, HydraError, ModelError
from pipeline.feeder.backlog import Candidate
from pipeline.feeder.decoder import (
    Gone,
    Made,
    Request,
    Settings,
    Unmade,
    Unusable,
    answer_of,
    pack,
    receive_parts,
    send_parts,
)
from pipeline.feeder.intake import Prepared
from pipeline.messages import PlotEntry

logger = logging.getLogger(__name__)

TRIES: Final = 2
"""A file that ends so many decoders is at fault itself."""
START_S: Final = 60.0
"""How long a decoder may take to start, on a machine that is busy starting everything."""


class Lost(HydraError):  # noqa: N818 - the name is the sentence
    """A decoder ended or did not answer in time."""


class _Line:
    """One decoder as the Feeder sees it; used by one thread at a time."""

    def __init__(self, name: str, settings: Settings) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.feeder.decoder"], stdin=theirs.fileno()
            )
        self.name = name
        self._line = ours
        send_parts(self._line, [pack(settings)])
        self._patience(START_S)
        self._ready = False

    def ask(self, request: Request, timeout_s: float) -> Prepared | None:
        """Have an order made.

        Raises:
            FileError: The file cannot be used.
            ModelError: The model wants what this release does not know.
            Lost: The decoder ended or did not answer.
        """
        try:
            packed = pack(request)
        except UnicodeEncodeError as error:
            raise FileError("unknown-name", f"a name that is no text: {error}") from error
        try:
            if not self._ready:
                receive_parts(self._line)
                self._patience(timeout_s)
                self._ready = True
            send_parts(self._line, [packed])
            header, *frames = receive_parts(self._line)
            message = answer_of(header)
        except BlockingIOError as error:
            raise Lost(f"{self.name} did not answer within {timeout_s:g} s") from error
        except (EOFError, OSError) as error:
            raise Lost(f"{self.name} ended: {error!r}") from error
        if isinstance(message, Made):
            return Prepared(message.order, (frames[0], frames[1]), message.duration_s)
        if isinstance(message, Gone):
            return None
        if isinstance(message, Unusable):
            raise FileError(message.reason, message.text)
        if isinstance(message, Unmade):
            raise ModelError(message.text)
        raise HydraError(f"{self.name}: {message.text}")

    def close(self) -> None:
        """End the process."""
        self._line.close()
        self._process.kill()
        self._process.wait()

    def _patience(self, timeout_s: float) -> None:
        # The kernel keeps the time: asking before every read would cost more than the read.
        limit = struct.pack("ll", int(timeout_s), int(timeout_s % 1 * 1e6))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._line.setsockopt(socket.SOL_SOCKET, option, limit)


class Decoders:
    """Makes orders from files, several at a time, off the event loop.

    Attributes:
        lost: How many decoders ended at work and were replaced.
    """

    def __init__(self, config: Config, trees: Sequence[Path]) -> None:
        """Start the processes; they are ready within about a second.

        Args:
            config: The deployment; ``input.decoders`` says how many.
            trees: Absolute paths of the watched trees.
        """
        self._number = config.input.decoders
        self._timeout_s = config.input.decode_timeout_s
        self._config, self._trees = config.model_dump_json(), tuple(trees)
        self._pool = ThreadPoolExecutor(self._number, thread_name_prefix="decoder")
        self._lines = [self._start(number) for number in range(self._number)]
        self._idle: asyncio.LifoQueue[int] = asyncio.LifoQueue()
        for number in reversed(range(self._number)):
            self._idle.put_nowait(number)
        self._closed = False
        self.lost = 0

    async def take_in(
        self, candidate: Candidate, entry: PlotEntry, *, show: bool
    ) -> Prepared | None:
        """Make the order of a file.

        Args:
            candidate: The file.
            entry: Its plot type in the catalogue.
            show: Whether the screens may come to show this image.

        Returns:
            The order; None when the file is no longer there.

        Raises:
            FileError: The file cannot be used, or it ended the decoder twice.
            ModelError: The catalogue's model wants an unknown preprocessing.
        """
        request = Request(candidate, entry, show)
        number = await self._idle.get()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._ask, number, request)
        finally:
            self._idle.put_nowait(number)

    def close(self) -> None:
        """End the processes and drop what waits."""
        self._closed = True
        for line in self._lines:
            line.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _ask(self, number: int, request: Request) -> Prepared | None:
        text = ""
        for _ in range(TRIES):
            try:
                return self._lines[number].ask(request, self._timeout_s)
            except Lost as error:
                if self._closed:
                    raise
                text = str(error)
                path = request.candidate.path
                logger.warning("event=decoder-lost path=%r text=%r", path, text)
                self.lost += 1
                self._lines[number].close()
                self._lines[number] = self._start(number)
        raise FileError("corrupt", f"it ended {TRIES} decoders one after the other: {text}")

    def _start(self, number: int) -> _Line:
        name = f"decoder-{number}"
        return _Line(name, Settings(name, self._config, self._trees))
