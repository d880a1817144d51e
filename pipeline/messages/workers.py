"""What workers tell the Balancer."""

from typing import Annotated

import msgspec

from pipeline.messages.base import Count, Message, Name


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
