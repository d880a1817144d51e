"""Which plots exist, how they are judged and by which model."""

from typing import Annotated

import msgspec

from pipeline.alarm import Severity
from pipeline.messages.base import Count, Digest, Fraction, Message, Name, Shape, Text
from pipeline.messages.masks import MaskRef


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
    thresholds: dict[str, Fraction] = msgspec.field(default_factory=dict)
    """Confirmation threshold by label."""
    model: ModelRef | None = None
    masks: tuple[MaskRef, ...] = ()
    """Masks in force when this was sent."""


class Catalogue(Message, kw_only=True, frozen=True, tag="catalogue"):
    """All plots of the deployment. Frames: none."""

    serial: Count
    """Grows with every change."""
    plots: tuple[PlotEntry, ...]
