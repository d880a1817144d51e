"""The only ways in and out: ``encode`` and ``decode``."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pipeline.errors import MessageError
from pipeline.messages.base import SCHEMA_VERSION, Message
from pipeline.messages.catalogue import Catalogue
from pipeline.messages.commands import (
    Accepted,
    PutRefused,
    Refused,
    Reload,
    SetConditions,
    SetIgnore,
    SetNews,
    SetRunType,
    SetThreshold,
    SnapshotRequest,
)
from pipeline.messages.flow import (
    Done,
    Order,
    PlotState,
    ReferencePicture,
    Report,
    SiteState,
)
from pipeline.messages.heartbeat import Heartbeat
from pipeline.messages.masks import ChangeMask
from pipeline.messages.performance import Performance
from pipeline.messages.steadiness import SetLimit, SetSteadiness
from pipeline.messages.workers import Beat, Finished, Leaving, Ready

Command = (
    SetThreshold
    | SetIgnore
    | SetConditions
    | SetNews
    | SetRunType
    | Reload
    | SnapshotRequest
    | PutRefused
    | ChangeMask
    | SetSteadiness
    | SetLimit
)
Reply = Accepted | Refused
AnyMessage = (
    Order
    | Report
    | PlotState
    | ReferencePicture
    | Catalogue
    | Done
    | SiteState
    | Performance
    | Ready
    | Finished
    | Beat
    | Leaving
    | Command
    | Reply
    | Heartbeat
)

FRAMES: Final[dict[type[Message], int]] = {Order: 2, Report: 3, PlotState: 2, ReferencePicture: 1}
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
