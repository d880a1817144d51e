"""An image on show and the state that its plot publishes for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.alarm import Severity, Status
from pipeline.keeper.freshness import stale_reason
from pipeline.keeper.judge import (
    UNDEFINED,
    Reading,
    Verdict,
    judge,
    novelty_severity,
    present,
    similarity_severity,
    similarity_threshold,
)
from pipeline.keeper.regression import compare
from pipeline.keeper.shadow import shown_shadow
from pipeline.messages import PlotEntry, PlotState, ShadowState


@dataclass(frozen=True, slots=True)
class Shown:
    """One image with all that its plot shows, but for the verdict."""

    reading: Reading
    thresholds: Mapping[str, float]
    """By label, as they were when it was judged first."""
    period: str
    image_time: float
    """Seconds since the epoch."""
    closed_time: float
    model: str = ""
    """Digest of the model that judged it; empty without one."""
    beam_current: float | None = None
    """When it was judged first; None when unknown."""
    history_id: int | None = None
    image_file: str = ""
    note: str = ""
    """What went wrong with keeping it."""
    shadow: ShadowState | None = None
    """What the shadow said of it; None where there was none."""
    count: int = 0
    """Images of this plot up to and with this one."""
    picture: bytes = b""
    """JPEG."""
    heat: bytes = b""
    heat_shape: tuple[int, int] = (0, 0)

    @property
    def order(self) -> tuple[float, int, int]:
        """What decides which of two images is the newer."""
        return self.image_time, self.reading.run, self.reading.chunk


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a verdict depends on besides the image and the plot."""

    now: float = 0.0
    """Seconds since the epoch."""
    beam_on: bool | None = None
    away: str = ""
    """Why nothing can be recorded now; empty when all is well."""
    stale_factor: float = field(default=3.0)


def thresholds_of(entry: PlotEntry, shown: Shown) -> Mapping[str, float]:
    """Give the thresholds that hold for an image on show.

    Those of now, so that a change takes effect at once; but an image that
    another model judged keeps the thresholds of that model.
    """
    if entry.model is not None and entry.model.digest == shown.model:
        return entry.thresholds
    return shown.thresholds


def verdict_of(entry: PlotEntry, shown: Shown, beam_on: bool | None) -> Verdict:
    """Judge the image on show by the thresholds and the beam of now."""
    return judge(entry, thresholds_of(entry, shown), shown.reading, beam_on)


def is_stale(entry: PlotEntry, shown: Shown, around: Surroundings) -> str:
    """Say why the image on show is too old; empty while it is fresh."""
    return stale_reason(around.now - shown.image_time, entry.cadence_s, around.stale_factor)


def compose(
    entry: PlotEntry,
    shown: Shown | None,
    around: Surroundings,
    previous: PlotState | None,
    steady: Verdict | None = None,
) -> PlotState:
    """Make what a plot publishes.

    Args:
        entry: The plot.
        shown: The image on show; None before the first.
        around: Time, beam and the record.
        previous: What the plot published last, for the time since when it is so.
        steady: What images over time say, where the plot is judged so.

    Returns:
        The state.
    """
    if shown is None:
        verdict = present(entry, None, UNDEFINED, stale="", away=around.away)
        return _state(entry, verdict, None, around, previous)
    verdict = present(
        entry,
        shown.reading,
        steady or verdict_of(entry, shown, around.beam_on),
        stale=is_stale(entry, shown, around),
        away=around.away,
    )
    return _state(entry, verdict, shown, around, previous)


def _state(
    entry: PlotEntry,
    verdict: Verdict,
    shown: Shown | None,
    around: Surroundings,
    previous: PlotState | None,
) -> PlotState:
    since = _since(verdict, shown, around.now, previous)
    likeness = shown.reading.likeness if shown else None
    threshold = entry.similarity.threshold if entry.similarity else 0.0
    reason = verdict.reason
    if shown is not None and shown.note:
        reason = f"{reason}; {shown.note}"[:4000]
    return PlotState(
        plot=entry.name,
        label=verdict.label,
        confidence=verdict.confidence,
        confirmed=verdict.confirmed,
        weights=dict(shown.reading.weights) if shown else {},
        thresholds=dict(thresholds_of(entry, shown) if shown else entry.thresholds),
        run=shown.reading.run if shown else -1,
        chunk=shown.reading.chunk if shown else 0,
        period=shown.period if shown else "NA",
        image_time=shown.image_time if shown else 0.0,
        closed_time=shown.closed_time if shown else 0.0,
        model=shown.model if shown else (entry.model.digest if entry.model else ""),
        reason=reason,
        image_file=shown.image_file if shown else "",
        severity=verdict.severity,
        status=verdict.status,
        count=shown.count if shown else 0,
        since=since,
        value=shown.reading.value if shown else None,
        value_status=_value_status(entry, shown),
        heat_shape=shown.heat_shape if shown else (0, 0),
        similarity=likeness.value if likeness else None,
        similarity_threshold=similarity_threshold(entry, likeness) if likeness else threshold,
        similarity_severity=(
            similarity_severity(entry, shown.reading, around.beam_on)
            if shown
            else Severity.NO_ALARM
        ),
        references=_references(entry),
        novelty=shown.reading.novelty if shown else None,
        novelty_severity=(
            novelty_severity(entry, shown.reading, around.beam_on) if shown else Severity.NO_ALARM
        ),
        shadow=shown_shadow(entry, shown.shadow if shown else None),
    )


def _references(entry: PlotEntry) -> str:
    """Tell version and number of a plot's references; empty without."""
    known = entry.similarity
    if known is None:
        return ""
    plural = "" if known.count == 1 else "s"
    kind = f" of {known.run_type}" if known.run_type else ""
    adapted = f" from {known.original}" if known.original else ""
    return f"version {known.version}{adapted}: {known.count} image{plural}{kind}"


def _value_status(entry: PlotEntry, shown: Shown | None) -> Status:
    if shown is None or shown.reading.value is None or entry.model is None:
        return Status.NO_ALARM
    return compare(shown.reading.value, entry.model.limits, entry.model.unit)[1]


def _since(verdict: Verdict, shown: Shown | None, now: float, previous: PlotState | None) -> float:
    """Give since when label and severity are what they are, seconds since the epoch."""
    if previous is not None and (previous.label, previous.severity) == (
        verdict.label,
        verdict.severity,
    ):
        return previous.since
    is_new = previous is None or (shown is not None and shown.count != previous.count)
    return shown.image_time if shown is not None and is_new else now
