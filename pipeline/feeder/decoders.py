"""The decoders of a Feeder: processes, because the PNG decoder holds the interpreter lock."""

import asyncio
import fcntl
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipeline.config import Config
from pipeline.errors import FileError, HydraError, ModelError
from pipeline.feeder.backlog import Candidate
from pipeline.feeder.decoder import (
    LENGTH,
    Answer,
    Gone,
    Made,
    Memory,
    Request,
    Settings,
    Unmade,
    Unusable,
    answer_of,
    framed,
    pack,
)
from pipeline.feeder.intake import Prepared
from pipeline.messages import PlotEntry

logger = logging.getLogger(__name__)

TRIES: Final = 2
"""A file that ends so many decoders is at fault itself."""
START_S: Final = 60.0
"""How long a decoder may take to start, on a machine that is busy starting everything."""
RECEIVE: Final = 65_536
"""Bytes read at a time; nearly every answer is smaller."""


class Lost(HydraError):  # noqa: N818 - the name is the sentence
    """A decoder ended or did not answer in time."""


class _Line:
    """One decoder as the Feeder sees it; asked one thing at a time."""

    def __init__(self, name: str, config: str, trees: tuple[Path, ...]) -> None:
        self.name = name
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        # A file that shrank under a map would end the Feeder.
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        self._memory = Memory(descriptor)
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.feeder.decoder"],
                stdin=theirs.fileno(),
                pass_fds=[descriptor],
            )
        self._line.sendall(framed(pack(Settings(name, descriptor, config, trees))))
        self._line.setblocking(False)
        self._ready = False

    async def ask(self, request: Request, timeout_s: float) -> Prepared | None:
        """Have an order made.

        Raises:
            FileError: The file cannot be used.
            ModelError: The model wants what this release does not know.
            Lost: The decoder ended or did not answer.
        """
        try:
            packed = framed(pack(request))
        except UnicodeEncodeError as error:
            raise FileError("unknown-name", f"a name that is no text: {error}") from error
        try:
            if not self._ready:
                await asyncio.wait_for(self._receive(), START_S)
                self._ready = True
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_sendall(self._line, packed)
                message = answer_of(await self._receive())
        except TimeoutError as error:
            raise Lost(f"{self.name} did not answer in time") from error
        except (EOFError, OSError) as error:
            raise Lost(f"{self.name} ended: {error!r}") from error
        return self._taken(message)

    def close(self) -> None:
        """End the process; once is enough."""
        if self._process.returncode is not None:
            return
        self._line.close()
        self._process.kill()
        self._process.wait()
        self._memory.close()

    async def _receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        whole = b""
        while len(whole) < LENGTH.size or len(whole) < _length(whole):
            got = await loop.sock_recv(self._line, RECEIVE)
            if not got:
                raise EOFError("the decoder is gone")
            whole += got
        return whole[LENGTH.size :]

    def _taken(self, message: Answer) -> Prepared | None:
        if isinstance(message, Made):
            tensor, picture = self._memory.read(message.sizes)
            return Prepared(message.order, (tensor, picture), message.duration_s)
        if isinstance(message, Gone):
            return None
        if isinstance(message, Unusable):
            raise FileError(message.reason, message.text)
        if isinstance(message, Unmade):
            raise ModelError(message.text)
        raise HydraError(f"{self.name}: {message.text}")


def _length(begin: bytes) -> int:
    size: int
    (size,) = LENGTH.unpack(begin[: LENGTH.size])
    return LENGTH.size + size


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
        self._timeout_s = config.input.decode_timeout_s
        self._config, self._trees = config.model_dump_json(), tuple(trees)
        self._idle: asyncio.LifoQueue[_Line] = asyncio.LifoQueue()
        self._lines = [self._start(f"decoder-{number}") for number in range(config.input.decoders)]
        for line in reversed(self._lines):
            self._idle.put_nowait(line)
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
        line = await self._idle.get()
        try:
            text = ""
            for _ in range(TRIES):
                try:
                    return await line.ask(request, self._timeout_s)
                except Lost as error:
                    text = str(error)
                    logger.warning("event=decoder-lost path=%r text=%r", candidate.path, text)
                    self.lost += 1
                    line = self._replace(line)
        finally:
            self._idle.put_nowait(line)
        raise FileError("corrupt", f"it ended {TRIES} decoders one after the other: {text}")

    def close(self) -> None:
        """End the processes."""
        for line in self._lines:
            line.close()

    def _replace(self, line: _Line) -> _Line:
        line.close()
        number = self._lines.index(line)
        self._lines[number] = self._start(line.name)
        return self._lines[number]

    def _start(self, name: str) -> _Line:
        return _Line(name, self._config, self._trees)
