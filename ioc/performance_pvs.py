"""The PVs of how well a model does: trailing accuracy, drift, wish for a training."""

from collections.abc import Iterator
from typing import Final

from ioc.description import Kind, PvDescription
from ioc.value import EPICS_EPOCH, PvValue
from pipeline.alarm import Severity, Status
from pipeline.messages import Performance

NO_YES: Final = ("No", "Yes")
FRACTION: Final = (0.0, 1.0)


def describe_accuracy(base: str) -> Iterator[PvDescription]:
    """Describe the PVs of the trailing accuracy.

    Args:
        base: Prefix of the plot's PV names, or of the deployment for all plots.
    """
    for part, desc in (
        ("Accuracy", "Right verdicts of the unbiased sample"),
        ("Accuracy:Low", "Lower end of its 95 % interval"),
        ("Accuracy:High", "Upper end of its 95 % interval"),
        ("Accuracy:Coverage", "Labelled share of the unbiased sample"),
    ):
        yield PvDescription(
            base + part, Kind.DOUBLE, desc, precision=3, display=FRACTION, archive=True
        )
    yield PvDescription(
        f"{base}Accuracy:Count", Kind.LONG, "Labelled images it comes from", archive=True
    )


def describe_performance(base: str) -> Iterator[PvDescription]:
    """Describe the PVs of a plot.

    Args:
        base: Prefix of the plot's PV names.
    """
    yield from describe_accuracy(base)
    yield PvDescription(
        f"{base}Drift",
        Kind.DOUBLE,
        "How far newest images lie, std. errors",
        precision=1,
        archive=True,
    )
    yield PvDescription(f"{base}Drift:Reason", Kind.LONG_STRING, "What drifts")
    yield PvDescription(
        f"{base}Retrain", Kind.ENUM, "Whether a training is asked for", choices=NO_YES, archive=True
    )
    yield PvDescription(f"{base}Retrain:Reason", Kind.LONG_STRING, "Why it is asked for")


def accuracy_values(base: str, found: Performance) -> dict[str, PvValue]:
    """Give what the PVs of the trailing accuracy show.

    Args:
        base: Prefix of the PV names.
        found: What the Keeper found.

    Returns:
        Values by full name. An accuracy that is not known is INVALID, never green.
    """

    def made(value: float) -> PvValue:
        if not found.known:
            return PvValue(value, Severity.INVALID, Status.UDF, found.made_at, found.reason)
        status = Status.STATE if found.severity else Status.NO_ALARM
        return PvValue(value, found.severity, status, found.made_at, found.reason)

    return {
        f"{base}Accuracy": made(found.accuracy),
        f"{base}Accuracy:Low": made(found.low),
        f"{base}Accuracy:High": made(found.high),
        f"{base}Accuracy:Coverage": PvValue(found.coverage, time=found.made_at),
        f"{base}Accuracy:Count": PvValue(found.count, time=found.made_at),
    }


def performance_values(base: str, found: Performance) -> dict[str, PvValue]:
    """Give what the PVs of a plot show.

    Args:
        base: Prefix of the plot's PV names.
        found: What the Keeper found.
    """
    time = found.made_at or EPICS_EPOCH
    if found.drift is None:
        drift = PvValue(0.0, Severity.INVALID, Status.UDF, time, found.drift_reason)
    else:
        status = Status.STATE if found.drift_severity else Status.NO_ALARM
        drift = PvValue(found.drift, found.drift_severity, status, time, found.drift_reason)
    return accuracy_values(base, found) | {
        f"{base}Drift": drift,
        f"{base}Drift:Reason": PvValue(found.drift_reason, time=time),
        f"{base}Retrain": PvValue(int(found.retrain > 0), time=time),
        f"{base}Retrain:Reason": PvValue(found.retrain_reason, time=time),
    }
