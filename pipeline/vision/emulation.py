"""Emulated faults: good plots changed as if hardware had failed (Iolaus).

What a fault leaves visible of an image is decided by its pads: colour maps in
``emulation_maps``, histograms in ``emulation_bars``. Only what a fault reaches
is painted anew; axes, grid, text and all other pads stay as they are.

Source:
    Iolaus knocks crates and slots out of calibration tables and draws the
    plots again; this does the same to pixels, where the data cannot be drawn
    again.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.channel_map import Cell, ChannelMap, Pad
from pipeline.vision.emulation_bars import change_bars
from pipeline.vision.emulation_maps import change_map

FAULTS: Final = (
    "dead-crate",
    "dead-slot",
    "dead-channel",
    "hv-off",
    "hot-channel",
    "light-leak",
    "shift",
    "empty",
)
VARIATIONS: Final = ("scale", "statistics")
"""Changes that leave a plot good: another colour scale, other fluctuations.

Turned and mirrored plots are other plots, so there is nothing of the kind.
"""
KINDS: Final = (*FAULTS, *VARIATIONS)
LABELS: Final = {
    **dict.fromkeys(FAULTS, "Bad"),
    **dict.fromkeys(VARIATIONS, "Good"),
    "empty": "NoData",
}
"""Label of an image by what was done to it."""
PLACED: Final = ("light-leak", "shift")
"""Faults of one pad."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to an image; complete, so that it can be done again."""

    kind: str
    crate: int | None = None
    slot: int | None = None
    channel: int | None = None
    board: int | None = None
    pad: int | None = None
    """For faults of one pad."""
    strength: float = 0.5
    """0 to 1: how strong within what counts as clearly visible."""
    position: float = 0.5
    """0 to 1: where, for faults that have a place."""

    def as_json(self) -> dict[str, Any]:
        """Give all that is set as a JSON object."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Emulated:
    """A changed image."""

    pixels: Pixels
    """(H, W, 3), uint8, RGB."""
    label: str
    regions: tuple[tuple[float, float, float, float], ...]
    """Boxes of what changed: left, top, right, bottom, fractions of the image."""


class Unseen(InputError):  # noqa: N818 - the name is the sentence
    """What fails showed nothing before, such as a channel that has long been dead."""


def emulate(pixels: Pixels, channels: ChannelMap, change: Change) -> Emulated:
    """Change a good image as if hardware had failed.

    Args:
        pixels: (H, W, 3), uint8, RGB; not changed.
        channels: What shows where.
        change: What fails.

    Returns:
        The changed image, of the same size.

    Raises:
        Unseen: The image would be as it was.
        InputError: The map has no such hardware, or the image does not show
            what the map says.
    """
    if change.kind not in KINDS:
        raise InputError(f"expected a kind of {', '.join(KINDS)}, received {change.kind!r}")
    result = pixels.copy()
    regions: list[tuple[float, float, float, float]] = []
    for pad in channels.pads:
        reached = np.array([_reaches(change, cell) for cell in pad.cells], bool)
        if not _concerns(change, pad, reached):
            continue
        changes = change_map if pad.style == "map" else change_bars
        regions += changes(
            result,
            pad,
            reached,
            kind=change.kind,
            strength=change.strength,
            position=change.position,
        )
    if not regions:
        raise InputError(f"{change.as_json()} reaches nothing of this plot")
    if (result == pixels).all():
        raise Unseen(f"{change.as_json()} changes nothing that this plot shows")
    return Emulated(result, LABELS[change.kind], tuple(regions))


def scan(channels: ChannelMap, kind: str) -> Iterator[Change]:
    """Give every knock-out of a kind that the map knows, in order.

    Args:
        channels: The channel map.
        kind: One of ``KINDS``; of kinds without hardware, one change a pad.
    """
    match kind:
        case "dead-crate":
            yield from (Change(kind, crate=crate) for crate in channels.crates())
        case "dead-slot":
            yield from (Change(kind, crate=crate, slot=slot) for crate, slot in channels.slots())
        case "hv-off":
            yield from (Change(kind, board=board) for board in channels.boards())
        case "dead-channel" | "hot-channel":
            yield from (_named(channels, kind, channel) for channel in channels.channels())
        case "empty" | "scale" | "statistics":
            yield Change(kind)
        case _:
            yield from (Change(kind, pad=pad.number) for pad in channels.pads if suits(kind, pad))


def suits(kind: str, pad: Pad) -> bool:
    """Tell whether a fault of one pad makes sense there.

    A peak is shifted where a histogram has no channels; light leaks into channels.
    """
    return bool(pad.cells) if kind == "light-leak" else not pad.cells


def vary(change: Change, rng: np.random.Generator) -> Change:
    """Draw strength and position of a change."""
    strength, position = rng.random(2)
    return replace(change, strength=round(float(strength), 4), position=round(float(position), 4))


def _named(channels: ChannelMap, kind: str, channel: int) -> Change:
    cell = next(cell for cell in channels.cells() if cell.channel == channel)
    return Change(kind, crate=cell.crate, slot=cell.slot, channel=channel)


def _reaches(change: Change, cell: Cell) -> bool:
    match change.kind:
        case "dead-crate":
            return change.crate is not None and cell.crate == change.crate
        case "dead-slot":
            return change.slot is not None and (cell.crate, cell.slot) == (
                change.crate,
                change.slot,
            )
        case "hv-off":
            return change.board is not None and cell.board == change.board
        case "dead-channel" | "hot-channel":
            return change.channel is not None and cell.channel == change.channel
    return True


def _concerns(change: Change, pad: Pad, reached: NDArray[np.bool_]) -> bool:
    if change.kind in PLACED:
        return change.pad == pad.number
    return change.kind in ("empty", *VARIATIONS) or bool(reached.any())
