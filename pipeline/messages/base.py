"""What all headers have in common: version and field types."""

from typing import Annotated, Final

import msgspec

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
