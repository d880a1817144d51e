"""What travels between the stages, and nothing else.

Every message is multipart: one header frame (MessagePack, validated against
the structures below where it enters) and raw byte frames for pixels, pictures
and maps. ``encode`` and ``decode`` are the only ways in and out; no pickle.

Naming:
    order: one image that is to be judged, from the Feeder.
    report: what a model says of an order, from Predict.
    state: what a plot's PVs shall show, from the Keeper.
    catalogue: which plots exist and which model judges each, from the Keeper.
    done: the Keeper has committed the result of an order.
    command: something an operator or a client wants changed, to the Keeper.
    heartbeat: a process says that it lives and how it fares.

The data flow is Feeder -> Balancer -> Predict -> Keeper -> IOC; ``Done`` and
``Catalogue`` are the only messages that go back.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from pipeline.alarm import Severity, Status
from pipeline.errors import MessageError

SCHEMA_VERSION: Final = 1
"""Version of all headers; a receiver refuses any other."""

Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Text = Annotated[str, msgspec.Meta(max_length=4000)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
Shape = tuple[
    Annotated[int, msgspec.Meta(ge=1, le=4096)],
    Annotated[int, msgspec.Meta(ge=1, le=4096)],
    Annotated[int, msgspec.Meta(ge=1, le=4)],
]


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every header: carries the schema version."""

    v: int = SCHEMA_VERSION


class ModelRef(Message, kw_only=True, frozen=True):
    """Which model judges a plot and how its input is prepared."""

    model_id: int
    """Row in the model registry."""
    digest: Digest
    """Hash of the model folder; names the folder in the model store."""
    input_shape: Shape
    """Height, width and channels of the input tensor, in pixels."""
    preprocessing: Name
    """Name of the preprocessing in ``pipeline.vision.preprocess``."""
    labels: tuple[Name, ...]
    """Ordered labels of the outputs."""
    probation: bool = False
    """A model on trial: shown, but its severity is capped at MINOR."""


class LabelPolicy(Message, kw_only=True, frozen=True):
    """How a label is shown and alarmed."""

    name: Name
    colour: Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$")] = "#808080"
    confirmed: Severity = Severity.NO_ALARM
    """Severity when the weight reaches the threshold."""
    unconfirmed: Severity = Severity.NO_ALARM
    """Severity when the weight is below the threshold."""


class PlotEntry(Message, kw_only=True, frozen=True):
    """One plot type of the catalogue."""

    plot_type_id: int
    name: Name
    """Name as the grammar gives it, also the PV name part."""
    file_type: Name = "png"
    chunked: bool = True
    description: Annotated[str, msgspec.Meta(max_length=500)] = ""
    contact: Annotated[str, msgspec.Meta(max_length=500)] = ""
    group: Name = "Other"
    """Detector system."""
    guidance: Text = ""
    """What the shift crew should do when this plot is bad."""
    ignored: bool = False
    """Judged and recorded, but hidden and without alarm."""
    cadence_s: Annotated[float, msgspec.Meta(gt=0.0)] = 60.0
    """Longest expected time between two images."""
    labels: tuple[LabelPolicy, ...] = ()
    """Palette, at most 14: two of the 16 enum states are our own."""
    thresholds: dict[str, Fraction] = {}
    """Confirmation threshold by label."""
    model: ModelRef | None = None


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
    offline: bool = False
    """Reprocessing of a past run: recorded, never alarmed."""


class Report(Message, kw_only=True, frozen=True, tag="report"):
    """What a model said of an order.

    Frames: maps (float32, C x h x w, may be empty), embedding (float32, D, may
    be empty), picture (the order's JPEG, passed on).
    """

    order: Order
    worker: Name
    labels: tuple[Name, ...] = ()
    probabilities: tuple[Fraction, ...] = ()
    map_shape: tuple[int, int, int] = (0, 0, 0)
    infer_s: Seconds = 0.0
    """Duration of the forward pass."""
    error: Text = ""
    """Why there is no result although the plot has a model; empty if none."""


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
    since: float = 0.0
    """When the present label and severity began, seconds since the epoch."""
    heat_shape: tuple[int, int] = (0, 0)
    override: Annotated[str, msgspec.Meta(max_length=500)] = ""
    """Who overrides the verdict and why; empty if nobody."""


class Catalogue(Message, kw_only=True, frozen=True, tag="catalogue"):
    """All plots of the deployment. Frames: none."""

    serial: Count
    """Grows with every change."""
    plots: tuple[PlotEntry, ...]


class Done(Message, kw_only=True, frozen=True, tag="done"):
    """The result of an order is committed. Frames: none."""

    order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    outcome: Annotated[str, msgspec.Meta(pattern="^(recorded|known|shown|failed)$")]
    """recorded: a new row; known: the row was there; shown: no model, no row;
    failed: judged impossible, recorded as such (never retried)."""


class Ready(Message, kw_only=True, frozen=True, tag="ready"):
    """A worker announces itself, or returns. Frames: none."""

    worker: Name
    host: Name
    pid: Count
    credits: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    """How many orders the worker will hold at a time."""


class Finished(Message, kw_only=True, frozen=True, tag="finished"):
    """A worker has passed on the report of an order: one credit back."""

    worker: Name
    order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class Beat(Message, kw_only=True, frozen=True, tag="beat"):
    """A worker tells the Balancer that it lives."""

    worker: Name


class Leaving(Message, kw_only=True, frozen=True, tag="leaving"):
    """A worker stops in good order and takes no more orders."""

    worker: Name


class Who(Message, kw_only=True, frozen=True):
    """Who asks for a change, from where and why."""

    user: Name
    host: Name
    why: Text = ""


class SetThreshold(Message, kw_only=True, frozen=True, tag="set-threshold"):
    """Change a confirmation threshold."""

    who: Who
    plot: Name
    label: Name
    value: Fraction


class SetIgnore(Message, kw_only=True, frozen=True, tag="set-ignore"):
    """Take a plot out of the alarms, or back."""

    who: Who
    plot: Name
    ignored: bool


class SetConditions(Message, kw_only=True, frozen=True, tag="set-conditions"):
    """What the machine does now: beam current and run number.

    Sent on every change by the IOC, which reads the facility's PVs.
    """

    who: Who
    beam_current: float | None
    """In the unit of the deployment's beam PV; None when unknown."""
    run: int = -1


class SetNews(Message, kw_only=True, frozen=True, tag="set-news"):
    """Post a line of news to all screens; empty clears it."""

    who: Who
    text: Text


class Reload(Message, kw_only=True, frozen=True, tag="reload"):
    """The database was changed by another program: read the catalogue again."""

    who: Who


class SnapshotRequest(Message, kw_only=True, frozen=True, tag="snapshot"):
    """Ask for the catalogue and the state of every plot.

    The reply is a series on the same socket: one ``Catalogue``, then one
    ``PlotState`` with its frames for each plot, then an ``Accepted``.
    """


class Accepted(Message, kw_only=True, frozen=True, tag="accepted"):
    """A command is committed. Frames: none."""

    text: Text = ""


class Refused(Message, kw_only=True, frozen=True, tag="refused"):
    """A command is not carried out; says why."""

    kind: Annotated[str, msgspec.Meta(pattern="^(invalid|not-permitted|unavailable)$")]
    text: Text


class Gauge(Message, kw_only=True, frozen=True):
    """One number of a process."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Za-z0-9]{0,30}$")]
    value: float


class Heartbeat(Message, kw_only=True, frozen=True, tag="heartbeat"):
    """A process says once a second that it lives and how it fares."""

    stage: Annotated[str, msgspec.Meta(pattern="^(Feeder|Balancer|Predict|Keeper|Ioc)$")]
    instance: Count = 0
    """Number of the process where a stage has several."""
    host: Name
    pid: Count
    started: float
    """Start of the process, seconds since the epoch."""
    beat: Count
    """Counts up by one each time."""
    state: Annotated[str, msgspec.Meta(pattern="^(Starting|Running|Degraded|Stopping)$")]
    reason: Text = ""
    """Why the state is not Running."""
    rate: Seconds = 0.0
    """Messages handled per second over the last ten seconds."""
    latency_s: Seconds = 0.0
    """Median time to handle one message over the last ten seconds."""
    queue: Count = 0
    """Messages that wait in this process."""
    queue_limit: Count = 0
    """Where the queue is full; 0 when it has no limit."""
    dropped: Count = 0
    """Messages and files refused since the start."""
    handled: Count = 0
    """Messages handled since the start."""
    gauges: tuple[Gauge, ...] = ()
    """Further numbers, such as refusals by reason."""


Command = SetThreshold | SetIgnore | SetConditions | SetNews | Reload | SnapshotRequest
Reply = Accepted | Refused
AnyMessage = (
    Order
    | Report
    | PlotState
    | Catalogue
    | Done
    | Ready
    | Finished
    | Beat
    | Leaving
    | Command
    | Reply
    | Heartbeat
)

FRAMES: Final[dict[type[Message], int]] = {Order: 2, Report: 3, PlotState: 2}
"""Number of byte frames behind the header; none for a type not listed."""

HEADER_LIMIT: Final = 1_000_000
"""Largest header accepted, in bytes: a catalogue of a few hundred plots."""
FRAME_LIMIT: Final = 64_000_000
"""Largest byte frame accepted: a 4096 x 4096 RGB tensor and some."""

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: Message, frames: Sequence[bytes | memoryview] = ()) -> list[bytes | memoryview]:
    """Turn a message into the parts of a multipart send.

    Args:
        message: The header.
        frames: Byte frames, as many as ``FRAMES`` says for this type.

    Returns:
        The header frame followed by the byte frames.

    Raises:
        MessageError: The number of frames does not fit the type.
    """
    expected = FRAMES.get(type(message), 0)
    if len(frames) != expected:
        raise MessageError(
            f"{type(message).__name__} takes {expected} byte frames, {len(frames)} were given"
        )
    return [_encoder.encode(message), *frames]


def decode(parts: Sequence[bytes | memoryview]) -> tuple[AnyMessage, list[bytes | memoryview]]:
    """Validate a multipart message that came from a socket.

    Args:
        parts: Header frame and byte frames, routing frames already taken off.

    Returns:
        The header and the byte frames.

    Raises:
        MessageError: Says what was expected and what came.
    """
    if not parts:
        raise MessageError("expected a header frame, received an empty message")
    if len(parts[0]) > HEADER_LIMIT:
        raise MessageError(f"header of {len(parts[0])} bytes is over the limit of {HEADER_LIMIT}")
    try:
        message = _decoder.decode(parts[0])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"header does not fit any known message: {error}") from error
    if message.v != SCHEMA_VERSION:
        raise MessageError(
            f"expected schema version {SCHEMA_VERSION}, received {message.v};"
            " run the same release of every stage"
        )
    frames = list(parts[1:])
    expected = FRAMES.get(type(message), 0)
    if len(frames) != expected:
        raise MessageError(
            f"{type(message).__name__} takes {expected} byte frames, received {len(frames)}"
        )
    for frame in frames:
        if len(frame) > FRAME_LIMIT:
            raise MessageError(f"frame of {len(frame)} bytes is over the limit of {FRAME_LIMIT}")
    return message, frames
