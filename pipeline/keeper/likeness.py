"""What a report says of an image next to the references of its plot."""

import math

from pipeline.keeper.judge import Likeness
from pipeline.messages import PlotEntry, Report

SIMILAR = "similar"
"""Label of the output of a reference companion that is the similarity."""


def likeness_of(report: Report, entry: PlotEntry) -> Likeness | None:
    """Give how like the references an image is.

    Args:
        report: From Predict; what does not fit becomes an error in words.
        entry: The plot as the catalogue has it now.

    Returns:
        None where the image was not compared with references.
    """
    result = next((one for one in report.companions if one.role == "reference"), None)
    if result is None:
        return None
    for known in (entry.similarity, report.order.plot.similarity):
        if known is not None and known.set_id == result.model_id:
            break
    else:
        return Likeness(result.model_id, None, 1.0, "the references are not in the catalogue")
    if result.error:
        return Likeness(result.model_id, None, known.threshold, result.error)
    if len(result.labels) != len(result.probabilities) or SIMILAR not in result.labels:
        error = f"expected a probability of {SIMILAR!r}, received {list(result.labels)}"
        return Likeness(result.model_id, None, known.threshold, error)
    value = result.probabilities[result.labels.index(SIMILAR)]
    if not math.isfinite(value):
        return Likeness(result.model_id, None, known.threshold, "the similarity is no number")
    return Likeness(result.model_id, value, known.threshold)
