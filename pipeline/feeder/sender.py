"""Sending orders to the Balancer, again and again until they are done."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.feeder.catalogue import on_loss
from pipeline.feeder.condition import Condition
from pipeline.feeder.ledger import Flight, Ledger
from pipeline.messages import encode
from pipeline.sockets import open_socket

TICK_S: Final = 0.25
"""How often late orders are looked for."""


class Sender:
    """Hands orders to the socket; the ledger keeps them until they are done."""

    def __init__(
        self, context: zmq.asyncio.Context, config: Config, ledger: Ledger, condition: Condition
    ) -> None:
        """Connect to the Balancer.

        Args:
            context: The ZeroMQ context of the process.
            config: The deployment.
            ledger: The orders under way.
            condition: Shows when the Balancer takes none.

        Raises:
            TransportError: The socket cannot be used.
        """
        self.resent = 0
        self._ledger = ledger
        self._condition = condition
        self._resend_s = config.input.resend_s
        # Without a Balancer nothing may pile up in the socket: the ledger keeps it.
        context.setsockopt(zmq.IMMEDIATE, 1)
        self._socket = open_socket(context, config, zmq.DEALER, connect="orders")
        context.setsockopt(zmq.IMMEDIATE, 0)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close(0)

    async def send(self, flight: Flight) -> None:
        """Send an order now, or leave it to ``run`` when the socket takes none."""
        parts = encode(flight.prepared.order, flight.prepared.frames)
        flight.sent = time.monotonic()
        try:
            await self._socket.send_multipart(parts, flags=zmq.NOBLOCK)
        except zmq.Again:
            flight.sent = None
            return
        self.resent += flight.tries > 0
        flight.tries += 1

    async def run(self, outdated: Callable[[Flight], bool]) -> None:
        """Send again what is late, and what the socket has not taken, until cancelled.

        Args:
            outdated: Takes an order that has to be made anew out of the ledger
                and tells so.
        """
        while True:
            for flight in self._ledger.due(time.monotonic(), self._resend_s):
                if outdated(flight):
                    continue
                await self.send(flight)
                if flight.sent is None:
                    break
            unsent = self._ledger.unsent()
            self._condition.set(
                "balancer", f"the Balancer takes no orders, {unsent} wait" if unsent else ""
            )
            await asyncio.sleep(TICK_S)

    async def follow(self) -> None:
        """Mark all orders as not sent whenever a Balancer is lost: it forgot them."""
        await on_loss(self._socket, self._ledger.unsend)
