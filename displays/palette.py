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
