"""Hears what the Keeper says is done."""

import time

import zmq

from pipeline.config import Config
from pipeline.errors import TransportError
from pipeline.messages import Done, decode


class DoneListener:
    """Counts the orders the Keeper has committed."""

    def __init__(self, config: Config) -> None:
        """Subscribe to ``Done``.

        Args:
            config: The deployment; its Keeper must run on this machine.
        """
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, 100_000)
        self._socket.subscribe(b"done")
        self._socket.connect(config.endpoint("states"))

    def wait(self, count: int, timeout_s: float) -> list[float]:
        """Wait for a number of commits.

        Args:
            count: How many different orders.
            timeout_s: How long to wait for the next one.

        Returns:
            Monotonic time of each, in order of arrival.

        Raises:
            TransportError: They stopped coming before all were there.
        """
        seen: dict[str, float] = {}
        while len(seen) < count:
            if not self._socket.poll(int(timeout_s * 1000)):
                raise TransportError(f"expected {count} images done, heard of {len(seen)}")
            message, _ = decode(self._socket.recv_multipart()[1:])
            if isinstance(message, Done):
                seen.setdefault(message.order_id, time.monotonic())
        return list(seen.values())

    def close(self) -> None:
        """Close the socket."""
        self._socket.close(0)
        self._context.term()
