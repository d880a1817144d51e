"""A ZeroMQ socket for an event loop that costs little for each message."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import zmq

EVENTS: Final = int(zmq.EVENTS)
Waiter = tuple[int, asyncio.Future[None]]


class StageSocket(zmq.Socket[Any]):
    """Tries every call at once, and waits on the event loop only when ZeroMQ would block.

    ``zmq.asyncio.Socket`` makes a future, and asks for the state of the socket
    several times, for each message, also when one lies ready: with three
    sockets on the way of an image that was a tenth of all its CPU time.

    The file descriptor of a ZeroMQ socket tells of a change, not of a state
    (``ZMQ_FD`` in zmq_getsockopt(3)): every call takes notice of all changes so
    far, also of those another task waits for. So whoever has made a call looks
    after the others that wait.

    Source:
        zmq_getsockopt(3), ``ZMQ_FD`` and ``ZMQ_EVENTS``; decision 0087.
    """

    _waiting: list[Waiter]
    _loop: asyncio.AbstractEventLoop | None

    def __init__(self, *args: Any, **options: Any) -> None:
        """Make a socket; see ``zmq.Socket``."""
        self._waiting = []
        self._loop = None
        super().__init__(*args, **options)

    async def recv_multipart(  # type: ignore[override]
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> Any:
        """Receive one message, frame by frame; see ``zmq.Socket.recv_multipart``.

        Args:
            flags: ``zmq.NOBLOCK`` not to wait.
            copy: Give bytes; without it frames whose memory is ZeroMQ's own.
            track: As in ``zmq.Socket.recv_multipart``.

        Raises:
            zmq.Again: There is none, and it was not to wait.
        """
        while True:
            try:
                frames = self._receive(track)
            except zmq.Again:
                if flags & zmq.NOBLOCK:
                    raise
                await self._change(zmq.POLLIN)
            else:
                return [frame.bytes for frame in frames] if copy else frames

    async def send_multipart(  # type: ignore[override]
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **options: Any,
    ) -> Any:
        """Send one message; see ``zmq.Socket.send_multipart``.

        Args:
            msg_parts: Frames, bytes, or what has a buffer.
            flags: ``zmq.NOBLOCK`` not to wait.
            copy: Copy what is sent.
            track: As in ``zmq.Socket.send_multipart``.
            options: As in ``zmq.Socket.send_multipart``.

        Raises:
            zmq.Again: Nobody takes it, and it was not to wait.
        """
        now = flags | zmq.NOBLOCK
        while True:
            try:
                sent = super().send_multipart(msg_parts, now, copy, track, **options)
            except zmq.Again:
                if flags & zmq.NOBLOCK:
                    raise
                await self._change(zmq.POLLOUT)
            else:
                return sent
            finally:
                self._tell()

    async def poll(  # type: ignore[override]
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as zmq.Socket has it
        flags: int = zmq.POLLIN,
    ) -> int:
        """Wait until something can be received or sent.

        Args:
            timeout: How long, in milliseconds; without it, as long as it takes.
            flags: What to wait for, ``zmq.POLLIN`` and ``zmq.POLLOUT``.

        Returns:
            What can be done of that; 0 when the time is over.
        """
        try:
            async with asyncio.timeout(None if timeout is None else timeout / 1000):
                while not (found := self._events() & flags):
                    await self._change(flags)
        except TimeoutError:
            return 0
        return found

    def close(self, linger: int | None = None) -> None:
        """Close the socket; whoever waits on it is cancelled."""
        if self._loop is not None and not self.closed:
            if not self._loop.is_closed():
                self._loop.remove_reader(self.fileno())
                for _, future in self._waiting:
                    future.cancel()
            self._loop = None
        super().close(linger)

    def _receive(self, track: bool) -> list[zmq.Frame]:
        try:
            frames = [self.recv(zmq.NOBLOCK, copy=False, track=track)]
            while frames[-1].more:
                frames.append(self.recv(copy=False, track=track))
        finally:
            self._tell()
        return frames

    def _events(self) -> int:
        return int(self.getsockopt(EVENTS))  # type: ignore[arg-type]

    async def _change(self, flags: int) -> None:
        """Wait for a change after a call that would have blocked, and for nothing between."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._waiting.clear()
            loop.add_reader(self.fileno(), self._tell, True)
        waiter = (flags, loop.create_future())
        self._waiting.append(waiter)
        try:
            await waiter[1]
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _tell(self, called: bool = False) -> None:
        """Wake those whose turn has come; ``called`` by the loop, take notice in any case."""
        if not self._waiting and not called:
            return
        events = self._events()
        for flags, future in self._waiting:
            if flags & events and not future.done():
                future.set_result(None)
