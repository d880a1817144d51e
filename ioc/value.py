"""What a PV shows at one moment: value, alarm, reason and source time as one thing."""

import math
from dataclasses import dataclass, replace
from typing import Final

from pipeline.alarm import Severity, Status

EPICS_EPOCH: Final = 631_152_000
"""1990-01-01T00:00:00Z in seconds since the Unix epoch.

Source: ``POSIX_TIME_AT_EPICS_EPOCH`` in EPICS Base 7 ``epicsTime.h``. A record that
was never processed carries this time.
"""

Content = float | int | str | bytes
"""double and long, enum index, string, picture or heat map."""


@dataclass(frozen=True, slots=True)
class PvValue:
    """Everything a PV shows; made once, swapped in one assignment, never edited.

    Attributes:
        value: In the type of the PV's kind; an enum by its index.
        severity: Alarm severity.
        status: Alarm status as Channel Access numbers it.
        time: Source time in seconds since the Unix epoch.
        reason: In words, why the severity is what it is.
        shape: Height and width of a heat map; (0, 0) for every other kind.
    """

    value: Content
    severity: Severity = Severity.NO_ALARM
    status: Status = Status.NO_ALARM
    time: float = EPICS_EPOCH
    reason: str = ""
    shape: tuple[int, int] = (0, 0)

    @property
    def stamp(self) -> tuple[int, int]:
        """Source time as seconds since the Unix epoch and nanoseconds.

        Both faces stamp with this, so that they agree to the nanosecond.
        """
        time = max(self.time, EPICS_EPOCH) if math.isfinite(self.time) else EPICS_EPOCH
        seconds = math.floor(time)
        return seconds, min(round((time - seconds) * 1e9), 999_999_999)

    def invalid(self, status: Status, reason: str) -> "PvValue":
        """Give the same value with severity INVALID."""
        return replace(self, severity=Severity.INVALID, status=status, reason=reason)


def undefined(value: Content) -> PvValue:
    """Give what a PV shows before its first value: INVALID/UDF.

    Args:
        value: Stands in until then.
    """
    return PvValue(value, Severity.INVALID, Status.UDF, reason="no value yet")
