"""Masks as they travel: what covers a part of a plot, and how it is changed."""

from typing import Annotated

import msgspec

from pipeline.messages.base import Fraction, Message, Name, Text
from pipeline.messages.commands import Who

Points = Annotated[tuple[tuple[Fraction, Fraction], ...], msgspec.Meta(min_length=2, max_length=40)]
"""Corners (x, y) in fractions of the image, from its top left."""
ShortText = Annotated[str, msgspec.Meta(max_length=500)]


class MaskRef(Message, kw_only=True, frozen=True):
    """A mask in force: pixels under it do not change the verdict."""

    mask_id: int
    name: Name
    owner: Name
    reason: ShortText
    points: Points
    """Corners of a polygon, at least three."""
    expires_at: float | None = None
    """Seconds since the epoch: images found complete from then on are judged
    without it; None never."""


class ChangeMask(Message, kw_only=True, frozen=True, tag="change-mask"):
    """Put a mask on a plot, switch it, or set when it ends."""

    who: Who
    plot: Name
    action: Annotated[str, msgspec.Meta(pattern="^(add|enable|disable|expire)$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    points: Points | None = None
    """Needed to add; two points are corners of a rectangle."""
    reason: Text = ""
    """Needed to add."""
    owner: ShortText = ""
    """Who asks, where it is empty."""
    expires_at: float | None = None
    """For ``add`` and ``expire``: seconds since the epoch, None never."""
