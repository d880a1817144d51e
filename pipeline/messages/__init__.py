"""What travels between the stages, and nothing else.

Every message is multipart: one header frame (MessagePack, validated against
the structures below where it enters) and raw byte frames for pixels, pictures
and maps. ``encode`` and ``decode`` are the only ways in and out; no pickle.

Naming:
    order: one image that is to be judged, from the Feeder.
    report: what a model says of an order, from Predict.
    state: what a plot's PVs shall show, from the Keeper.
    catalogue: which plots exist and which model judges each, from the Keeper.
    site: beam, run, news and whether plots arrive at all, from the Keeper.
    done: the Keeper has committed the result of an order.
    command: something an operator or a client wants changed, to the Keeper.
    heartbeat: a process says that it lives and how it fares.

The data flow is Feeder -> Balancer -> Predict -> Keeper -> IOC; ``Done`` and
``Catalogue`` are the only messages that go back.
"""

from pipeline.messages.base import (
    SCHEMA_VERSION,
    Count,
    Digest,
    Fraction,
    Message,
    Name,
    Seconds,
    Shape,
    Text,
)
from pipeline.messages.catalogue import (
    AlarmLimits,
    Catalogue,
    Companion,
    LabelPolicy,
    ModelRef,
    PlotEntry,
    SimilarityRef,
    tensor_model,
)
from pipeline.messages.codec import (
    FRAME_LIMIT,
    FRAMES,
    HEADER_LIMIT,
    AnyMessage,
    Command,
    Reply,
    decode,
    encode,
)
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
    Who,
)
from pipeline.messages.flow import (
    CompanionResult,
    Done,
    Order,
    PlotState,
    ReferencePicture,
    Report,
    ShadowState,
    SiteState,
)
from pipeline.messages.heartbeat import Gauge, Heartbeat
from pipeline.messages.masks import ChangeMask, MaskRef
from pipeline.messages.performance import Performance
from pipeline.messages.steadiness import SetLimit, SetSteadiness, Steadiness
from pipeline.messages.workers import Beat, Finished, Leaving, Ready

__all__ = [
    "FRAMES",
    "FRAME_LIMIT",
    "HEADER_LIMIT",
    "SCHEMA_VERSION",
    "Accepted",
    "AlarmLimits",
    "AnyMessage",
    "Beat",
    "Catalogue",
    "ChangeMask",
    "Command",
    "Companion",
    "CompanionResult",
    "Count",
    "Digest",
    "Done",
    "Finished",
    "Fraction",
    "Gauge",
    "Heartbeat",
    "LabelPolicy",
    "Leaving",
    "MaskRef",
    "Message",
    "ModelRef",
    "Name",
    "Order",
    "Performance",
    "PlotEntry",
    "PlotState",
    "PutRefused",
    "Ready",
    "ReferencePicture",
    "Refused",
    "Reload",
    "Reply",
    "Report",
    "Seconds",
    "SetConditions",
    "SetIgnore",
    "SetLimit",
    "SetNews",
    "SetRunType",
    "SetSteadiness",
    "SetThreshold",
    "ShadowState",
    "Shape",
    "SimilarityRef",
    "SiteState",
    "SnapshotRequest",
    "Steadiness",
    "Text",
    "Who",
    "decode",
    "encode",
    "tensor_model",
]
