"""Which plots exist, how they are judged and by which model."""

from typing import Annotated

import msgspec

from pipeline.alarm import Severity
from pipeline.messages.base import Count, Digest, Fraction, Message, Name, Shape, Text
from pipeline.messages.masks import MaskRef
from pipeline.messages.steadiness import INSTANT, Steadiness


class AlarmLimits(Message, kw_only=True, frozen=True):
    """Alarm limits of a number, as EPICS has them; None where there is none."""

    hihi: float | None = None
    """At or above: MAJOR."""
    high: float | None = None
    """At or above: MINOR."""
    low: float | None = None
    """At or below: MINOR."""
    lolo: float | None = None
    """At or below: MAJOR."""


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
    kind: Annotated[str, msgspec.Meta(pattern="^(classification|regression)$")] = "classification"
    """A regression model gives one number, not weights of labels."""
    unit: Annotated[str, msgspec.Meta(max_length=15)] = ""
    """Of a regression model's number."""
    limits: AlarmLimits | None = None
    """Of a regression model's number."""
    novelty: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """SHA-256 of the file in its folder that tells how novel an image is; empty without."""


class Companion(Message, kw_only=True, frozen=True):
    """A further model that sees every image of a plot, besides the one that judges."""

    role: Annotated[str, msgspec.Meta(pattern="^(shadow|reference)$")]
    """``shadow``: compared with the model that judges, never shown as a verdict.
    ``reference``: how like the plot's references an image is."""
    model: ModelRef
    term_id: Count = 0
    """Of a shadow: row that says since when it is one."""
    thresholds: dict[str, Fraction] = msgspec.field(default_factory=dict)
    """Of a shadow: its own confirmation thresholds by label."""


class SimilarityRef(Message, kw_only=True, frozen=True):
    """The references of a plot, and what their similarity decides."""

    set_id: int
    """Row of the set of references; also the ``model_id`` of its companion."""
    version: Count
    count: Count
    """How many images they are."""
    run_type: Annotated[str, msgspec.Meta(max_length=100)] = ""
    threshold: Fraction
    """An image whose similarity is below is unlike the references."""
    severity: Severity = Severity.MINOR
    """Of an image that is unlike the references."""
    decides: bool = True
    """Whether the plot's verdict depends on it, not only the similarity's own alarm."""
    typical: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """SHA-256 of the reference that is shown; empty where none is."""
    digest: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """Folder of the model store that was made of them."""
    made_at: float = 0.0
    """Seconds since the epoch."""
    original: Count = 0
    """Version that these were adapted from, step by step; 0 where people chose the images."""
    drift: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    """From that version, in decades of similarity."""
    proposal: Count = 0
    """A proposal to adapt them that waits for an expert; 0 without."""


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
    thresholds: dict[str, Fraction] = msgspec.field(default_factory=dict)
    """Confirmation threshold by label."""
    steadiness: Steadiness = INSTANT
    """How verdicts are judged over time."""
    model: ModelRef | None = None
    masks: tuple[MaskRef, ...] = ()
    """Masks in force when this was sent."""
    companions: Annotated[tuple[Companion, ...], msgspec.Meta(max_length=4)] = ()
    """Models that see every image too; their input is that of the model that judges."""
    similarity: SimilarityRef | None = None
    """None without references."""
    unknown_below: Fraction = 0.0
    """A verdict whose weight is lower is ``Unknown``; 0 never."""
    novel_below: Fraction = 0.0
    """An image less likely than this to be of what was trained is ``Unknown``; 0 never."""


def tensor_model(entry: PlotEntry) -> ModelRef | None:
    """Give the model whose input an image of a plot is prepared for; None if nothing sees it."""
    if entry.model is not None:
        return entry.model
    references = (c.model for c in entry.companions if c.role == "reference")
    return next(references, None)


class Catalogue(Message, kw_only=True, frozen=True, tag="catalogue"):
    """All plots of the deployment. Frames: none."""

    serial: Count
    """Grows with every change."""
    plots: tuple[PlotEntry, ...]
