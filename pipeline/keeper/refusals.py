"""Counting and logging what is refused."""

import logging
from typing import Final

from pipeline.health import Pulse

logger = logging.getLogger(__name__)

LOG_EVERY: Final = 1000
"""Of one kind the first and then every so many are logged."""


def refuse(pulse: Pulse, reason: str, text: str) -> None:
    """Count what is refused and log the first of its kind, and some of the others.

    Args:
        pulse: The Keeper's.
        reason: CamelCase word, part of a gauge.
        text: Why, in words.
    """
    pulse.refused(reason)
    count = pulse.refusals[reason]
    if count == 1 or count % LOG_EVERY == 0:
        logger.warning(
            "stage=Keeper event=refused reason=%s count=%d text='%s'", reason, count, text
        )
