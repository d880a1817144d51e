"""The way of a plot: order, report, state, done."""

from typing import Annotated

import msgspec

from pipeline.alarm import Severity, Status
from pipeline.messages.base import Count, Digest, Fraction, Message, Name, Seconds, Text
from pipeline.messages.catalogue import PlotEntry


class Order(Message, kw_only=True, frozen=True, tag="order"):
    """One image to be judged. Frames: tensor (uint8, HWC), picture (JPEG).

    The tensor frame is empty when the plot has no model.
    """

    order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    """Stays the same when the order is sent again."""
    plot: PlotEntry
    run: Annotated[int, msgspec.Meta(ge=-1)]
    """Run number, -1 when the path names none."""
    period: Name
    """Run period, ``NA`` when the path names none."""
    chunk: Count
    """Chunk number, 0 for an unchunked plot."""
    image_time: float
    """Time of the image itself, seconds since the Unix epoch."""
    closed_time: float
    """When the Feeder found the file complete, same clock."""
    sha256: Digest
    """Hash of the file's bytes."""
    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    """Where the source file lies until the order is done."""
    image_size: tuple[Count, Count] = (0, 0)
    """Height and width of the file's image in pixels; 0 when unknown."""
    offline: bool = False
    """Reprocessing of a past run: recorded, never alarmed."""


class CompanionResult(Message, kw_only=True, frozen=True):
    """What a companion said of an image."""

    role: Annotated[str, msgspec.Meta(pattern="^(shadow|reference)$")]
    digest: Digest
    model_id: int = 0
    labels: tuple[Name, ...] = ()
    probabilities: tuple[Fraction, ...] = ()
    error: Text = ""
    """Why there is no result; empty if there is one."""


class Report(Message, kw_only=True, frozen=True, tag="report"):
    """What a model said of an order.

    Frames: maps (float32, C x h x w, may be empty), embedding (float32, D, may
    be empty), picture (the order's JPEG, passed on).
    """

    order: Order
    worker: Name
    labels: tuple[Name, ...] = ()
    probabilities: tuple[Fraction, ...] = ()
    value: float | None = None
    """What a regression model gives, in its unit; None for any other model."""
    map_shape: tuple[int, int, int] = (0, 0, 0)
    infer_s: Seconds = 0.0
    """Duration of the forward pass."""
    error: Text = ""
    """Why there is no result although the plot has a model; empty if none."""
    masks: tuple[int, ...] = ()
    """Ids of the masks of the order's plot that covered a part of the image."""
    companions: Annotated[tuple[CompanionResult, ...], msgspec.Meta(max_length=4)] = ()
    novelty: Fraction | None = None
    """How likely an image of what was trained looks as different from it; None if unknown."""


class ShadowState(Message, kw_only=True, frozen=True):
    """What the shadow of a plot says beside its verdict; alarms nobody."""

    model: Digest
    """Of the shadow that saw the image."""
    label: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """Empty where it failed."""
    confidence: Fraction = 0.0
    confirmed: bool = False
    compared: Count = 0
    """Images of this shadow and the model that judges that both gave a label."""
    disagreed: Count = 0
    """Of these, how often the labels differed."""
    error: Text = ""
    """Why it gave no verdict; empty if it did."""


class PlotState(Message, kw_only=True, frozen=True, tag="state"):
    """All that a plot's PVs show, made once by the judge.

    Frames: picture (JPEG), heat map (uint8, h x w, 0..255). Both are empty when
    they are unchanged since the last state of the same plot and ``count``.
    """

    plot: Name
    label: Name
    """Label of the last judged image, or ``NoModel``, ``Nothing`` (no image yet)."""
    confidence: Fraction
    confirmed: bool
    weights: dict[str, Fraction]
    thresholds: dict[str, Fraction]
    run: int
    chunk: Count
    period: Name
    image_time: float
    """Source time of all values; 0.0 before the first image."""
    closed_time: float
    """When the Feeder found the file complete; for latency."""
    model: Annotated[str, msgspec.Meta(max_length=200)]
    reason: Text
    """In words, why the severity is what it is."""
    image_file: Annotated[str, msgspec.Meta(max_length=4096)]
    severity: Severity
    status: Status
    count: Count
    """Images judged; changes with every image."""
    unshown: Count = 0
    """Of these, how many since the last state came late and were never shown."""
    since: float = 0.0
    """When the present label and severity began, seconds since the epoch."""
    heat_shape: tuple[int, int] = (0, 0)
    override: Annotated[str, msgspec.Meta(max_length=500)] = ""
    """Who overrides the verdict and why; empty if nobody."""
    value: float | None = None
    """What a regression model gives, in its unit; None for any other model."""
    value_status: Status = Status.NO_ALARM
    """HIHI, HIGH, LOW or LOLO where the number passes that limit."""
    similarity: Fraction | None = None
    """To the plot's references; None without references or result."""
    similarity_threshold: Fraction = 0.0
    similarity_severity: Severity = Severity.NO_ALARM
    references: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Version and number of the references; empty without."""
    novelty: Fraction | None = None
    """Share of the images known in training that lie farther out; None if unknown."""
    novelty_severity: Severity = Severity.NO_ALARM
    shadow: ShadowState | None = None
    """None where no shadow saw the image on show."""


class ReferencePicture(Message, kw_only=True, frozen=True, tag="reference"):
    """The most typical reference of a plot, part of a snapshot. Frame: picture (JPEG)."""

    plot: Name
    set_id: int


class Done(Message, kw_only=True, frozen=True, tag="done"):
    """The result of an order is committed. Frames: none."""

    order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    outcome: Annotated[str, msgspec.Meta(pattern="^(recorded|known|shown|failed)$")]
    """recorded: a new row; known: the row was there; shown: no model, no row;
    failed: judged impossible, recorded as such (never retried)."""


class SiteState(Message, frozen=True, kw_only=True, tag="site"):
    """What the status bar shows, and whether plots arrive at all. Frames: none."""

    run: int = -1
    """Run number of the newest image or of the facility's PV; -1 when unknown."""
    period: Name = "NA"
    run_type: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """Kind of run, such as ``production``; empty when nobody said."""
    beam_current: float | None = None
    """In the unit of the deployment's beam PV; None when unknown."""
    beam_on: bool | None = None
    """Whether the current reaches the threshold; None when unknown."""
    news: Text = ""
    last_image_time: float = 0.0
    """Time of the newest image, seconds since the epoch; 0.0 before the first."""
    producer_silent: bool = False
    """So many plots are stale that the producer itself must be silent."""
    reason: Text = ""
    """In words, what is wrong with the chain or the producer; empty if nothing."""
