"""From which weight on a verdict is believed."""

from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotType
from db.catalogue_queries import plot_type
from db.palette_queries import PALETTE_LIMIT, palette
from db.threshold_queries import check_fraction
from pipeline.errors import CommandError


def set_doubt(session: Session, who: Actor, plot: str, below: float) -> float:
    """Set below which weight the verdicts of a plot are Unknown.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        below: 0..1; 0 never.

    Returns:
        The weight before.

    Raises:
        CommandError: No such plot, no fraction, or no room for the state Unknown.
    """
    check_fraction(below, "weight")
    target = _unsure(session, plot, below)
    old, target.unknown_below = target.unknown_below or 0.0, below or None
    audit(session, who, "set-plots", f"{plot} unknown", old=old, new=below)
    return old


def set_novel(session: Session, who: Actor, plot: str, below: float) -> float:
    """Set below which novelty the images of a plot are Unknown.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        below: Share of known images that lie farther out, 0..1; 0 never.

    Returns:
        The limit before.

    Raises:
        CommandError: No such plot, no fraction, or no room for the state Unknown.
    """
    check_fraction(below, "novelty")
    target = _unsure(session, plot, below)
    old, target.novel_below = target.novel_below or 0.0, below or None
    audit(session, who, "set-threshold", f"{plot} Novelty", old=old, new=below)
    return old


def _unsure(session: Session, plot: str, below: float) -> PlotType:
    """Give a plot type that has room for the state Unknown, if it is to have it."""
    target = plot_type(session, plot)
    if below and len(palette(session, target.id)) >= PALETTE_LIMIT:
        raise CommandError(
            f"plot {plot} has {PALETTE_LIMIT} labels, which leave no enum state for Unknown;"
            " take one off the palette first"
        )
    return target
