"""A PV on the CA face: a record with fields and the alarm behaviour of a C record."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from caproto import AccessRights, CaprotoKeyError, ChannelType

from ioc.access import Client
from ioc.ca_alarm import RecordAlarm
from ioc.ca_channel import ALARM, PROPERTY, VALUE, CaChannel
from ioc.ca_fields import ENUM_FIELDS, FIELDS
from ioc.ca_put import decode_put
from ioc.description import Kind, PvDescription
from ioc.puts import Clerk
from ioc.value import Content, PvValue
from pipeline.errors import CommandError

TEXTS: Final = (Kind.STRING, Kind.LONG_STRING, Kind.TEXT)


class Host(str):
    """Host name as a client claims it, with the address that it really has."""

    address: str = ""

    @classmethod
    def at(cls, name: str, address: str) -> "Host":
        """Make one."""
        host = cls(name)
        host.address = address
        return host


class AlarmKeeper(Protocol):
    """Who remembers alarms over a restart."""

    def alarm_changed(self, record: "Record") -> None:
        """The alarm of a record changed."""

    def acknowledged(self, record: "Record") -> None:
        """Somebody acknowledged the alarm of a record."""


class Record(CaChannel):
    """One PV on the CA face."""

    description: PvDescription

    def __init__(
        self,
        description: PvDescription,
        value: PvValue,
        clerk: Clerk,
        keeper: "AlarmKeeper",
    ) -> None:
        """Begin with a value.

        Args:
            description: What the PV is.
            value: What it shows at first.
            clerk: Takes puts.
            keeper: Remembers the alarm.
        """
        super().__init__(description.kind, description.max_length)
        self._alarm = RecordAlarm(value.severity, value.status)
        self._value = value
        self._clerk = clerk
        self._keeper = keeper
        self._fields: dict[str, Field] = {}
        self._describe(description)

    def _describe(self, description: PvDescription) -> None:
        self.description = description
        self.units = description.units
        self.precision = description.precision
        self.display = description.display
        self.drive = description.drive
        self.alarms = description.alarms
        self.choices = description.choices

    @property
    def content(self) -> Content:
        """Field VAL."""
        return self._value.value

    @property
    def alarm(self) -> RecordAlarm:
        """Fields SEVR, STAT, ACKS and ACKT."""
        return self._alarm

    @property
    def stamp(self) -> tuple[int, int]:
        """Field TIME."""
        return self._value.stamp

    @property
    def value(self) -> PvValue:
        """What the record shows."""
        return self._value

    @property
    def rtyp(self) -> str:
        """Field RTYP."""
        return self.description.record_type

    def show(self, value: PvValue) -> None:
        """Swap in a new value and tell those who asked for that kind of change."""
        old, self._value = self._value, value
        flags = VALUE if value.value != old.value else 0
        if self._alarm.take(value.severity, value.status):
            flags |= ALARM
            self._keeper.alarm_changed(self)
        self.post(flags)
        self._refresh(flags)

    def describe(self, description: PvDescription) -> None:
        """Take a new description."""
        self._describe(description)
        self.post(PROPERTY)
        self._refresh(PROPERTY)

    def check_access(self, hostname: str, username: str) -> AccessRights:
        """Tell what a client may do, as reported when it connects."""
        if self._clerk.may_write(self.description, client_of(hostname, username)):
            return AccessRights.READ | AccessRights.WRITE
        return AccessRights.READ

    async def auth_write(
        self,
        hostname: str,
        username: str,
        data: Any,
        data_type: Any,
        metadata: Any,
        *,
        user_address: tuple[str, int],  # noqa: ARG002 - the address is in the host
    ) -> None:
        """Take a put or an acknowledgement.

        Raises:
            CommandError: It is refused; says why.
        """
        client = client_of(hostname, username)
        if data_type in (ChannelType.PUT_ACKS, ChannelType.PUT_ACKT):
            self._clerk.acknowledge(self.description, client)
            self._acknowledge(data_type, int(metadata.value))
            return
        limit = self.description.max_length if self.kind in TEXTS else 0
        try:
            content = decode_put(data, data_type, text_limit=limit)
        except CommandError as error:
            self._clerk.refuse(self.description.name, client, str(error))
            raise
        await self._clerk.put(self.description, content, client)

    def _acknowledge(self, data_type: Any, number: int) -> None:
        alarm = self._alarm
        take = alarm.put_acks if data_type == ChannelType.PUT_ACKS else alarm.put_ackt
        if take(number):
            self._keeper.acknowledged(self)
            self.post(ALARM)
            self._refresh(ALARM)

    def get_field(self, name: str) -> CaChannel:
        """Give a field by its EPICS name; made when first asked for.

        Raises:
            KeyError: There is no such field.
        """
        if name == "VAL":
            return self
        if name not in self._fields:
            try:
                kind, read, choices = FIELDS[name]
            except KeyError:
                raise CaprotoKeyError(f"no field {name}") from None
            if name in ENUM_FIELDS and self.kind is not Kind.ENUM:
                raise CaprotoKeyError(f"no field {name}")
            self._fields[name] = Field(self, kind, read, choices)
        return self._fields[name]

    def _refresh(self, flags: int) -> None:
        if flags:
            for field in self._fields.values():
                field.refresh()


class Field(CaChannel):
    """A field other than VAL."""

    def __init__(
        self,
        record: Record,
        kind: Kind,
        read: Callable[[Record], Content],
        choices: tuple[str, ...],
    ) -> None:
        """Begin.

        Args:
            record: Whose field it is.
            kind: Type of the field.
            read: Gives its value.
            choices: Menu of an enum field.
        """
        super().__init__(kind, 4000)
        self.choices = choices
        self.precision = 6
        self._record = record
        self._read = read
        self._last = repr(read(record))

    @property
    def content(self) -> Content:
        """The field's value."""
        return self._read(self._record)

    @property
    def alarm(self) -> RecordAlarm:
        """That of the record."""
        return self._record.alarm

    @property
    def stamp(self) -> tuple[int, int]:
        """That of the record."""
        return self._record.stamp

    @property
    def rtyp(self) -> str:
        """That of the record."""
        return self._record.rtyp

    def refresh(self) -> None:
        """Tell the subscribers if the field changed."""
        content = repr(self.content)
        if content != self._last:
            self._last = content
            self.post(VALUE)


def client_of(hostname: str | None, username: str | None) -> Client:
    """Make a client of what caproto's server hands over.

    Args:
        hostname: A ``Host``; a plain string has no address and no right.
        username: As the client claims it, None before it has.
    """
    address = hostname.address if isinstance(hostname, Host) else ""
    return Client(username or "", str(hostname or ""), address)
