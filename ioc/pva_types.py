"""Normative types of the pvAccess face, made from a description and a value."""

from typing import Any, Final

import numpy as np
from p4p import Value
from p4p.nt import NTEnum, NTNDArray, NTScalar

from ioc.description import Kind, PvDescription
from ioc.value import PvValue
from pipeline.alarm import Status, pva_status

_NUMBER = {"display": True, "control": True, "form": True}
TYPES: Final = {
    Kind.DOUBLE: NTScalar.buildType("d", **_NUMBER),
    Kind.LONG: NTScalar.buildType("i", **_NUMBER),
    Kind.ENUM: NTEnum.buildType(extra=[("display", ("S", None, [("description", "s")]))]),
    Kind.STRING: NTScalar.buildType("s", display=True),
    Kind.LONG_STRING: NTScalar.buildType("s", display=True),
    Kind.TEXT: NTScalar.buildType("s", display=True),
    Kind.IMAGE: NTNDArray.buildType(),
}


def initial(description: PvDescription, value: PvValue) -> Any:
    """Make the complete structure with which a PV opens.

    Args:
        description: What the PV is.
        value: What it shows at first.
    """
    fields = {**_properties(description), **_changing(description, value)}
    made = Value(TYPES[description.kind], fields)
    if description.kind is Kind.ENUM:
        made["value.choices"] = list(description.choices)
    return made


def update(description: PvDescription, value: PvValue, previous: PvValue) -> Any:
    """Make the fields that a new value changes.

    Args:
        description: What the PV is.
        value: What it shows now.
        previous: What it showed before; a picture that is still the same is not
            sent again when only its alarm changes.
    """
    same_picture = description.kind is Kind.IMAGE and value.value is previous.value
    fields = _alarm(value) if same_picture else _changing(description, value)
    return Value(TYPES[description.kind], fields)


def _properties(description: PvDescription) -> dict[str, Any]:
    """Give the fields that only a new description changes."""
    kind = description.kind
    if kind is Kind.IMAGE:
        return {}
    display: dict[str, Any] = {"description": description.desc}
    if kind is Kind.ENUM:
        return {"display": display}
    display["units"] = description.units
    if kind not in (Kind.DOUBLE, Kind.LONG):
        return {"display": display}
    low, high = description.display or (0.0, 0.0)
    display |= {"limitLow": low, "limitHigh": high, "precision": description.precision}
    low, high = description.drive or (low, high)
    return {"display": display, "control": {"limitLow": low, "limitHigh": high}}


def _alarm(value: PvValue) -> dict[str, Any]:
    seconds, nanoseconds = value.stamp
    message = value.reason or ("" if value.status is Status.NO_ALARM else value.status.name)
    return {
        "alarm": {
            "severity": int(value.severity),
            "status": int(pva_status(value.status)),
            "message": message,
        },
        "timeStamp": {"secondsPastEpoch": seconds, "nanoseconds": nanoseconds},
    }


def _changing(description: PvDescription, value: PvValue) -> dict[str, Any]:
    fields = _alarm(value)
    if description.kind is Kind.ENUM:
        fields["value"] = {"index": value.value}
    elif description.kind is Kind.IMAGE:
        fields |= {"dataTimeStamp": fields["timeStamp"], **_image(value)}
    else:
        fields["value"] = value.value
    return fields


def _image(value: PvValue) -> dict[str, Any]:
    """Give the pixels: JPEG bytes, or a heat map of one byte a pixel.

    Source:
        The codec name that areaDetector's NDPluginCodec gives a JPEG.
    """
    data = np.frombuffer(value.value if isinstance(value.value, bytes) else b"", np.uint8)
    height, width = value.shape
    sizes = [width, height] if height else [data.size]
    return {
        "value": ("ubyteValue", data),
        "codec": {"name": "" if height else "jpeg"},
        "compressedSize": data.size,
        "uncompressedSize": data.size,
        "dimension": [
            {"size": size, "offset": 0, "fullSize": size, "binning": 1, "reverse": False}
            for size in sizes
        ],
        "attribute": [],
    }
