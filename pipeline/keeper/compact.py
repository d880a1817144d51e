"""Embeddings made half as large."""

from typing import Final

import numpy as np

LONGEST: Final = 4096
"""Numbers of an embedding that are stored; a longer one is left out."""
LARGEST: Final = float(np.finfo(np.float16).max)


def compact(frame: bytes | memoryview) -> bytes:
    """Give an embedding as float16, half of its size.

    Args:
        frame: float32, from a report.

    Returns:
        Empty where there is none, or it is no finite float32 array of a sensible length.
    """
    if not len(frame) or len(frame) % 4 or len(frame) > 4 * LONGEST:
        return b""
    values = np.clip(np.frombuffer(frame, "<f4"), -LARGEST, LARGEST)
    return values.astype("<f2").tobytes() if np.isfinite(values).all() else b""
