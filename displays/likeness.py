"""What similarity, novelty and a shadow say, in words. No Qt: widgets only write it."""

from displays.card_state import Reading
from displays.catalogue import Plot


def similarity_text(plot: Plot, reading: Reading) -> str:
    """Write how like the references an image is; empty for a plot without references."""
    if not plot.references:
        return ""
    if reading.similarity is None or reading.similarity_threshold is None:
        return f"not known, {reading.references}"
    like = reading.similarity >= reading.similarity_threshold
    sign = "\u2265" if like else "<"
    word = "like" if like else "UNLIKE"
    numbers = f"{reading.similarity:.3g} {sign} {reading.similarity_threshold:.3g}"
    return f"{word} references ({numbers}), {reading.references}"


def shadow_text(plot: Plot, reading: Reading) -> str:
    """Write how a model on trial compares; never its label: that is not the verdict.

    Empty for a plot without a shadow.
    """
    if not plot.shadow or not reading.shadow:
        return ""
    who = f"model {reading.shadow[:12]} runs along, not the verdict"
    if not reading.shadow_count or reading.shadow_disagreed is None:
        return f"{who}: no image compared yet"
    share = 100.0 * reading.shadow_disagreed / reading.shadow_count
    return (
        f"{who}: another label on {reading.shadow_disagreed} of {reading.shadow_count}"
        f" images ({share:.3g} %)"
    )


def novelty_text(plot: Plot, reading: Reading) -> str:
    """Write how novel an image is; empty where the plot does not tell it."""
    if not plot.novelty:
        return ""
    if reading.novelty is None:
        return "not known"
    share = 100.0 * reading.novelty
    told = f"{share:.3g} % of the images known in training are farther out"
    if not reading.novelty_threshold:
        return told
    novel = reading.novelty < reading.novelty_threshold
    limit = f"limit {100.0 * reading.novelty_threshold:.3g} %"
    return f"NOVEL: {told} ({limit})" if novel else f"{told} ({limit})"
