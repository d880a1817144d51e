"""Colours of the screens. A colour never stands alone: shape and word go with it."""

from collections.abc import Mapping

from displays.card_state import Level

PAGE = "#eef1f4"
PAPER = "#ffffff"
INK = "#16202a"
FAINT = "#5b6772"
RULE = "#c3ccd4"
NEWS = "#1257b8"
HEAT = "#e0007a"
"""Fill and inner line of the heat map: magenta, which plots do not use."""
HEAT_HALO = "#ffffff"

READABLE = 110
"""Luma, 0 to 255, below which letters stand out on white. Source: ITU-R BT.601
weights; 110 gives a contrast of about 4.5 with white."""

FRAME: Mapping[Level, str] = {
    Level.GOOD: "#3c8f62",
    Level.NO_MODEL: "#6b7680",
    Level.UNALARMED: "#6b7680",
    Level.NOTHING: "#8a949d",
    Level.WARNING: "#b06a00",
    Level.UNCONFIRMED: "#c8102e",
    Level.BAD: "#c8102e",
    Level.STALE: "#5b4a78",
    Level.INVALID: "#5b4a78",
    Level.SILENT: "#2b2f36",
    Level.DISCONNECTED: "#2b2f36",
}
"""Frame and words by level, dark enough to be read on white (contrast over 4)."""


def frame_of(level: Level, label: str) -> str:
    """Give the colour of a card's frame and word.

    Args:
        level: Of the card.
        label: Colour of its label, as #rrggbb, from the catalogue.

    Returns:
        For a good plot the label's own, darkened until it can be read on
        white, so that Cosmic and LED look as crews know them.
    """
    if level is not Level.GOOD:
        return FRAME[level]
    red, green, blue = (int(label[index : index + 2], 16) for index in (1, 3, 5))
    bright = 0.299 * red + 0.587 * green + 0.114 * blue
    dim = min(1.0, READABLE / bright) if bright else 1.0
    return f"#{round(red * dim):02x}{round(green * dim):02x}{round(blue * dim):02x}"


TITLE: Mapping[Level, str] = {
    Level.GOOD: "#e3f1e8",
    Level.NO_MODEL: "#e7eaed",
    Level.UNALARMED: "#e7eaed",
    Level.NOTHING: "#e7eaed",
    Level.WARNING: "#ffe3b0",
    Level.UNCONFIRMED: "#ffd9dd",
    Level.BAD: "#c8102e",
    Level.STALE: "#ddd6ea",
    Level.INVALID: "#ddd6ea",
    Level.SILENT: "#3a4048",
    Level.DISCONNECTED: "#3a4048",
}
"""Title band by level; the calm ones are pale."""

TITLE_INK: Mapping[Level, str] = {
    Level.BAD: "#ffffff",
    Level.SILENT: "#ffffff",
    Level.DISCONNECTED: "#ffffff",
}
"""Letters on the title band where dark ones cannot be read."""
