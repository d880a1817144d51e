"""A channel as caproto's server sees it: converts for the wire, posts by event mask.

Stands in for caproto's ``ChannelData``, which sends every update to every
subscriber whatever its event mask.
"""

import math
from abc import ABC, abstractmethod
from typing import Any, Final, Protocol

import numpy as np
from caproto import AccessRights, ChannelType, SubscriptionType
from caproto._dbr import (
    DBR_STSACK_STRING,
    DBR_TYPES,
    DbrStringArray,
    _channel_type_by_name,
    _LongStringChannelType,
    native_type,
    native_types,
)

from ioc.ca_alarm import RecordAlarm
from ioc.ca_update import Update
from ioc.description import STATES_LIMIT, STRING_LIMIT, Kind
from ioc.value import EPICS_EPOCH, Content
from pipeline.errors import CommandError

VALUE: Final = int(SubscriptionType.DBE_VALUE | SubscriptionType.DBE_LOG)
ALARM: Final = int(SubscriptionType.DBE_ALARM)
PROPERTY: Final = int(SubscriptionType.DBE_PROPERTY)
BACKLOG: Final = 4
"""Updates kept for one subscription of a client that does not read.

Source: ``docs/ioc.md``, memory under a stopped client.
"""

CHANNEL_TYPES: Final = {
    Kind.DOUBLE: ChannelType.DOUBLE,
    Kind.LONG: ChannelType.LONG,
    Kind.ENUM: ChannelType.ENUM,
    Kind.STRING: ChannelType.STRING,
    Kind.LONG_STRING: ChannelType.STRING,
    Kind.TEXT: ChannelType.CHAR,
}
_NUMPY: Final[dict[Any, np.dtype[Any]]] = {
    ChannelType.INT: np.dtype(">i2"),
    ChannelType.FLOAT: np.dtype(">f4"),
    ChannelType.ENUM: np.dtype(">u2"),
    ChannelType.CHAR: np.dtype("B"),
    ChannelType.LONG: np.dtype(">i4"),
    ChannelType.DOUBLE: np.dtype(">f8"),
}


class Courier(Protocol):
    """Brings updates to the clients of one server."""

    def deliver(self, spec: Any, update: Update) -> None:
        """Send an update to all subscriptions of a specification."""

    def offer(self, spec: Any, sub: Any, update: Update) -> None:
        """Send an update to one subscription."""


class CaChannel(ABC):
    """What the server and the wire need of one channel.

    The names without type are those that caproto's server calls.
    """

    max_subscription_backlog = BACKLOG

    def __init__(self, kind: Kind, max_length: int) -> None:
        """Begin without subscribers.

        Args:
            kind: Type of the channel.
            max_length: Longest text in bytes, for the kinds with long texts.
        """
        self.kind = kind
        self.data_type = CHANNEL_TYPES[kind]
        self.max_length = max_length if kind is Kind.TEXT else 1
        self.long_string_max_length = max_length
        self._specs: dict[str, dict[Any, Courier]] = {}

    @property
    @abstractmethod
    def content(self) -> Content:
        """The value now."""

    @property
    @abstractmethod
    def alarm(self) -> RecordAlarm:
        """The alarm now."""

    @property
    @abstractmethod
    def stamp(self) -> tuple[int, int]:
        """Source time: seconds since the Unix epoch, nanoseconds."""

    @property
    @abstractmethod
    def rtyp(self) -> str:
        """Record type."""

    units = ""
    precision = 0
    display: tuple[float, float] | None = None
    drive: tuple[float, float] | None = None
    alarms: tuple[float | None, ...] | None = None
    choices: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Number of elements now."""
        return len(str(self.content).encode()) + 1 if self.kind is Kind.TEXT else 1

    def calculate_length(self, values: Any) -> int:
        """Give the number of elements of wired values."""
        return max(1, len(values))

    def check_access(self, hostname: str, username: str) -> AccessRights:  # noqa: ARG002
        """Tell what a client may do; reading only, unless a subclass says more."""
        return AccessRights.READ

    async def auth_read(
        self,
        hostname: str,  # noqa: ARG002
        username: str,  # noqa: ARG002
        data_type: Any,
        *,
        user_address: tuple[str, int],  # noqa: ARG002
    ) -> tuple[Any, Any]:
        """Answer a read; everybody may read."""
        return self.wire(data_type)

    async def auth_write(
        self,
        hostname: str,  # noqa: ARG002
        username: str,  # noqa: ARG002
        data: Any,  # noqa: ARG002
        data_type: Any,  # noqa: ARG002
        metadata: Any,  # noqa: ARG002
        *,
        user_address: tuple[str, int],  # noqa: ARG002
    ) -> None:
        """Refuse a put, unless a subclass takes it."""
        raise CommandError("this field is read-only")

    async def subscribe(self, courier: Courier, spec: Any, sub: Any) -> None:
        """Add a subscription and send it the value of now."""
        update = self._update(spec.data_type_name)
        self._specs.setdefault(spec.data_type_name, {})[spec] = courier
        courier.offer(spec, sub, update)

    async def unsubscribe(self, _courier: Courier, spec: Any) -> None:
        """Take a subscription specification off."""
        self._specs.get(spec.data_type_name, {}).pop(spec, None)

    def post(self, flags: int) -> None:
        """Send the value of now to the subscribers that asked for one of the flags."""
        if not flags:
            return
        for type_name, specs in self._specs.items():
            update: Update | None = None
            for spec, courier in specs.items():
                if int(spec.mask) & flags:
                    update = update or self._update(type_name)
                    courier.deliver(spec, update)

    def _update(self, type_name: str) -> Update:
        metadata, values = self.wire(_channel_type_by_name[type_name])
        return Update(int(ChannelType(_channel_type_by_name[type_name])), metadata, values)

    def wire(self, data_type: Any) -> tuple[Any, Any]:
        """Convert value and metadata to what a client asked for.

        Args:
            data_type: ``ChannelType`` or the long-string variant of one.

        Returns:
            Metadata structure (or empty bytes) and values, as caproto packs them.

        Raises:
            CommandError: The value cannot be had in that type.
        """
        if data_type == ChannelType.STSACK_STRING:
            return self._wire_stsack(), b""
        if data_type == ChannelType.CLASS_NAME:
            name = DBR_TYPES[data_type]()
            name.value = self.rtyp.encode()
            return name, b""
        if data_type in _LongStringChannelType:
            data_type, values = ChannelType(data_type), self._text_bytes()
        else:
            values = self._native(native_type(data_type))
        return (b"" if data_type in native_types else self._metadata(data_type)), values

    def _wire_stsack(self) -> Any:
        """Make the type by which a global alarm handler listens: with the value as text."""
        alarm, wired = self.alarm, DBR_STSACK_STRING()
        wired.status, wired.severity = alarm.status, alarm.severity
        wired.ackt, wired.acks = int(alarm.ackt), alarm.acks
        wired.value = self._string()
        return wired

    def _text_bytes(self) -> bytes:
        return str(self.content).encode() + b"\0"

    def _string(self) -> bytes:
        content = self.content
        if self.kind is Kind.ENUM:
            return self.choices[int(content)].encode()
        if self.kind is Kind.DOUBLE:
            return f"{float(content):.{self.precision}f}".encode()
        raw = self._text_bytes()[:-1]
        return raw[:STRING_LIMIT].decode(errors="ignore").encode()

    def _native(self, wanted: ChannelType) -> Any:
        if wanted is ChannelType.STRING:
            return DbrStringArray([self._string()])
        if self.kind is Kind.TEXT:
            raw = self._text_bytes()
            return (
                raw
                if wanted is ChannelType.CHAR
                else np.frombuffer(raw, "B").astype(_NUMPY[wanted])
            )
        content = self.content
        if isinstance(content, str | bytes):
            raise CommandError(f"a text cannot be read as {wanted.name}; read it as a string")
        return np.array([_fit(content, wanted)], dtype=_NUMPY[wanted])

    def _metadata(self, data_type: ChannelType) -> Any:
        metadata = DBR_TYPES[data_type]()
        alarm = self.alarm
        metadata.status, metadata.severity = alarm.status, alarm.severity
        if hasattr(metadata, "stamp"):
            seconds, nanoseconds = self.stamp
            metadata.stamp.secondsSinceEpoch = seconds - EPICS_EPOCH
            metadata.stamp.nanoSeconds = nanoseconds
        if hasattr(metadata, "units"):
            metadata.units = self.units.encode()
        if hasattr(metadata, "precision"):
            metadata.precision = self.precision
        if hasattr(metadata, "enum_strings"):
            metadata.enum_strings = [one.encode() for one in self.choices[:STATES_LIMIT]]
        if hasattr(metadata, "upper_disp_limit"):
            self._limits(metadata, native_type(data_type))
        return metadata

    def _limits(self, metadata: Any, wanted: ChannelType) -> None:
        """Fill the limits; an alarm limit that does not exist is NaN as in C."""
        low, high = self.display or (0.0, 0.0)
        limits = {"lower_disp_limit": low, "upper_disp_limit": high}
        if hasattr(metadata, "upper_ctrl_limit"):
            low, high = self.drive or self.display or (0.0, 0.0)
            limits |= {"lower_ctrl_limit": low, "upper_ctrl_limit": high}
        names = ("lower_alarm", "lower_warning", "upper_warning", "upper_alarm")
        for name, limit in zip(names, self.alarms or (None,) * 4, strict=True):
            limits[f"{name}_limit"] = math.nan if limit is None else limit
        for name, limit in limits.items():
            setattr(metadata, name, _fit(limit, wanted))


def _fit(number: float, wanted: ChannelType) -> float | int:
    """Bring a number into the range of an integer type; NaN becomes 0 there."""
    if wanted in (ChannelType.DOUBLE, ChannelType.FLOAT):
        return float(number)
    if math.isnan(number):
        return 0
    info = np.iinfo(_NUMPY[wanted])
    return int(max(info.min, min(info.max, number)))
