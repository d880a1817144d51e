"""The Channel Access face of the board."""

import os

from ioc.ca_record import Record
from ioc.ca_server import Server
from ioc.description import Kind, PvDescription
from ioc.memory import Memory
from ioc.puts import Clerk
from ioc.value import PvValue


class CaFace:
    """Serves every PV that has a Channel Access form: all but pictures."""

    def __init__(self, clerk: Clerk, memory: Memory) -> None:
        """Begin without records.

        Args:
            clerk: Takes puts.
            memory: Keeps alarms over a restart.
        """
        self.records: dict[str, Record] = {}
        self._clerk = clerk
        self._memory = memory

    def add(self, description: PvDescription, value: PvValue) -> None:
        """Begin to serve a PV."""
        if description.kind is Kind.IMAGE:
            return
        record = Record(description, value, self._clerk, self._alarm_changed)
        known = self._memory.alarm(description.name) if description.ackable else None
        if known is not None:
            record.restore(known)
        self.records[description.name] = record

    def describe(self, description: PvDescription, _value: PvValue) -> None:
        """Serve a PV by a new description."""
        if description.name in self.records:
            self.records[description.name].describe(description)

    def show(self, name: str, value: PvValue) -> None:
        """Show a new value."""
        if name in self.records:
            self.records[name].show(value)

    def remove(self, name: str) -> None:
        """Serve a PV no longer; connected clients keep what they have seen."""
        for key in [key for key in self.records if key == name or key.startswith(f"{name}.")]:
            del self.records[key]

    def _alarm_changed(self, record: Record) -> None:
        if record.description.ackable:
            self._memory.keep_alarm(record.description.name, record.alarm)

    async def serve(self, interfaces: list[str], port: int) -> None:
        """Serve until cancelled.

        Args:
            interfaces: Addresses of this host to listen on.
            port: TCP and UDP port.

        Raises:
            TransportError: The port is taken.
        """
        # caproto takes both from the environment only.
        os.environ["EPICS_CAS_INTF_ADDR_LIST"] = " ".join(interfaces)
        os.environ["EPICS_CA_SERVER_PORT"] = str(port)
        server = Server(self.records, interfaces)
        await server.run()
