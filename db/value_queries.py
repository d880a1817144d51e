"""Numbers that people gave kept images, for regression models."""

import time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.catalogue import Plot
from db.catalogue_queries import plot_type
from db.trainings import PlotValue
from pipeline.errors import LabelError


def give_value(session: Session, plot: str, sha256: str, value: float, user: str) -> None:
    """Give every kept image of this content a number; the one before stays on record.

    An image that has this number already gets no second row.

    Args:
        session: A session of a transaction that writes.
        plot: Name of the plot type.
        sha256: The image.
        value: Finite.
        user: Who says so.

    Raises:
        LabelError: The image is not kept.
        CommandError: There is no such plot.
    """
    target = plot_type(session, plot)
    keys = session.scalars(
        select(Plot.id).where(Plot.sha256 == sha256, Plot.plot_type_id == target.id)
    ).all()
    if not keys:
        raise LabelError(f"no image {sha256} of plot {plot} is kept")
    newest = select(func.max(PlotValue.id)).where(PlotValue.plot_id.in_(keys))
    said = session.execute(
        select(PlotValue.plot_id, PlotValue.value).where(
            PlotValue.id.in_(newest.group_by(PlotValue.plot_id))
        )
    )
    known = {row.plot_id: row.value for row in said}
    session.add_all(
        PlotValue(plot_id=key, value=value, user_name=user[:100], given_at=time.time())
        for key in keys
        if known.get(key) != value
    )
    session.flush()


def values_of(session: Session, plot: str) -> dict[int, float]:
    """Give the number that counts now by id of the image.

    Raises:
        CommandError: There is no such plot.
    """
    target = plot_type(session, plot)
    newest = select(func.max(PlotValue.id)).group_by(PlotValue.plot_id)
    rows = session.execute(
        select(PlotValue.plot_id, PlotValue.value)
        .join(Plot, PlotValue.plot_id == Plot.id)
        .where(Plot.plot_type_id == target.id, PlotValue.id.in_(newest))
        .order_by(PlotValue.plot_id)
    )
    return {row.plot_id: row.value for row in rows}
