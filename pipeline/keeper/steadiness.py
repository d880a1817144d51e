"""Judging over time: from the verdicts on images to what is published.

Everything here is pure: a fold over the newest images of a plot, in their order.
A restart that reads the same images from the record gives the same result.
A failed model (INVALID) is never delayed, and counts as no classification.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pipeline.alarm import Severity, Status
from pipeline.keeper.judge import NO_MODEL, NOTHING, REASON_LIMIT, Verdict
from pipeline.messages import PlotEntry, Steadiness

EVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class Seen:
    """One image with its verdict, as if it were judged by itself."""

    at: float
    """Time of the image, seconds since the epoch."""
    verdict: Verdict
    """Silenced where there was no beam when it was taken."""
    weights: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    beam_on: bool | None = None
    """When it was taken."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where a plot stands after some images."""

    stated: Verdict | None = None
    """What enough images in a row said; None before that."""
    pending: Verdict | None = None
    """What newer images say, not yet often enough."""
    times: int = 0
    """How often in a row they say so."""
    troubled: float | None = None
    """Since when the plot is not OK; None while it is."""
    onsets: tuple[float, ...] = ()
    """When it turned not OK, within the delay."""
    alarm: Verdict | None = None
    """The alarm that goes on until its hold is over."""
    left: float | None = None
    """When its cause went; None while it lasts."""
    last: Seen | None = None


def run_through(
    rules: Steadiness, entry: PlotEntry, images: Iterable[Seen], *, cut: bool = False
) -> Course:
    """Follow a plot through its newest images.

    Args:
        rules: How it is judged over time.
        entry: The plot, for its palette.
        images: In their order, oldest first.
        cut: Whether older images are left out: a plot that was not OK in all
            these has been so for longer than any delay.
    """
    course = Course()
    for image in images:
        course = step(rules, entry, course, image, ever=cut and course.stated is None)
    return course


def step(
    rules: Steadiness, entry: PlotEntry, course: Course, image: Seen, *, ever: bool = False
) -> Course:
    """Take one more image.

    Args:
        rules: How the plot is judged over time.
        entry: The plot, for its palette.
        course: Where it stands.
        image: Newer than all before.
        ever: Whether trouble that begins here may have begun long before.
    """
    verdict = image.verdict
    if verdict.severity is Severity.INVALID:
        return replace(course, pending=None, times=0, last=image)
    if verdict.label == NO_MODEL:
        return Course(last=image)
    course = _remember_alarm(rules, course, image.at)
    verdict = _sticky(rules, entry, course.stated, image)
    course = replace(_state(rules, course, verdict), last=image)
    return _release(rules, _trouble(rules, course, image.at, ever=ever), image.at)


def tell(rules: Steadiness, course: Course, now: float) -> Verdict | None:
    """Say what a plot shows.

    Args:
        rules: How it is judged over time.
        course: Where it stands.
        now: Seconds since the epoch.

    Returns:
        The verdict, or None before the first image.
    """
    if course.last is None:
        return None
    last = course.last.verdict
    if last.severity is Severity.INVALID or last.label == NO_MODEL:
        return last
    waits = _waiting(rules, course)
    if course.stated is None:
        reason = f"no state yet: {waits}"[:REASON_LIMIT]
        return Verdict(NOTHING, 0.0, False, Severity.INVALID, Status.UDF, reason)
    shown = _now(course.stated, course.last, waits)
    if shown.severity and not _fires(rules, course, now):
        shown = _delayed(rules, course, shown, now)
    alarm = course.alarm
    if alarm is not None and alarm.severity > shown.severity:
        left = now if course.left is None else course.left
        if now - left < rules.hold_s:
            ended = f"alarm held for {rules.hold_s:g} s after its cause ({now - left:.0f} s)"
            reason = f"{ended}: {alarm.reason}; now {shown.reason}"
            return _now(replace(alarm, reason=reason[:REASON_LIMIT]), course.last, "")
    return shown


def _sticky(rules: Steadiness, entry: PlotEntry, stated: Verdict | None, image: Seen) -> Verdict:
    """Keep the stated label or confirmation while a weight is within the hysteresis."""
    new, margin = image.verdict, rules.hysteresis
    if stated is None or not margin or stated.label not in image.weights:
        return new
    policy = next((p for p in entry.labels if p.name == stated.label), None)
    if policy is None or new.label not in image.weights:
        return new
    weight, threshold = image.weights[stated.label], image.thresholds.get(stated.label)
    confirmed = threshold is not None and weight >= threshold - (
        margin if stated.confirmed else 0.0
    )
    if new.label == stated.label:
        if new.confirmed or not confirmed:
            return new
        why = f"confirmed until below {threshold - margin:.3g}" if threshold is not None else ""
    else:
        severity = policy.confirmed if confirmed else policy.unconfirmed
        lighter = weight < image.weights[new.label] - margin
        # A worse label is never kept waiting.
        if lighter or severity < _palette_severity(entry, new):
            return new
        why = f"{policy.name} until {new.label} is heavier by {margin:.3g}"
    severity = policy.confirmed if confirmed else policy.unconfirmed
    if entry.model is not None and entry.model.probation:
        severity = min(severity, Severity.MINOR)
    if image.beam_on is False:
        severity = Severity.NO_ALARM
    return Verdict(
        label=policy.name,
        confidence=weight,
        confirmed=confirmed,
        severity=severity,
        status=Status.STATE if severity else Status.NO_ALARM,
        reason=f"hysteresis, {why}: {new.reason}"[:REASON_LIMIT],
    )


def _palette_severity(entry: PlotEntry, verdict: Verdict) -> Severity:
    for policy in entry.labels:
        if policy.name == verdict.label:
            return policy.confirmed if verdict.confirmed else policy.unconfirmed
    return verdict.severity


def _state(rules: Steadiness, course: Course, verdict: Verdict) -> Course:
    stated, pending = course.stated, course.pending
    if stated is not None and _same(stated, verdict):
        return replace(course, stated=verdict, pending=None, times=0)
    times = course.times + 1 if pending is not None and _same(pending, verdict) else 1
    if times >= rules.consecutive:
        return replace(course, stated=verdict, pending=None, times=0)
    return replace(course, pending=verdict, times=times)


def _same(one: Verdict, other: Verdict) -> bool:
    return (one.label, one.confirmed) == (other.label, other.confirmed)


def _trouble(rules: Steadiness, course: Course, at: float, *, ever: bool) -> Course:
    """Note when the plot turned not OK."""
    since = at if course.troubled is None else course.troubled
    onsets = tuple(time for time in course.onsets if time > since - rules.delay_s)
    if course.stated is None or not course.stated.severity:
        return replace(course, troubled=None, onsets=onsets)
    if course.troubled is not None:
        return replace(course, onsets=onsets)
    return replace(course, troubled=EVER if ever else at, onsets=(*onsets, at))


def _fires(rules: Steadiness, course: Course, now: float) -> bool:
    """Tell whether a plot that is not OK has been so for long, or often, enough."""
    if course.troubled is None:
        return False
    if now - course.troubled >= rules.delay_s:
        return True
    often = sum(time > course.troubled - rules.delay_s for time in course.onsets)
    return rules.count > 0 and often > rules.count


def _remember_alarm(rules: Steadiness, course: Course, at: float) -> Course:
    """Take note of an alarm that began between two images."""
    stated, alarm = course.stated, course.alarm
    if stated is None or not stated.severity or not _fires(rules, course, at):
        return course
    if alarm is not None and alarm.severity > stated.severity:
        return course
    return replace(course, alarm=stated, left=None)


def _release(rules: Steadiness, course: Course, at: float) -> Course:
    """Begin, go on with or end an alarm."""
    stated, alarm, left = course.stated, course.alarm, course.left
    fires = stated is not None and bool(stated.severity) and _fires(rules, course, at)
    current = stated if fires else None
    level = current.severity if current is not None else Severity.NO_ALARM
    if alarm is None or level >= alarm.severity:
        return replace(course, alarm=current, left=None)
    left = at if left is None else left
    if at - left >= rules.hold_s:
        return replace(course, alarm=current, left=None)
    return replace(course, left=left)


def _waiting(rules: Steadiness, course: Course) -> str:
    if course.pending is None:
        return "no classification yet" if course.stated is None else ""
    pending = course.pending
    word = "" if pending.confirmed else " unconfirmed"
    return f"pending {pending.label}{word} {course.times} of {rules.consecutive}: {pending.reason}"


def _now(verdict: Verdict, last: Seen, waits: str) -> Verdict:
    """Give a verdict the weight of the newest image, and what it waits for."""
    confidence = last.weights.get(verdict.label, verdict.confidence)
    reason = f"{verdict.reason}; {waits}" if waits else verdict.reason
    if last.verdict.label == verdict.label and not waits:
        confidence = verdict.confidence
    return replace(verdict, confidence=confidence, reason=reason[:REASON_LIMIT])


def _delayed(rules: Steadiness, course: Course, verdict: Verdict, now: float) -> Verdict:
    age = max(0.0, now - course.troubled) if course.troubled is not None else 0.0
    reason = f"not OK for {age:.0f} s, no alarm before {rules.delay_s:g} s"
    if rules.count:
        often = sum(time > now - rules.delay_s for time in course.onsets)
        reason += f" (or more than {rules.count} times, now {often})"
    return replace(
        verdict,
        severity=Severity.NO_ALARM,
        status=Status.NO_ALARM,
        reason=f"{reason}: {verdict.reason}"[:REASON_LIMIT],
    )
