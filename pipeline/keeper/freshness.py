"""When an image is too old to stand for its plot, and when nothing comes at all."""


def stale_reason(age_s: float, cadence_s: float, factor: float) -> str:
    """Say why an image is too old.

    Args:
        age_s: Time since the image was taken, in seconds.
        cadence_s: Longest expected time between two images, in seconds.
        factor: How many cadences may pass, 1 or more.

    Returns:
        Such as ``no image for 00:03:12, expected every 60 s``; empty while the
        image is fresh, which it still is at exactly ``factor`` cadences.
    """
    if not age_s > factor * cadence_s:
        return ""
    return f"no image for {_clock(age_s)}, expected every {cadence_s:g} s"


def producer_is_silent(stale: int, shown: int, fraction: float) -> bool:
    """Tell whether so many plots are stale that their producer must be silent.

    Args:
        stale: Plots whose image is too old.
        shown: Plots that have shown an image at all.
        fraction: The share, above 0 and up to 1, from which on it is the producer.
    """
    return stale > 0 and stale >= fraction * shown


def _clock(seconds: float) -> str:
    whole = int(min(seconds, 1e9))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
