"""The Channel Access face of the board."""

import logging

from ioc.ca_record import Record
from ioc.ca_server import Server
from ioc.description import Kind, PvDescription
from ioc.memory import Memory
from ioc.puts import Clerk
from ioc.value import PvValue

logger = logging.getLogger(__name__)


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
        record = Record(description, value, self._clerk, self)
        known = self._memory.alarm(description.name) if description.ackable else None
        if known is not None:
            record.alarm.restore(known)
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

    def alarm_changed(self, record: Record) -> None:
        """Remember an alarm; written to disk with the next batch."""
        if record.description.ackable:
            self._memory.keep_alarm(record.description.name, record.alarm)

    def acknowledged(self, record: Record) -> None:
        """Remember an acknowledgement, on disk before the put completes."""
        self.alarm_changed(record)
        try:
            self._memory.save()
        except OSError as error:
            # The next batch tries again; the operator's acknowledgement holds meanwhile.
            logger.error("event=not-saved reason=%r", str(error))

    async def serve(self, interfaces: list[str], port: int) -> None:
        """Serve until cancelled.

        Args:
            interfaces: Addresses of this host to listen on.
            port: TCP and UDP port.

        Raises:
            TransportError: The port is taken.
        """
        await Server(self.records, interfaces, port, self._clerk.refuse).run()
