"""The PVs of a plot whose model gives a number."""

from collections.abc import Iterator
from typing import Final

from ioc.description import AccessGroup, Kind, PvDescription, Setting, Target
from ioc.value import PvValue
from pipeline.alarm import Severity, Status
from pipeline.messages import AlarmLimits, PlotEntry, PlotState

IN_OR_OUT: Final = ("InRange", "OutOfRange")
"""Enum states of Class where a model gives a number."""
LIMITS: Final = ("lolo", "low", "high", "hihi")


def gives_number(entry: PlotEntry) -> bool:
    """Tell whether a plot is judged by a regression model."""
    return entry.model is not None and entry.model.kind == "regression"


def describe_value(base: str, entry: PlotEntry) -> Iterator[PvDescription]:
    """Describe the PVs, none for a plot whose model gives labels.

    Args:
        base: Prefix of the plot's PV names.
        entry: The plot.
    """
    if not gives_number(entry) or entry.model is None:
        return
    limits = entry.model.limits or AlarmLimits()
    yield PvDescription(
        f"{base}Value",
        Kind.DOUBLE,
        "What the model measures",
        units=entry.model.unit,
        precision=4,
        alarms=(limits.lolo, limits.low, limits.high, limits.hihi),
        archive=True,
    )
    for name in LIMITS:
        yield PvDescription(
            f"{base}Limit:{name.upper()}",
            Kind.DOUBLE,
            f"Alarm limit {name.upper()} of Value",
            units=entry.model.unit,
            precision=4,
            target=Target(Setting.LIMIT, entry.name, name),
            group=AccessGroup.THRESHOLDS,
            archive=True,
        )


def number_values(
    base: str, entry: PlotEntry, state: PlotState, source: float
) -> dict[str, PvValue]:
    """Give what the PVs show.

    Args:
        base: Prefix of the plot's PV names.
        entry: The plot.
        state: What the judge says, overlaid by the state of the chain.
        source: Time of the image, seconds since the epoch.
    """
    if not gives_number(entry) or entry.model is None:
        return {}
    limits = entry.model.limits or AlarmLimits()
    shown = {
        f"{base}Limit:{name.upper()}": _limit(getattr(limits, name), source) for name in LIMITS
    }
    if state.value is None:
        reason = state.reason or "no number"
        shown[f"{base}Value"] = PvValue(0.0, Severity.INVALID, Status.UDF, source, reason)
    else:
        status = state.value_status if state.severity is not Severity.INVALID else state.status
        status = status if state.severity else Status.NO_ALARM
        shown[f"{base}Value"] = PvValue(state.value, state.severity, status, source, state.reason)
    return shown


def _limit(limit: float | None, source: float) -> PvValue:
    if limit is None:
        return PvValue(0.0, Severity.INVALID, Status.UDF, source, "there is no such limit")
    return PvValue(limit, time=source)
