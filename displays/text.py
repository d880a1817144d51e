"""How the screens write numbers and times for people."""

import html
import math

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86_400.0


def age_text(age_s: float | None) -> str:
    """Write an age so that its size is seen at a glance.

    Args:
        age_s: Seconds; None when unknown. Below zero the source's clock runs
            ahead of the IOC's.

    Returns:
        Such as ``now``, ``12 s ago``, ``5 min ago``, ``3 h ago``, ``2 d ago``.
    """
    if age_s is None or not math.isfinite(age_s):
        return "age unknown"
    if age_s < 1.0:
        return "now" if age_s > -MINUTE_S else "in the future"
    for unit_s, name in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if age_s >= unit_s:
            return f"{int(age_s / unit_s)} {name} ago"
    return f"{int(age_s)} s ago"


def percent(fraction: float | None) -> str:
    """Write a weight or threshold; the decimals never round up to 100 %.

    Args:
        fraction: 0 to 1; None when unknown.
    """
    if fraction is None or not math.isfinite(fraction):
        return "?"
    tenths = int(fraction * 1000 + 1e-6) / 10
    return f"{tenths:.1f} %"


def tool_tip(text: str) -> str:
    """Make text from a PV fit for a tool tip, which would take it for markup.

    Args:
        text: Plain text of one or more lines.
    """
    return "<qt>" + "<br>".join(html.escape(line) for line in text.splitlines()) + "</qt>"


def caption(text: str) -> str:
    """Make text from a PV fit for a button or menu, where ``&`` marks a key."""
    return text.replace("&", "&&")


def clock(image_time: str) -> str:
    """Take the time of day out of a date and time.

    Args:
        image_time: As the IOC writes it, such as ``2026-11-20 23:58:29.915``.

    Returns:
        ``23:58:29``, or the text itself when it has another form.
    """
    for mark in ("T", " "):
        _, found, rest = image_time.partition(mark)
        if found and rest[:8].count(":") == 2:
            return rest[:8]
    return image_time
