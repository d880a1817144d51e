"""What a PV is: described once, served by both faces."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ioc.value import Content
from pipeline.errors import InputError

NAME_LIMIT: Final = 60
DESC_LIMIT: Final = 40
STRING_LIMIT: Final = 39
STATES_LIMIT: Final = 16
STATE_LIMIT: Final = 25
"""Source of the limits: EPICS Base 7 ``dbDefs.h`` (``PVNAME_STRINGSZ`` 61),
``dbCommon.dbd`` (``DESC`` 41) and ``db_access.h`` (``MAX_STRING_SIZE`` 40,
``MAX_ENUM_STATES`` 16, ``MAX_ENUM_STRING_SIZE`` 26), each less its NUL."""

UNSAFE = re.compile(r"[^A-Za-z0-9_\-:\[\]<>;]+")


class Kind(StrEnum):
    """Type of a PV as ``hydra-ioc pvs`` prints it."""

    DOUBLE = "double"
    LONG = "long"
    ENUM = "enum"
    STRING = "string"
    LONG_STRING = "long-string"
    TEXT = "char-waveform"
    IMAGE = "image"


RECORD_TYPES: Final = {
    Kind.DOUBLE: ("ai", "ao"),
    Kind.LONG: ("longin", "longout"),
    Kind.ENUM: ("mbbi", "mbbo"),
    Kind.STRING: ("stringin", "stringout"),
    Kind.LONG_STRING: ("lsi", "lso"),
    Kind.TEXT: ("waveform", "waveform"),
    Kind.IMAGE: ("image", "image"),
}
"""Record type of a C IOC that serves the same, read-only and writable."""


class Setting(StrEnum):
    """What a put changes."""

    THRESHOLD = "threshold"
    IGNORE = "ignore"
    NEWS = "news"
    BEAM = "beam"
    ALARM_HANDLER = "alarm-handler"
    MASK = "mask"
    STEADINESS = "steadiness"
    LIMIT = "limit"
    RUN_TYPE = "run-type"


class AccessGroup(StrEnum):
    """Access security group of a PV: the ASG of an ``.acf`` file."""

    DEFAULT = "DEFAULT"
    THRESHOLDS = "THRESHOLDS"
    OPERATOR = "OPERATOR"
    MASKS = "MASKS"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a put goes."""

    setting: Setting
    plot: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class PvDescription:
    """One PV, independent of the protocol that serves it.

    Attributes:
        name: Full name with prefix, at most 60 characters.
        kind: Type.
        desc: Field DESC, at most 40 ASCII characters.
        units: Field EGU.
        precision: Field PREC, digits after the point.
        display: LOPR and HOPR, display limits; never alarm limits.
        drive: DRVL and DRVH of a writable number, enforced.
        alarms: LOLO, LOW, HIGH and HIHI of a number that has alarm limits.
        choices: State strings of an enum, at most 16 of 25 characters.
        max_length: Longest text in bytes of a long string.
        target: Where a put goes; None for a PV that clients only read.
        ackable: Carries an alarm that an alarm handler may acknowledge.
        archive: Belongs into the archiver.
        group: Access security group.
    """

    name: str
    kind: Kind
    desc: str
    units: str = ""
    precision: int = 0
    display: tuple[float, float] | None = None
    drive: tuple[float, float] | None = None
    alarms: tuple[float | None, float | None, float | None, float | None] | None = None
    choices: tuple[str, ...] = ()
    max_length: int = 4000
    target: Target | None = None
    ackable: bool = False
    archive: bool = False
    group: AccessGroup = AccessGroup.DEFAULT

    def __post_init__(self) -> None:
        """Check the limits of EPICS.

        Raises:
            InputError: Says which limit is passed.
        """
        if not self.name or len(self.name) > NAME_LIMIT or UNSAFE.search(self.name):
            raise InputError(
                f"PV name {self.name!r}: expected 1 to {NAME_LIMIT} characters out of"
                f" A-Z a-z 0-9 _ - : [ ] < > ;, received {len(self.name)};"
                " shorten the prefix, the plot's name or the label"
            )
        if len(self.desc) > DESC_LIMIT or not self.desc.isascii():
            raise InputError(f"{self.name}: DESC {self.desc!r} is over {DESC_LIMIT} characters")
        if len(self.choices) > STATES_LIMIT:
            raise InputError(
                f"{self.name}: expected at most {STATES_LIMIT} states,"
                f" received {len(self.choices)}; take labels off the palette"
            )
        for choice in self.choices:
            if len(choice.encode()) > STATE_LIMIT:
                raise InputError(
                    f"{self.name}: state {choice!r} is over {STATE_LIMIT} characters;"
                    " shorten the label"
                )

    @property
    def record_type(self) -> str:
        """Field RTYP."""
        return RECORD_TYPES[self.kind][self.target is not None]

    @property
    def blank(self) -> Content:
        """Stands in before the first value."""
        if self.kind in (Kind.STRING, Kind.LONG_STRING, Kind.TEXT):
            return ""
        if self.kind is Kind.IMAGE:
            return b""
        return 0.0 if self.kind is Kind.DOUBLE else 0


def name_part(text: str) -> str:
    """Turn a label, group or plot name into a part of a PV name.

    Args:
        text: Any text.

    Returns:
        The text with every run of characters that EPICS allows in no record
        name, and of colons, replaced by an underscore.
    """
    return re.sub(r"[^A-Za-z0-9_\-]+", "_", text)
