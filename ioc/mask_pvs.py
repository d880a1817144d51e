"""The PVs of a plot's masks: what they show, and what a put to them asks for."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from ioc.description import AccessGroup, Kind, PvDescription, Setting, Target
from pipeline.errors import CommandError
from pipeline.messages import ChangeMask, PlotEntry, Who

LENGTH: Final = 12_000
"""Bytes of the longest text: eight masks of 40 corners need 7,000, and Channel
Access clients take 16,384 at a time by default.

Source:
    EPICS Base 7, ``EPICS_CA_MAX_ARRAY_BYTES``.
"""
PUT_LENGTH: Final = 4000
"""Bytes of the longest put."""
Corner = tuple[
    Annotated[float, msgspec.Meta(ge=0.0, le=1.0)], Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
]


class MaskPut(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a client puts, as JSON."""

    do: Annotated[str, msgspec.Meta(pattern="^(add|enable|disable|expire)$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    points: Annotated[tuple[Corner, ...], msgspec.Meta(min_length=2, max_length=40)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    owner: Annotated[str, msgspec.Meta(max_length=100)] = ""
    expires: float | None = None
    """Seconds since the epoch; None never."""
    why: Annotated[str, msgspec.Meta(max_length=500)] = ""


def describe_masks(base: str, plot: str) -> Iterator[PvDescription]:
    """Describe the PVs.

    Args:
        base: Prefix of the plot's PV names.
        plot: Its name.
    """
    yield PvDescription(
        f"{base}Masks", Kind.LONG_STRING, "Masks in force, as JSON", max_length=LENGTH
    )
    yield PvDescription(
        f"{base}MaskChange",
        Kind.LONG_STRING,
        "Put a change of a mask here, as JSON",
        max_length=PUT_LENGTH,
        target=Target(Setting.MASK, plot),
        group=AccessGroup.MASKS,
    )


def masks_text(entry: PlotEntry) -> str:
    """Give what Masks shows: a JSON list of the masks in force.

    Args:
        entry: The plot as the catalogue has it.
    """
    shown = [
        {
            "name": mask.name,
            "owner": mask.owner,
            "reason": mask.reason,
            "expires": mask.expires_at,
            "points": [[round(x, 4), round(y, 4)] for x, y in mask.points],
        }
        for mask in entry.masks
    ]
    return msgspec.json.encode(shown).decode()


def parse_put(text: str) -> MaskPut:
    """Read what a client put.

    Args:
        text: JSON; anything from outside.

    Raises:
        CommandError: It is no change of a mask; says what was expected.
    """
    try:
        return msgspec.json.decode(text.encode(), type=MaskPut)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise CommandError(
            'expected JSON such as {"do": "add", "name": "crate5", "reason": "known",'
            f' "points": [[0.1, 0.2], [0.3, 0.4]]}}: {error}'[:500]
        ) from error


def make_change(who: Who, plot: str, text: str) -> ChangeMask:
    """Make the command that a put stands for.

    Raises:
        CommandError: As ``parse_put``.
    """
    put = parse_put(text)
    return ChangeMask(
        who=msgspec.structs.replace(who, why=put.why),
        plot=plot,
        action=put.do,
        name=put.name,
        points=put.points,
        reason=put.reason,
        owner=put.owner,
        expires_at=put.expires,
    )
