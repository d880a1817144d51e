"""One label of one image as data sets and their files hold it, and the digest of a list."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

WEIGHT_LIMIT: Final = 100
"""Largest training weight."""
NUMBER_LIMIT: Final = 2**31
"""A run or chunk is a 32-bit integer in the database and in Channel Access."""
COMMENT_LIMIT: Final = 16_000
"""Characters of a comment.

Source:
    MariaDB Knowledge Base, "TEXT": 65,535 bytes; a character takes 4 of them at most.
"""
TIME_LIMIT: Final = 253_402_300_800.0
"""Seconds since the epoch at the end of the year 9999, the last that Python's dates know."""

Number = Annotated[int, Meta(ge=-1, lt=NUMBER_LIMIT)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Seconds = Annotated[float, Meta(ge=-TIME_LIMIT, lt=TIME_LIMIT)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z")]
Weight = Annotated[int, Meta(ge=0, le=WEIGHT_LIMIT)]
VALUE_LIMIT: Final = 1.7976931348623157e308
"""Largest finite number. Source: IEEE 754, binary64."""
Value = Annotated[float, Meta(ge=-VALUE_LIMIT, le=VALUE_LIMIT)]
Use = Literal["train", "validate", "free"]
Source = Literal["labeler", "live", "report", "simulated", "import"]
Key = tuple[str, int, int, str]
"""Period, run, chunk and SHA-256: which image of a plot type."""


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A label of a kept image, with all that a training takes from it."""

    sha256: Digest
    period: Annotated[str, Meta(max_length=100)]
    run: Number
    chunk: Number
    image_time: Seconds
    """Seconds since the epoch, as ``labelled_at``."""
    unbiased: bool
    simulated: bool
    label: Name
    user: Name
    comment: Annotated[str, Meta(max_length=COMMENT_LIMIT)]
    source: Source
    labelled_at: Seconds
    weight: Weight
    """Training weight; 0 keeps the image for validation."""
    use: Use
    """Pinned to training or validation, or left to the split."""
    value: Value | None = None
    """Number that a regression model learns."""

    @property
    def key(self) -> Key:
        """Which image of the plot type."""
        return self.period, self.run, self.chunk, self.sha256


def in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """Give items in the one order that a data set has them in."""
    return tuple(sorted(items, key=lambda one: (*one.key, one.labelled_at, one.label)))


def digest_of(plot: str, items: Sequence[Item]) -> str:
    """Give the digest of a data set: of its content, not of its name, date or note.

    Args:
        plot: Name of the plot type.
        items: In any order.

    Returns:
        SHA-256 of the plot's name and the ordered items as JSON, 64 digits.
    """
    return hashlib.sha256(msgspec.json.encode([plot, in_order(items)])).hexdigest()
