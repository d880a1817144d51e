"""What a card says, made from what the PVs say. No Qt: widgets only paint it.

Naming:
    reading: the last values of a plot's PVs and whether they are connected.
    line: whether the IOC itself is heard.
    face: what is painted: level, words, bar, how much is veiled.
    level: how much a card wants the eye; a summary is the plain maximum.

A card begins disconnected. Nothing but a connected PV with a harmless label
and no alarm, on a living line, is ever GOOD.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from displays.catalogue import NO_COLOUR, Plot
from displays.masks import Mask
from displays.text import age_text, clock, percent
from pipeline.alarm import Severity, Status

NO_MODEL = "NoModel"
NOTHING = "Nothing"


class Level(IntEnum):
    """How much a card wants the eye, the worst last."""

    GOOD = 0
    """Judged, harmless, no alarm."""
    NO_MODEL = 1
    """Shown, but nobody judges it."""
    UNALARMED = 2
    """It raises no alarm: taken out of the alarms, or bad without beam."""
    NOTHING = 3
    """No image yet."""
    WARNING = 4
    """A label of minor severity, such as NoData."""
    UNCONFIRMED = 5
    """A bad label below its threshold, or of a model on probation."""
    BAD = 6
    STALE = 7
    """The last verdict is too old to be believed."""
    INVALID = 8
    SILENT = 9
    """The IOC is connected but its heartbeat stands still."""
    DISCONNECTED = 10


VEILED = frozenset({Level.STALE, Level.INVALID, Level.SILENT, Level.DISCONNECTED})
"""Levels at which the picture must not look live."""

WORDS: Mapping[Level, str] = {
    Level.NO_MODEL: "No model",
    Level.NOTHING: "Nothing yet",
    Level.STALE: "STALE",
    Level.INVALID: "INVALID",
    Level.SILENT: "IOC SILENT",
    Level.DISCONNECTED: "DISCONNECTED",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The last values of a plot's PVs."""

    connected: bool = False
    """Whether every PV without which the card cannot be trusted is connected."""
    label: str | None = None
    severity: Severity | None = None
    status: Status | None = None
    confidence: float | None = None
    value: float | None = None
    """The number of a regression model."""
    confirmed: bool | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    run: int | None = None
    chunk: int | None = None
    image_time: str = ""
    picture_old: bool = False
    """Whether the picture belongs to an earlier verdict."""
    age_s: float | None = None
    count: int | None = None
    since: str = ""
    """When the present verdict began, as the IOC writes it."""
    reason: str = ""
    model: str = ""
    image_file: str = ""
    contact: str = ""
    guidance: str = ""
    masks: tuple[Mask, ...] = ()
    """Masks in force."""
    similarity: float | None = None
    """To the references; None without, and where it is not known."""
    similarity_threshold: float | None = None
    references: str = ""
    """Version and number of the references."""
    novelty: float | None = None
    """Share of the images known in training that lie farther out."""
    novelty_threshold: float | None = None
    """Below it an image is novel; 0 never."""
    shadow: str = ""
    """Model that is compared with the one that judges."""
    shadow_count: int | None = None
    """Images that both gave a label."""
    shadow_disagreed: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Whether the IOC is heard."""

    silent_since: str = ""
    """Time of day of the last heartbeat when it is overdue; empty if it beats."""


@dataclass(frozen=True, slots=True)
class Face:
    """What is painted."""

    level: Level
    word: str
    """The state in one word or two, large."""
    verdict: str
    """Label and confidence, such as ``Good @ 80.2 %``."""
    note: str
    """Why, in a sentence; empty when all is well."""
    colour: str
    """Colour of the label, from the catalogue."""
    confirmed: bool
    confidence: float | None
    threshold: float | None
    age: str
    origin: str
    """Run and chunk."""
    picture_old: bool = False
    """Whether the picture belongs to an earlier verdict."""
    masks: tuple[Mask, ...] = ()
    likeness: str = ""
    """Whether the image is like the references, in words; empty without."""

    @property
    def veiled(self) -> bool:
        """Whether the picture must not look live."""
        return self.level in VEILED


def level_of(plot: Plot, reading: Reading, line: Line) -> Level:  # noqa: PLR0911 - a ladder
    """Give the level of a plot: the first rung that holds.

    Args:
        plot: Its entry in the catalogue.
        reading: The last values of its PVs.
        line: Whether the IOC is heard.
    """
    if not reading.connected:
        return Level.DISCONNECTED
    if line.silent_since:
        return Level.SILENT
    if reading.label == NOTHING:
        return Level.NOTHING
    if reading.label is None or reading.severity is None:
        return Level.INVALID
    if reading.severity == Severity.INVALID:
        return Level.STALE if reading.status == Status.TIMEOUT else Level.INVALID
    if plot.ignored and reading.severity == Severity.NO_ALARM:
        return Level.UNALARMED
    if reading.severity == Severity.MAJOR:
        return Level.BAD
    if plot.is_bad(reading.label):
        # A number beyond a limit is a fact: nothing about it is unconfirmed.
        minor = Level.UNCONFIRMED if plot.unit is None else Level.WARNING
        return minor if reading.severity == Severity.MINOR else Level.UNALARMED
    if reading.severity == Severity.MINOR:
        return Level.WARNING
    return Level.NO_MODEL if reading.label == NO_MODEL else Level.GOOD


def _said(plot: Plot, reading: Reading) -> str:
    """Write the label with its weight, or the number with its unit."""
    if plot.judged_by_references:
        # A similarity of 0.02 is a usual image; it must not look like 2 % of certainty.
        return f"{reading.label}: {_likeness(plot, reading) or 'not compared'}"
    if plot.unit is None:
        return f"{reading.label} @ {percent(reading.confidence)}"
    number = "?" if reading.value is None else f"{reading.value:.4g} {plot.unit}".rstrip()
    return f"{reading.label}: {number}"


def face_of(plot: Plot, reading: Reading, line: Line) -> Face:
    """Give what the card of a plot shows."""
    level = level_of(plot, reading, line)
    label = plot.label(reading.label) if reading.label else None
    judged = reading.label not in (None, NO_MODEL, NOTHING)
    veiled = level in VEILED
    was = "was " if veiled else ""
    return Face(
        level=level,
        word=_word(level, plot, reading),
        verdict=f"{was}{_said(plot, reading)}" if judged else "",
        note=_note(level, plot, reading, line),
        colour=label.colour if label else NO_COLOUR,
        confirmed=judged and not veiled and reading.confirmed is True,
        confidence=reading.confidence if judged and _weighed(plot) else None,
        threshold=reading.thresholds.get(reading.label or "")
        if judged and _weighed(plot)
        else None,
        age=_age(level, reading),
        origin=_origin(reading),
        picture_old=reading.picture_old,
        masks=reading.masks,
        likeness="" if veiled or plot.judged_by_references else _likeness(plot, reading),
    )


def in_bad_column(plot: Plot, reading: Reading) -> bool:
    """Tell whether a plot belongs into the Bad column.

    It stays there when its PVs go stale or are lost: the last that was known
    of it is that it is bad.
    """
    return (
        plot.is_bad(reading.label)
        and reading.severity is not None
        and reading.severity > Severity.NO_ALARM
    ) or reading.severity == Severity.MAJOR


class Tally:
    """Counts the images since a verdict began, where the screen saw it begin."""

    def __init__(self) -> None:
        """Begin without having seen anything."""
        self._since: str | None = None
        self._before: int | None = None

    def images(self, reading: Reading) -> int:
        """Give how many images the present verdict has; 0 when unknown.

        The IOC posts ``Count`` before ``Since``, so that a new begin comes with
        the count of its first image.
        """
        if not reading.since or reading.count is None:
            return 0
        if reading.since != self._since:
            self._before = reading.count - 1 if self._since is not None else None
            self._since = reading.since
        return 0 if self._before is None else max(0, reading.count - self._before)


def _weighed(plot: Plot) -> bool:
    """Tell whether a verdict has a weight that may be compared with a threshold."""
    return plot.unit is None and not plot.judged_by_references


def _likeness(plot: Plot, reading: Reading) -> str:
    if not plot.references:
        return ""
    if reading.similarity is None or reading.similarity_threshold is None:
        return "not compared with references"
    like = reading.similarity >= reading.similarity_threshold
    return "like references" if like else "UNLIKE references"


def _word(level: Level, plot: Plot, reading: Reading) -> str:
    if level in WORDS:
        return WORDS[level]
    label = reading.label or "?"
    if level == Level.UNALARMED and plot.ignored:
        return f"{label}, ignored"
    if level == Level.BAD:
        return label.upper()
    if level == Level.UNCONFIRMED:
        return f"{label}, minor" if reading.confirmed else f"{label}, unconfirmed"
    return label


def _note(level: Level, plot: Plot, reading: Reading, line: Line) -> str:  # noqa: PLR0911 - a ladder
    last = clock(reading.image_time)
    if level == Level.DISCONNECTED:
        return f"last image {last}" if last else "no PV of this plot is heard"
    if level == Level.SILENT:
        return f"IOC silent since {line.silent_since}"
    if level == Level.STALE:
        return f"no image since {last}" if last else reading.reason
    if level == Level.NOTHING:
        return "waiting for the first image"
    if level == Level.UNALARMED and plot.ignored:
        return "taken out of the alarms"
    if level in (Level.GOOD, Level.NO_MODEL):
        return ""
    return reading.reason


def _age(level: Level, reading: Reading) -> str:
    # Without the IOC nobody knows whether there is a newer image.
    if level >= Level.SILENT or reading.label in (None, NOTHING):
        return ""
    return age_text(reading.age_s)


def _origin(reading: Reading) -> str:
    if reading.label == NOTHING:
        return ""
    parts = []
    if reading.run is not None and reading.run >= 0:
        parts.append(f"Run {reading.run}")
    if reading.chunk is not None:
        parts.append(f"chunk {reading.chunk}")
    if reading.masks:
        parts.append(f"{len(reading.masks)} mask{'s' if len(reading.masks) > 1 else ''}")
    return " · ".join(parts)
