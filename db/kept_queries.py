"""Kept images by the first digits of their hash, as people type them."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.catalogue import Plot
from db.catalogue_queries import plot_type
from pipeline.errors import CommandError

FEWEST: Final = 8
"""Digits of a hash that tell images apart."""


def whole_hash(session: Session, plot: str, digits: str) -> str:
    """Give the hash of a kept image of which the first digits are known.

    Args:
        session: A session that may read.
        plot: Name of the plot type.
        digits: At least ``FEWEST``, as 'hydra-ioc labels queue' prints them.

    Raises:
        CommandError: No such plot, too few digits, no such image, or several.
    """
    target = plot_type(session, plot)
    if len(digits) < FEWEST or not set(digits) <= set("0123456789abcdef"):
        raise CommandError(
            f"expected {FEWEST} to 64 hexadecimal digits of an image's sha256, received {digits!r}"
        )
    found = session.scalars(
        select(Plot.sha256)
        .where(Plot.plot_type_id == target.id, Plot.sha256.startswith(digits))
        .distinct()
        .limit(2)
    ).all()
    if not found:
        raise CommandError(
            f"no image {digits[:16]} of plot {plot} is kept;"
            f" 'hydra-ioc labels queue {plot}' lists kept images"
        )
    if len(found) > 1:
        raise CommandError(f"several images of plot {plot} begin with {digits}; give more digits")
    return found[0]
