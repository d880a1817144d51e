"""caproto's server with another way of delivering updates.

caproto keeps every sent update until a limit is reached, and warns of high
load early. Here each subscription of a client has a short queue whose oldest
entry makes room: memory is bounded by construction, and the last value always
arrives.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

import caproto as ca
from caproto.asyncio.server import Context, Event, VirtualCircuit
from caproto.server.common import DisconnectedCircuit, LoopExit

from ioc.access import Client
from ioc.ca_channel import BACKLOG
from ioc.ca_record import Host, client_of
from ioc.ca_update import Update
from pipeline.errors import CommandError, NotPermitted, TransportError

CANNOT_ACCESS: Final = ca.CAStatus.ECA_NOWTACCESS
CANNOT_PUT: Final = ca.CAStatus.ECA_PUTFAIL
BATCH: Final = 64
"""Most requests answered together, so that one client cannot hold up the others."""
INPUT_LIMIT: Final = 1_000_000
"""Most bytes of one request: no put of ours is near it."""


class WriteEvent(Event):
    """Set while no put is under way; waiting for it costs nothing then."""

    async def wait(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - caproto's
        """Wait until no put is under way, or for ``timeout`` seconds."""
        return self.is_set() or bool(await super().wait(timeout))


class Circuit(VirtualCircuit):
    """The connection to one client."""

    def __init__(self, circuit: Any, client: Any, context: "Server") -> None:
        """Begin; the client has not said yet who it is."""
        super().__init__(circuit, client, context)
        self.client_hostname = Host.at("", circuit.address[0])
        self.pending: dict[int, deque[tuple[Any, Update]]] = {}
        self._bell = asyncio.Event()
        self.write_event = WriteEvent()

    async def recv(self) -> None:
        """Receive, and drop a client that sends more than any put can be."""
        await super().recv()
        if len(self.circuit._data) > INPUT_LIMIT:  # noqa: SLF001 - nothing public tells
            client = client_of(self.client_hostname, self.client_username)
            self.context.refuse("(unread)", client, f"a put of over {INPUT_LIMIT} bytes")
            await self._on_disconnect()
            raise DisconnectedCircuit

    def queue_update(self, sub: Any, update: Update) -> None:
        """Queue an update; the oldest of a full queue makes room."""
        key = sub.subscriptionid
        if key not in self.pending:
            self.pending[key] = deque(maxlen=BACKLOG)
        self.pending[key].append((sub, update))
        self._bell.set()

    async def command_queue_loop(self) -> None:
        """Answer requests, those that came together with one write."""
        self.write_event.set()
        try:
            while True:
                commands = [await self.command_queue.get()]
                while len(commands) < BATCH and not self.command_queue.empty():
                    commands.append(self.command_queue.get_nowait())
                await self._answer_all(commands)
                await self._wake_new_command()
                await asyncio.sleep(0)
        except DisconnectedCircuit:
            await self._on_disconnect()
            self.circuit.disconnect()
            await self.context.circuit_disconnected(self)
        except (asyncio.CancelledError, LoopExit):
            return

    async def _answer_all(self, commands: Iterable[Any]) -> None:
        responses: list[Any] = []
        for command in commands:
            if responses and not self.write_event.is_set():
                # The next may wait for a put; what is known must not.
                await self.send(*responses)
                responses.clear()
            responses += await self._command_queue_iteration(command) or []
        if responses:
            await self.send(*responses)

    async def subscription_queue_loop(self) -> None:
        """Send what is queued, as fast as the client reads."""
        self.events_on.set()
        try:
            while True:
                await self._bell.wait()
                await self.events_on.wait()
                self._bell.clear()
                await self._send_pending()
        except asyncio.CancelledError:
            return
        except DisconnectedCircuit:
            await self._on_disconnect()
            self.circuit.disconnect()
            await self.context.circuit_disconnected(self)

    async def _send_pending(self) -> None:
        """Send every queued update in one write.

        The messages are packed here, not by caproto's circuit: thousands a
        second for each client, and their payload is the same for all.
        """
        pending, self.pending = self.pending, {}
        parts = [
            part
            for queue in pending.values()
            for sub, update in queue
            for part in update.message(sub.subscriptionid, sub.data_count)
        ]
        if not parts or not self.connected:
            return
        try:
            await self._send_buffers(*parts)
        except (OSError, ca.CaprotoNetworkError) as error:
            raise DisconnectedCircuit(str(error)) from error

    async def _cull_subscriptions(self, db_entry: Any, func: Any) -> tuple[Any, ...]:
        removed: tuple[Any, ...] = await super()._cull_subscriptions(db_entry, func)
        for _, sub in removed:
            self.pending.pop(sub.subscriptionid, None)
        return removed

    async def _process_command(self, command: Any) -> Any:
        if isinstance(command, ca.HostNameRequest):
            self.client_hostname = Host.at(command.name, self.circuit.address[0])
            return []
        if isinstance(command, ca.WriteRequest | ca.WriteNotifyRequest):
            self.write_event.clear()
            await self._start_write_task(lambda: self._write(command))
            return []
        if isinstance(command, ca.ClearChannelRequest):
            channel = self.circuit.channels_sid[command.sid]
            await super()._cull_subscriptions(None, lambda sub: sub.channel is channel)
        return await super()._process_command(command)

    async def _write(self, command: Any) -> None:
        channel, record = self._get_db_entry_from_command(command)
        try:
            await record.auth_write(
                self.client_hostname,
                self.client_username,
                command.data,
                command.data_type,
                command.metadata,
                user_address=self.circuit.address,
            )
        except CommandError as error:
            await self._answer(self._refusal(command, channel, error))
        else:
            if isinstance(command, ca.WriteNotifyRequest):
                await self._answer([channel.write(ioid=command.ioid, data_count=record.length)])
        finally:
            self.write_event.set()

    async def _answer(self, commands: Iterable[Any]) -> None:
        try:
            await self.send(*commands)
        except DisconnectedCircuit:
            self.log.debug("client left before its put was answered")

    def _refusal(self, command: Any, channel: Any, error: CommandError) -> list[Any]:
        """Make the answer to a refused put.

        A client that waits gets the status; every client gets the text as an
        exception, which caput prints.
        """
        status = CANNOT_ACCESS if isinstance(error, NotPermitted) else CANNOT_PUT
        text = ca.ErrorResponse(
            _as_plain_put(command, channel), channel.cid, status=status, error_message=str(error)
        )
        if isinstance(command, ca.WriteNotifyRequest):
            return [text, channel.write(ioid=command.ioid, status=status, data_count=1)]
        return [text]


def _as_plain_put(command: Any, channel: Any) -> Any:
    """Make the request that libca blames: it finds the channel by the last word."""
    return ca.WriteRequest(
        data=b"", metadata=None, data_type=0, sid=command.sid, data_count=1, ioid=channel.cid
    )


class Server(Context):
    """The server of all records."""

    CircuitClass = Circuit

    def __init__(
        self,
        records: dict[str, Any],
        interfaces: list[str],
        port: int,
        refuse: Callable[[str, Client, str], None],
    ) -> None:
        """Begin; ``run`` serves.

        Args:
            records: By PV name; may grow while serving.
            interfaces: Addresses of this host to listen on.
            port: TCP and UDP port.
            refuse: Counts a put that is refused before it reaches a record.
        """
        super().__init__(records, interfaces)
        self.ca_server_port = port
        self.refuse = refuse

    async def _bind_tcp_sockets_with_consistent_port_number(
        self, make_socket: Any
    ) -> tuple[int, dict[str, Any]]:
        """Bind the configured port or none: a client would not find another."""
        sockets: dict[str, Any] = {}
        try:
            for interface in self.interfaces:
                sockets[interface] = await make_socket(interface, self.ca_server_port)
        except OSError as error:
            for bound in sockets.values():
                bound.close()
            raise TransportError(
                f"Channel Access port {self.ca_server_port} on {interface}: {error.strerror};"
                " stop the other IOC or set ioc.ca_port"
            ) from error
        return self.ca_server_port, sockets

    async def subscription_queue_loop(self) -> None:
        """Do nothing: updates go to the circuits directly."""
        await asyncio.Event().wait()

    @property
    def subscription_queue(self) -> "Server":
        """What records deliver their updates to."""
        return self

    @subscription_queue.setter
    def subscription_queue(self, _queue: object) -> None:
        """Ignore caproto's own queue."""

    def deliver(self, spec: Any, update: Update) -> None:
        """Send an update to all subscriptions of a specification."""
        for sub in self.subscriptions[spec]:
            self.offer(spec, sub, update)

    def offer(self, spec: Any, sub: Any, update: Update) -> None:
        """Send an update to one subscription, or mark it while its client holds events."""
        circuit = sub.circuit
        if not circuit.events_on.is_set():
            held = circuit.subscriptions_to_resend.setdefault(spec, [])
            if sub not in held:
                held.append(sub)
            return
        circuit.queue_update(sub, update)
