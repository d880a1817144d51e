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
SEATS: Final = 2
"""Files that a decoder has at a time: one at work, and the next so that it need not wait."""
RECEIVE: Final = 65_536
"""Bytes read at a time; nearly every answer is smaller."""


class Lost(HydraError):  # noqa: N818 - the name is the sentence
    """A decoder ended or did not answer in time."""


class Overtaken(HydraError):  # noqa: N818 - the name is the sentence
    """A decoder was lost over another file, before it came to this one."""


class _Line:
    """One decoder as the Feeder sees it; answers what it is asked one after the other."""

    def __init__(self, name: str, config: str, trees: tuple[Path, ...]) -> None:
        self.name = name
        self.asked = 0
        """Files that it has and has not answered for."""
        self._memories = [Memory(_shared(name)) for _ in range(SEATS)]
        self._line, theirs = socket.socketpair()
        descriptors = [memory.descriptor for memory in self._memories]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.feeder.decoder"],
                stdin=theirs.fileno(),
                pass_fds=descriptors,
            )
        self._line.sendall(framed(pack(Settings(name, tuple(descriptors), config, trees))))
        self._line.setblocking(False)
        self._ready = False
        self._broken = False
        self._number = 0
        self._came = b""
        self._sending = asyncio.Lock()
        self._receiving = asyncio.Lock()

    async def ask(self, request: Request, timeout_s: float) -> Prepared | None:
        """Have an order made.

        Raises:
            FileError: The file cannot be used.
            ModelError: The model wants what this release does not know.
            Lost: The decoder ended or did not answer.
            Overtaken: It was lost over another file.
        """
        try:
            packed = framed(pack(request))
        except UnicodeEncodeError as error:
            raise FileError("unknown-name", f"a name that is no text: {error}") from error
        # Locks are fair, so answers are awaited in the order of the requests. The
        # next request lies in the socket when the decoder has answered this one.
        self.asked += 1
        try:
            message, memory = await self._answer(packed, timeout_s)
            return self._taken(message, memory)
        finally:
            self.asked -= 1

    async def _answer(self, packed: bytes, timeout_s: float) -> tuple[Answer, Memory]:
        at_work = whole = False
        try:
            async with self._sending:
                self._check()
                memory = self._memories[self._number % SEATS]
                self._number += 1
                await asyncio.get_running_loop().sock_sendall(self._line, packed)
            async with self._receiving:
                self._check()
                at_work = True
                if not self._ready:
                    await asyncio.wait_for(self._receive(), START_S)
                    self._ready = True
                async with asyncio.timeout(timeout_s):
                    message = answer_of(await self._receive())
                whole = True
                return message, memory
        except TimeoutError as error:
            raise Lost(f"{self.name} did not answer in time") from error
        except (EOFError, OSError) as error:
            if not at_work:
                raise Overtaken(f"{self.name} ended before: {error!r}") from error
            raise Lost(f"{self.name} ended: {error!r}") from error
        finally:
            self._broken = self._broken or not whole

    def _check(self) -> None:
        if self._broken:
            raise Overtaken(f"{self.name} was lost over another file")

    def close(self) -> None:
        """End the process; once is enough."""
        if self._process.returncode is not None:
            return
        self._broken = True
        self._line.close()
        self._process.kill()
        self._process.wait()
        for memory in self._memories:
            memory.close()

    async def _receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        while len(self._came) < LENGTH.size or len(self._came) < _length(self._came):
            got = await loop.sock_recv(self._line, RECEIVE)
            if not got:
                raise EOFError("the decoder is gone")
            self._came += got
        end = _length(self._came)
        message, self._came = self._came[LENGTH.size : end], self._came[end:]
        return message

    def _taken(self, message: Answer, memory: Memory) -> Prepared | None:
        if isinstance(message, Made):
            tensor, picture = memory.read(message.sizes)
            return Prepared(message.order, (tensor, picture), message.duration_s)
        if isinstance(message, Gone):
            return None
        if isinstance(message, Unusable):
            raise FileError(message.reason, message.text)
        if isinstance(message, Unmade):
            raise ModelError(message.text)
        raise HydraError(f"{self.name}: {message.text}")


def _shared(name: str) -> int:
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    # A file that shrank under a map would end the Feeder.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return descriptor


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
        self._lines = [self._start(f"decoder-{number}") for number in range(config.input.decoders)]
        self._seats = asyncio.Semaphore(SEATS * len(self._lines))
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
        ended: list[str] = []
        async with self._seats:
            while len(ended) < TRIES:
                line = min(self._lines, key=lambda one: one.asked)
                try:
                    return await line.ask(request, self._timeout_s)
                except Lost as error:
                    ended.append(str(error))
                    logger.warning("event=decoder-lost path=%r text=%r", candidate.path, ended[-1])
                    self._replace(line)
                except Overtaken:
                    self._replace(line)
        raise FileError("corrupt", f"it ended {TRIES} decoders one after the other: {ended[-1]}")

    def close(self) -> None:
        """End the processes."""
        for line in self._lines:
            line.close()

    def _replace(self, line: _Line) -> None:
        """Start another decoder in the place of one that is lost, once."""
        line.close()
        if line in self._lines:
            self.lost += 1
            self._lines[self._lines.index(line)] = self._start(line.name)

    def _start(self, name: str) -> _Line:
        return _Line(name, self._config, self._trees)
