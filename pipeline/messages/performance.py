"""How well a plot's model does, as the Keeper finds it now and then."""

from typing import Annotated

import msgspec

from pipeline.alarm import Severity
from pipeline.messages.base import Count, Fraction, Message, Name, Text


class Performance(Message, kw_only=True, frozen=True, tag="performance"):
    """Trailing accuracy, drift and wish for a training of one plot. Frames: none."""

    plot: Name
    """Empty never; ``*`` stands for all plots together."""
    made_at: float
    """Seconds since the epoch."""
    known: bool = False
    """Whether enough of the sample is labelled for an accuracy."""
    accuracy: Fraction = 0.0
    low: Fraction = 0.0
    """Ends of the interval that holds the accuracy with 95 % confidence."""
    high: Fraction = 1.0
    coverage: Fraction = 0.0
    """Labelled share of the unbiased sample."""
    count: Count = 0
    """Labelled images of the unbiased sample."""
    reason: Text = ""
    severity: Severity = Severity.NO_ALARM
    """Of the accuracy, where it is known."""
    drift: Annotated[float, msgspec.Meta(ge=0.0)] | None = None
    """How far the newest images lie from those before, in standard errors; None unknown."""
    drift_reason: Text = ""
    drift_severity: Severity = Severity.NO_ALARM
    retrain: Count = 0
    """Open requests for a training."""
    retrain_reason: Text = ""
