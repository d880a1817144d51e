"""The heat map that is shown: the activation map of one label, as bytes."""

import numpy as np

from pipeline.messages import PlotEntry


def heat_map(
    entry: PlotEntry,
    label: str,
    labels: tuple[str, ...],
    maps: bytes | memoryview,
    shape: tuple[int, int, int],
) -> tuple[bytes, tuple[int, int]]:
    """Give the activation map of the label on show, where the label can alarm.

    Args:
        entry: The plot, for the severities of its palette.
        label: The label on show.
        labels: Labels of the maps, in order.
        maps: float32, C x h x w, as ``shape`` says; empty without maps.
        shape: C, h and w.

    Returns:
        The map as uint8, h x w, negative heat cut off and the hottest cell at
        255, with (h, w). Nothing and (0, 0) for a label that never alarms and
        where there are no maps.
    """
    alarms = {p.name for p in entry.labels if p.confirmed or p.unconfirmed}
    if label not in alarms or label not in labels or not len(maps):
        return b"", (0, 0)
    fields = np.frombuffer(maps, np.float32).reshape(shape)
    field = np.nan_to_num(fields[labels.index(label)], nan=0.0, posinf=0.0, neginf=0.0)
    field = np.maximum(field, 0.0)
    hottest = float(field.max())
    if hottest > 0.0:
        field = field / hottest
    return np.rint(field * 255.0).astype(np.uint8).tobytes(), (shape[1], shape[2])
