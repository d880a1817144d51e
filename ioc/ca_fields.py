"""The fields of a record other than VAL: what they are and how they are read."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ioc.description import Kind
from ioc.value import Content
from pipeline.alarm import Severity, Status

if TYPE_CHECKING:
    from ioc.ca_record import Record

SEVERITIES: Final = tuple(severity.name for severity in Severity)
STATUSES: Final = tuple(
    "HWLIMIT" if status is Status.HW_LIMIT else status.name for status in Status
)
"""Source: ``alarmString.h`` of EPICS Base 7."""
NO_YES: Final = ("NO", "YES")


def _limit(which: str, index: int) -> Callable[["Record"], Content]:
    def read(record: "Record") -> Content:
        return (getattr(record, which) or record.display or (0.0, 0.0))[index]

    return read


def _alarm_limit(index: int) -> Callable[["Record"], Content]:
    def read(record: "Record") -> Content:
        limit = record.alarms[index] if record.alarms else None
        return float("nan") if limit is None else limit

    return read


def _limit_severity(index: int) -> Callable[["Record"], Content]:
    severity = Severity.MAJOR if index in (0, 3) else Severity.MINOR

    def read(record: "Record") -> Content:
        exists = record.alarms is not None and record.alarms[index] is not None
        return int(severity) if exists else 0

    return read


def _state(index: int) -> Callable[["Record"], Content]:
    def read(record: "Record") -> Content:
        return record.choices[index] if index < len(record.choices) else ""

    return read


STATE_FIELDS: Final = tuple(
    f"{number}ST"
    for number in [
        "ZR",
        "ON",
        "TW",
        "TH",
        "FR",
        "FV",
        "SX",
        "SV",
        "EI",
        "NI",
        "TE",
        "EL",
        "TV",
        "TT",
        "FT",
        "FF",
    ]
)
ENUM_FIELDS: Final = frozenset(STATE_FIELDS)
FIELDS: Final[dict[str, tuple[Kind, Callable[["Record"], Content], tuple[str, ...]]]] = {
    "NAME": (Kind.STRING, lambda record: record.description.name, ()),
    "DESC": (Kind.STRING, lambda record: record.description.desc, ()),
    "RTYP": (Kind.STRING, lambda record: record.rtyp, ()),
    "EGU": (Kind.STRING, lambda record: record.units, ()),
    "PREC": (Kind.LONG, lambda record: record.precision, ()),
    "SEVR": (Kind.ENUM, lambda record: int(record.alarm.severity), SEVERITIES),
    "STAT": (Kind.ENUM, lambda record: int(record.alarm.status), STATUSES),
    "ACKS": (Kind.ENUM, lambda record: int(record.alarm.acks), SEVERITIES),
    "ACKT": (Kind.ENUM, lambda record: int(record.alarm.ackt), NO_YES),
    "AMSG": (Kind.STRING, lambda record: record.value.reason, ()),
    "UDF": (Kind.LONG, lambda record: int(record.alarm.status is Status.UDF), ()),
    "ASG": (Kind.STRING, lambda record: str(record.description.group), ()),
    "SCAN": (Kind.ENUM, lambda _record: 2, ("Passive", "Event", "I/O Intr")),
    "LOPR": (Kind.DOUBLE, _limit("display", 0), ()),
    "HOPR": (Kind.DOUBLE, _limit("display", 1), ()),
    "DRVL": (Kind.DOUBLE, _limit("drive", 0), ()),
    "DRVH": (Kind.DOUBLE, _limit("drive", 1), ()),
    **{
        name: (Kind.DOUBLE, _alarm_limit(index), ())
        for index, name in enumerate(("LOLO", "LOW", "HIGH", "HIHI"))
    },
    **{
        name: (Kind.ENUM, _limit_severity(index), SEVERITIES)
        for index, name in enumerate(("LLSV", "LSV", "HSV", "HHSV"))
    },
    **{name: (Kind.DOUBLE, lambda _record: 0.0, ()) for name in ("MDEL", "ADEL", "HYST")},
    **{name: (Kind.STRING, _state(index), ()) for index, name in enumerate(STATE_FIELDS)},
}
"""Fields that clients, archivers and alarm handlers ask for; all read-only."""
