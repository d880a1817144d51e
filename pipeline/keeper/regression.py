"""What the number of a regression model means: within its limits or not, and how bad."""

import math
from typing import Final

from pipeline.alarm import Severity, Status
from pipeline.messages import AlarmLimits

IN_RANGE: Final = "InRange"
OUT_OF_RANGE: Final = "OutOfRange"


def compare(value: float, limits: AlarmLimits | None, unit: str) -> tuple[Severity, Status, str]:
    """Compare a number with its limits, as an ai record does: HIHI, LOLO, HIGH, LOW.

    Args:
        value: In the unit of the model.
        limits: None where there are none; then nothing alarms.
        unit: For the words.

    Returns:
        Severity, status and the comparison in words.

    Source:
        EPICS Base 7, ``aiRecord.c``, ``checkAlarms``.
    """
    shown = f"{value:.6g} {unit}".rstrip()
    if math.isnan(value):
        return Severity.INVALID, Status.CALC, "the model gave no number"
    limits = limits or AlarmLimits()
    for limit, above, severity, status in (
        (limits.hihi, True, Severity.MAJOR, Status.HIHI),
        (limits.lolo, False, Severity.MAJOR, Status.LOLO),
        (limits.high, True, Severity.MINOR, Status.HIGH),
        (limits.low, False, Severity.MINOR, Status.LOW),
    ):
        if limit is not None and (value >= limit if above else value <= limit):
            sign = ">=" if above else "<="
            return severity, status, f"value {shown} {sign} {status.name} {limit:.6g}"
    inside = ", ".join(
        f"{name.upper()} {getattr(limits, name):.6g}"
        for name in ("lolo", "low", "high", "hihi")
        if getattr(limits, name) is not None
    )
    words = f"within {inside}" if inside else "no limits"
    return Severity.NO_ALARM, Status.NO_ALARM, f"value {shown}, {words}"
