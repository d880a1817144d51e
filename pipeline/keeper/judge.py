"""What a model's weights mean: label, confirmation, severity and why, in words.

Everything here is pure: the same arguments give the same verdict, nothing is
read or written, and no valid argument makes it raise.

Status by cause: a label's own severity STATE, a failed model CALC, no image in
time TIMEOUT, the record away COMM, no image yet UDF.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pipeline.alarm import Severity, Status
from pipeline.keeper.regression import IN_RANGE, OUT_OF_RANGE, compare
from pipeline.messages import LabelPolicy, PlotEntry

GOOD: Final = "Good"
"""Label of an image like the references, where no model judges."""
NO_MODEL: Final = "NoModel"
"""Label of a plot that no model judges."""
NOTHING: Final = "Nothing"
"""Label of a plot without a verdict: no image yet, or the model failed."""
UNKNOWN: Final = "Unknown"
"""Label of an image that no label fits: unlike anything known, or no weight is high."""
REASON_LIMIT: Final = 4000
"""Longest reason that travels, as ``pipeline.messages.Text`` has it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one image before it is judged."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Output weight by label, 0..1, in the order of the model's outputs."""
    judged: bool = True
    """False when the plot had no model."""
    error: str = ""
    """Why the model gave no result; empty if it did."""
    offline: bool = False
    """From a past run: recorded, never alarmed."""
    beam_on: bool | None = None
    """Whether there was beam when the image was taken; None when unknown."""
    run: int = -1
    chunk: int = 0
    masks: tuple[str, ...] = ()
    """Names of the masks it was judged with."""
    likeness: "Likeness | None" = None
    """None where the plot had no references."""
    value: float | None = None
    """What a regression model gave, in its unit; None for any other model."""
    novelty: float | None = None
    """How likely an image of what was trained looks as different, 0..1."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like the references of its plot an image is."""

    set_id: int
    """Row of the set of references it was compared with."""
    value: float | None
    """Similarity, 0..1; None where comparing failed."""
    threshold: float
    """That held when it was judged first."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Value, severity, status and reason: one thing."""

    label: str
    confidence: float
    """Weight of the label, 0..1; 0 without a verdict."""
    confirmed: bool
    severity: Severity
    status: Status
    reason: str


UNDEFINED: Final = Verdict(NOTHING, 0.0, False, Severity.INVALID, Status.UDF, "no image yet")


def beam_is_on(current: float | None, threshold: float) -> bool | None:
    """Compare the beam current with the threshold.

    Args:
        current: In the unit of the beam PV; None or NaN when unknown.
        threshold: In the same unit; equality is beam.

    Returns:
        None when the current is unknown.
    """
    if current is None or math.isnan(current):
        return None
    return current >= threshold


def judge(
    entry: PlotEntry, thresholds: Mapping[str, float], reading: Reading, beam_on: bool | None
) -> Verdict:
    """Judge one image.

    Args:
        entry: The plot: palette, whether it is ignored, whether its model is on
            probation.
        thresholds: Confirmation threshold by label, 0..1.
        reading: What is known of the image.
        beam_on: Whether there is beam now; None when unknown.

    Returns:
        The verdict; a model that failed, or gave what its plot does not know,
        gives ``Nothing``, INVALID.
    """
    where = f"run {reading.run} chunk {reading.chunk}{_masked(reading.masks)}"
    if reading.error:
        return _failed(f"the model failed: {reading.error}", where)
    if reading.likeness is not None and not reading.weights and reading.judged:
        return _quieted(_by_references(entry, reading.likeness, where), beam_on, reading)
    if not reading.judged:
        return Verdict(
            NO_MODEL, 0.0, False, Severity.NO_ALARM, Status.NO_ALARM, f"no model, {where}"
        )
    if reading.value is not None:
        return _quieted(_by_limits(entry, reading.value, where), beam_on, reading)
    palette = {policy.name: policy for policy in entry.labels}
    if fault := _fault(palette, reading.weights):
        return _failed(fault, where)
    label = _heaviest(palette, reading.weights)
    verdict = _by_policy(palette[label], reading.weights[label], thresholds.get(label), where)
    if entry.model is not None and entry.model.probation and verdict.severity > Severity.MINOR:
        reason = f"{verdict.reason}, model on probation: at most MINOR"
        verdict = replace(verdict, severity=Severity.MINOR, reason=reason)
    return _quieted(_doubted(entry, reading, verdict), beam_on, reading)


def similarity_severity(entry: PlotEntry, reading: Reading, beam_on: bool | None) -> Severity:
    """Give the severity of the similarity itself.

    Args:
        entry: The plot.
        reading: What is known of the image on show.
        beam_on: Whether there is beam now; None when unknown.

    Returns:
        INVALID where comparing failed; NO_ALARM without references, for images
        like them, and where the plot does not alarm at all.
    """
    likeness = reading.likeness
    if likeness is None or entry.ignored or reading.offline:
        return Severity.NO_ALARM
    if likeness.value is None:
        return Severity.INVALID
    if beam_on is False or reading.beam_on is False:
        return Severity.NO_ALARM
    unlike = not likeness.value >= similarity_threshold(entry, likeness)
    return _unlike_severity(entry) if unlike else Severity.NO_ALARM


def novelty_severity(entry: PlotEntry, reading: Reading, beam_on: bool | None) -> Severity:
    """Give the severity of the novelty itself; arguments as of ``similarity_severity``.

    Returns:
        NO_ALARM where no limit is set and where the plot does not alarm at all.
    """
    if reading.novelty is None or entry.ignored or reading.offline:
        return Severity.NO_ALARM
    if beam_on is False or reading.beam_on is False or reading.novelty >= entry.novel_below:
        return Severity.NO_ALARM
    return Severity.MINOR


def similarity_threshold(entry: PlotEntry, likeness: Likeness) -> float:
    """Give the threshold that holds for a similarity.

    The one of now; but a similarity to other references keeps the one it had.
    """
    if entry.similarity is not None and entry.similarity.set_id == likeness.set_id:
        return entry.similarity.threshold
    return likeness.threshold


def present(
    entry: PlotEntry, reading: Reading | None, verdict: Verdict, *, stale: str, away: str
) -> Verdict:
    """Put what ails the chain over a verdict; label and confidence stay.

    Args:
        entry: The plot.
        reading: What is known of the image on show; None without one.
        verdict: The verdict on it, or ``UNDEFINED``.
        stale: Why it is too old to be trusted; empty when it is not.
        away: Why nothing can be recorded now; empty when all is well.

    Returns:
        What the plot shows. Ignored and offline plots never alarm.
    """
    if entry.ignored or (reading is not None and reading.offline):
        excuse = "ignored" if entry.ignored else "offline"
        reason = "; ".join(text for text in (verdict.reason, stale, away) if text)
        quiet = replace(verdict, severity=Severity.NO_ALARM, status=Status.NO_ALARM)
        return _worded(quiet, f"{excuse}: {reason}")
    if away:
        shown = replace(verdict, severity=Severity.INVALID, status=Status.COMM)
        return _worded(shown, f"{away}; {verdict.reason}")
    if stale and reading is not None:
        shown = replace(verdict, severity=Severity.INVALID, status=Status.TIMEOUT)
        return _worded(shown, f"{stale}; {verdict.reason}")
    return verdict


def needs_a_look(entry: PlotEntry, verdict: Verdict) -> bool:
    """Tell whether somebody should look at an image: a bad label, or no firm verdict.

    A label is bad when its palette entry alarms MAJOR or worse once confirmed.

    Args:
        entry: The plot.
        verdict: The verdict of ``judge``.
    """
    if verdict.label in (NO_MODEL, IN_RANGE):
        return False
    policies = {policy.name: policy for policy in entry.labels}
    policy = policies.get(verdict.label)
    return policy is None or not verdict.confirmed or policy.confirmed >= Severity.MAJOR


def _quieted(verdict: Verdict, beam_on: bool | None, reading: Reading) -> Verdict:
    if beam_on is False:
        return _silenced(verdict, "no beam")
    if reading.beam_on is False:
        return _silenced(verdict, "no beam when it was taken")
    return verdict


def _by_limits(entry: PlotEntry, value: float, where: str) -> Verdict:
    limits = entry.model.limits if entry.model else None
    severity, status, told = compare(value, limits, entry.model.unit if entry.model else "")
    if severity is Severity.INVALID:
        return _failed(told, where)
    label = OUT_OF_RANGE if severity else IN_RANGE
    if entry.model is not None and entry.model.probation and severity > Severity.MINOR:
        severity, told = Severity.MINOR, f"{told}, model on probation: at most MINOR"
    status = Status.STATE if severity else Status.NO_ALARM
    return Verdict(label, 1.0, True, severity, status, f"{told}, {where}")


def _by_references(entry: PlotEntry, likeness: Likeness, where: str) -> Verdict:
    """Judge by the references alone: like them is Good, unlike them is Unknown."""
    if likeness.value is None:
        return _failed(f"no similarity to the references: {likeness.error}", where)
    told = _compared(entry, likeness)
    if not likeness.value >= similarity_threshold(entry, likeness):
        return _unknown(entry, likeness.value, f"{told}: unlike them, {where}")
    policy = next((p for p in entry.labels if p.name == GOOD), None)
    if policy is None:
        return _failed(f"the palette has no label {GOOD} for an image like the references", where)
    status = Status.STATE if policy.confirmed else Status.NO_ALARM
    reason = f"{told}, {where}"
    return Verdict(GOOD, likeness.value, True, policy.confirmed, status, reason)


def _doubted(entry: PlotEntry, reading: Reading, verdict: Verdict) -> Verdict:
    """Make a verdict Unknown that nothing supports; one that alarms is never made quieter."""
    likeness, doubts = reading.likeness, []
    unlike = False
    if likeness is not None and likeness.value is None:
        verdict = _worded(verdict, f"{verdict.reason}; no similarity: {likeness.error}")
    elif likeness is not None and likeness.value is not None:
        unlike = not likeness.value >= similarity_threshold(entry, likeness)
        told = _compared(entry, likeness) + (": unlike them" if unlike else "")
        verdict = _worded(verdict, f"{verdict.reason}; {told}")
        decides = entry.similarity is not None and entry.similarity.decides
        # What the classifier explains by a label that alarms is diagnosed, not unknown.
        if unlike and decides and not verdict.severity:
            doubts.append("unlike the references")
    if not verdict.confidence >= entry.unknown_below:
        doubts.append(f"no weight reaches {entry.unknown_below:.3g}")
    if reading.novelty is None and entry.novel_below:
        verdict = _worded(verdict, f"{verdict.reason}; how novel it is is not known")
    elif reading.novelty is not None and not reading.novelty >= entry.novel_below:
        left, right = _apart(reading.novelty, entry.novel_below)
        told = f"novel: {left} < {right}"
        # A fault that the model is sure of stays that fault, however odd it looks.
        if verdict.confirmed and verdict.severity:
            verdict = _worded(verdict, f"{verdict.reason}; {told}")
        else:
            doubts.append(told)
    if not doubts:
        return verdict
    unknown = _unknown(entry, verdict.confidence, f"{', '.join(doubts)}; {verdict.reason}")
    if unknown.severity > verdict.severity:
        return unknown
    return replace(unknown, severity=verdict.severity)


def _unknown(entry: PlotEntry, confidence: float, reason: str) -> Verdict:
    severity = _unlike_severity(entry)
    return Verdict(UNKNOWN, confidence, False, severity, Status.STATE, reason[:REASON_LIMIT])


def _unlike_severity(entry: PlotEntry) -> Severity:
    """An image that nobody knows is never quiet, whatever the catalogue says."""
    wanted = entry.similarity.severity if entry.similarity is not None else Severity.MINOR
    probation = entry.model is not None and entry.model.probation
    highest = Severity.MINOR if probation else Severity.MAJOR
    return min(max(wanted, Severity.MINOR), highest)


def _compared(entry: PlotEntry, likeness: Likeness) -> str:
    value = likeness.value if likeness.value is not None else 0.0
    threshold = similarity_threshold(entry, likeness)
    left, right = _apart(value, threshold)
    return f"similarity {left} {'>=' if value >= threshold else '<'} {right}"


def _masked(names: Sequence[str]) -> str:
    if not names:
        return ""
    plural = "s" if len(names) > 1 else ""
    return f", judged with {len(names)} mask{plural} ({', '.join(names)})"


def _failed(why: str, where: str) -> Verdict:
    reason = f"{why}, {where}"[:REASON_LIMIT]
    return Verdict(NOTHING, 0.0, False, Severity.INVALID, Status.CALC, reason)


def _fault(palette: Mapping[str, LabelPolicy], weights: Mapping[str, float]) -> str:
    if not weights:
        return "the model gave no weights"
    if outside := sorted(set(weights) - set(palette)):
        return (
            f"the model gave labels outside of the palette: {', '.join(outside)};"
            f" the palette is {', '.join(palette)}"
        )
    if odd := [label for label, weight in weights.items() if not 0.0 <= weight <= 1.0]:
        return f"the model gave weights that are no fractions for {', '.join(odd)}"
    return ""


def _heaviest(palette: Mapping[str, LabelPolicy], weights: Mapping[str, float]) -> str:
    """Give the label of the highest weight; of several, the one that alarms most."""

    def rank(label: str) -> tuple[float, int, int, str]:
        policy = palette[label]
        return weights[label], policy.confirmed, policy.unconfirmed, label

    return max(weights, key=rank)


def _by_policy(policy: LabelPolicy, weight: float, threshold: float | None, where: str) -> Verdict:
    # A comparison with NaN is False: it never confirms.
    confirmed = threshold is not None and weight >= threshold
    severity = policy.confirmed if confirmed else policy.unconfirmed
    if threshold is None:
        compared = f"{policy.name} {weight:.3g}, no threshold: unconfirmed"
    else:
        left, right = _apart(weight, threshold)
        sign, word = (">=", "") if confirmed else ("<", ": unconfirmed")
        compared = f"{policy.name} {left} {sign} threshold {right}{word}"
    status = Status.STATE if severity else Status.NO_ALARM
    return Verdict(policy.name, weight, confirmed, severity, status, f"{compared}, {where}")


def _apart(weight: float, threshold: float) -> tuple[str, str]:
    """Write two numbers with as many digits as tell them apart."""
    for digits in (3, 6):
        left, right = f"{weight:.{digits}g}", f"{threshold:.{digits}g}"
        if left != right or weight == threshold:
            return left, right
    return repr(weight), repr(threshold)


def _silenced(verdict: Verdict, why: str) -> Verdict:
    """Take the alarm from a verdict; a verdict without one keeps its words."""
    if not verdict.severity:
        return verdict
    quiet = replace(verdict, severity=Severity.NO_ALARM, status=Status.NO_ALARM)
    return _worded(quiet, f"{why}: {verdict.reason}")


def _worded(verdict: Verdict, reason: str) -> Verdict:
    return replace(verdict, reason=reason[:REASON_LIMIT])
