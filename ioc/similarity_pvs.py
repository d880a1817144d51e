"""The PVs of a plot's references: similarity, its threshold, novelty."""

from collections.abc import Iterator
from typing import Final

from ioc.description import AccessGroup, Kind, PvDescription, Setting, Target
from ioc.value import EPICS_EPOCH, PvValue
from pipeline.alarm import Severity, Status
from pipeline.messages import PlotEntry, PlotState

FRACTION: Final = (0.0, 1.0)
LABEL: Final = "Similarity"
"""Stands for a label in ``Threshold:Similarity``."""
NOVELTY: Final = "Novelty"
"""Stands for a label in ``Threshold:Novelty``."""
STATUS: Final = {Severity.MINOR: Status.LOW, Severity.MAJOR: Status.LOLO}
"""As an ``ai`` record with alarm limits LOW and LOLO.

Source:
    EPICS Base 7, ``aiRecord.dbd.pod``, "Alarm Parameters".
"""


def describe_similarity(base: str, entry: PlotEntry) -> Iterator[PvDescription]:
    """Describe them; a plot without references has only the text that says so.

    Args:
        base: Prefix of the plot's PV names.
        entry: The plot as the catalogue has it.
    """
    yield PvDescription(f"{base}References", Kind.STRING, "Version and number of references")
    if tells_novelty(entry):
        yield PvDescription(
            f"{base}Novelty",
            Kind.DOUBLE,
            "Share of known images farther out",
            precision=4,
            display=FRACTION,
            archive=True,
        )
        yield _threshold(base, entry, NOVELTY, "Below it an image is novel; 0 never")
    if entry.similarity is None:
        return
    yield PvDescription(
        f"{base}Similarity",
        Kind.DOUBLE,
        "Similarity to the references",
        precision=4,
        display=FRACTION,
        archive=True,
    )
    yield PvDescription(f"{base}Reference", Kind.IMAGE, "The most typical reference, JPEG")
    yield PvDescription(
        f"{base}References:Drift",
        Kind.DOUBLE,
        "Of the references from the original",
        units="decades",
        precision=2,
        archive=True,
    )
    yield PvDescription(
        f"{base}References:Proposal", Kind.LONG, "Proposal to adapt them, 0 none", archive=True
    )
    yield _threshold(base, entry, LABEL, "Below it an image is unlike them")


def _threshold(base: str, entry: PlotEntry, label: str, desc: str) -> PvDescription:
    return PvDescription(
        f"{base}Threshold:{label}",
        Kind.DOUBLE,
        desc,
        precision=4,
        display=FRACTION,
        drive=FRACTION,
        target=Target(Setting.THRESHOLD, entry.name, label),
        group=AccessGroup.THRESHOLDS,
        archive=True,
    )


def similarity_values(entry: PlotEntry, state: PlotState) -> dict[str, PvValue]:
    """Give what they show, by name without the plot's prefix.

    Args:
        entry: The plot as the catalogue has it.
        state: From the judge, overlaid by the state of the chain.

    Returns:
        A similarity below its threshold has LOW or LOLO, one that is missing
        INVALID and UDF; both follow the plot when it is INVALID.
    """
    time = state.image_time or EPICS_EPOCH
    values = {
        "References": PvValue(state.references[:39], time=time),
    }
    if tells_novelty(entry):
        values["Novelty"] = _number(state, state.novelty, state.novelty_severity)
        values[f"Threshold:{NOVELTY}"] = PvValue(entry.novel_below, time=time)
    if entry.similarity is not None:
        values["Similarity"] = _number(state, state.similarity, state.similarity_severity)
        since = entry.similarity.made_at or time
        values["References:Drift"] = PvValue(entry.similarity.drift, time=since)
        values["References:Proposal"] = PvValue(entry.similarity.proposal, time=since)
        values[f"Threshold:{LABEL}"] = PvValue(entry.similarity.threshold, time=time)
    return values


def reference_value(entry: PlotEntry, picture: bytes) -> PvValue:
    """Give what Reference shows.

    Args:
        entry: A plot with references.
        picture: JPEG bytes; empty where there is none.
    """
    made_at = entry.similarity.made_at if entry.similarity else EPICS_EPOCH
    if not picture:
        return PvValue(b"", Severity.INVALID, Status.UDF, made_at, "no picture of the references")
    return PvValue(picture, time=made_at)


def tells_novelty(entry: PlotEntry) -> bool:
    """Tell whether a plot says how novel its images are: its model can, or a limit is set."""
    return bool(entry.novel_below or (entry.model is not None and entry.model.novelty))


def _number(state: PlotState, value: float | None, severity: Severity) -> PvValue:
    time = state.image_time or EPICS_EPOCH
    if value is None:
        # 1.0 would look fine to a client that reads no severity.
        return PvValue(0.0, Severity.INVALID, Status.UDF, time, "not known")
    if state.severity is Severity.INVALID:
        return PvValue(value, state.severity, state.status, time, state.reason)
    if severity is Severity.NO_ALARM:
        return PvValue(value, time=time)
    return PvValue(value, severity, STATUS.get(severity, Status.CALC), time, state.reason)
