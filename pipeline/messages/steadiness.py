"""How verdicts are judged over time, as it travels and as it is changed."""

from typing import Annotated, Final

import msgspec

from pipeline.messages.base import Fraction, Message, Name
from pipeline.messages.commands import Who

DAY_S: Final = 86_400.0
Consecutive = Annotated[int, msgspec.Meta(ge=1, le=20)]
Span = Annotated[float, msgspec.Meta(ge=0.0, le=DAY_S)]
Times = Annotated[int, msgspec.Meta(ge=0, le=50)]


class Steadiness(Message, kw_only=True, frozen=True):
    """How a plot is judged over time; as made, every image is judged by itself."""

    consecutive: Consecutive = 1
    """Equal classifications in a row before they are published."""
    hysteresis: Fraction = 0.0
    """A confirmed label is left only this far below its threshold, and a worse label
    only when a better one is heavier by this."""
    hold_s: Span = 0.0
    """An alarm stays at least so long after its cause has gone, in seconds."""
    delay_s: Span = 0.0
    """Not OK for less time is no alarm yet, in seconds."""
    count: Times = 0
    """Not OK more often than this within ``delay_s`` is an alarm at once; 0 never."""

    @property
    def instant(self) -> bool:
        """Whether every image is judged by itself."""
        return self == INSTANT


INSTANT: Final = Steadiness()
LIMITS: Final = {
    "consecutive": (1.0, 20.0),
    "hysteresis": (0.0, 1.0),
    "hold_s": (0.0, DAY_S),
    "delay_s": (0.0, DAY_S),
    "count": (0.0, 50.0),
}
"""Lowest and highest value by setting."""
WHOLE: Final = ("consecutive", "count")
"""Settings that are whole numbers."""


class SetSteadiness(Message, kw_only=True, frozen=True, tag="set-steadiness"):
    """Change one setting of how a plot is judged over time."""

    who: Who
    plot: Name
    setting: Annotated[str, msgspec.Meta(pattern="^(consecutive|hysteresis|hold_s|delay_s|count)$")]
    value: Annotated[float, msgspec.Meta(ge=0.0, le=DAY_S)]


class SetLimit(Message, kw_only=True, frozen=True, tag="set-limit"):
    """Change an alarm limit of a regression model's number."""

    who: Who
    plot: Name
    limit: Annotated[str, msgspec.Meta(pattern="^(lolo|low|high|hihi)$")]
    value: float
