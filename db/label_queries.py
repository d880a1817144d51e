"""Labelling kept images. A label is never changed nor deleted, only superseded."""

import time
from dataclasses import asdict, dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.catalogue import Classification, Plot, PlotType, ValidClassification
from db.catalogue_queries import plot_type
from db.labels import LabelHistory, PlotLabel
from pipeline.errors import LabelError


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """A label that counts now."""

    plot: str
    period: str
    run: int
    chunk: int
    sha256: str
    label: str
    user: str
    comment: str
    source: str
    """labeler, live, report, simulated or import."""
    labelled_at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLabel:
    """What somebody says of an image."""

    plot: str
    sha256: str
    label: str
    user: str
    comment: str = ""
    source: str = "labeler"
    labelled_at: float | None = None
    """Seconds since the epoch; now where it is None."""


def add_label(session: Session, new: NewLabel) -> int:
    """Label every kept image of this content, in one transaction with its log.

    The label before, of the same kind, is superseded; it stays on record.

    Args:
        session: A session of a transaction that writes.
        new: The label.

    Returns:
        How many images carry a new label: none where it says the same already.

    Raises:
        LabelError: The image is not kept, or the label is outside the palette.
        CommandError: There is no such plot.
    """
    target = plot_type(session, new.plot)
    classification = _of_palette(session, target, new.label)
    plots = session.scalars(
        select(Plot.id).where(Plot.sha256 == new.sha256, Plot.plot_type_id == target.id)
    ).all()
    if not plots:
        raise LabelError(f"no image {new.sha256} of plot {new.plot} is kept")
    changed = sum(_label_one(session, plot_id, classification, new) for plot_id in plots)
    if changed:
        session.add(
            LabelHistory(labelled_at=time.time(), user_name=new.user[:100], transaction=asdict(new))
        )
        session.flush()
    return changed


def is_kept(session: Session, plot: str, sha256: str) -> bool:
    """Tell whether an image of this content is kept for a plot type.

    Raises:
        CommandError: There is no such plot.
    """
    target = plot_type(session, plot)
    statement = select(Plot.id).where(Plot.sha256 == sha256, Plot.plot_type_id == target.id)
    return session.scalar(statement.limit(1)) is not None


def keep_image(
    session: Session,
    plot: str,
    *,
    sha256: str,
    period: str,
    run: int,
    chunk: int,
    image_time: float,
) -> int:
    """Enter an image that lies in the image store, unless it is there.

    Args:
        session: A session of a transaction that writes.
        plot: Name of the plot type.
        sha256: Hash of the file's bytes.
        period: Run period, at most 100 characters.
        run: Run number, -1 when unknown.
        chunk: Chunk number, 0 when there is none.
        image_time: Seconds since the epoch.

    Returns:
        Its id.

    Raises:
        CommandError: There is no such plot.
    """
    key = {
        "plot_type_id": plot_type(session, plot).id,
        "period": period[:100],
        "run": run,
        "chunk": chunk,
        "sha256": sha256,
    }
    found = session.scalar(select(Plot.id).filter_by(**key))
    if found is not None:
        return found
    row = Plot(image_time=image_time, kept_at=time.time(), unbiased=False, **key)
    session.add(row)
    session.flush()
    return row.id


def labels(session: Session, plot: str | None = None) -> tuple[LabelRow, ...]:
    """List the labels that count now, by plot, run and chunk.

    Args:
        session: A session that may read.
        plot: Only this plot type.

    Raises:
        CommandError: There is no such plot.
    """
    statement = (
        select(PlotLabel, Plot, PlotType.name, Classification.name)
        .join(Plot, PlotLabel.plot_id == Plot.id)
        .join(PlotType, Plot.plot_type_id == PlotType.id)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .where(PlotLabel.superseded_by.is_(None))
        .order_by(PlotType.name, Plot.run, Plot.chunk, PlotLabel.id)
    )
    if plot is not None:
        statement = statement.where(Plot.plot_type_id == plot_type(session, plot).id)
    return tuple(
        LabelRow(
            plot=name,
            period=image.period,
            run=image.run,
            chunk=image.chunk,
            sha256=image.sha256,
            label=label,
            user=row.user_name,
            comment=row.comment,
            source=row.source,
            labelled_at=row.labelled_at,
        )
        for row, image, name, label in session.execute(statement)
    )


def _of_palette(session: Session, plot: PlotType, label: str) -> Classification:
    palette = session.scalars(
        select(Classification)
        .join(ValidClassification, ValidClassification.classification_id == Classification.id)
        .where(ValidClassification.plot_type_id == plot.id)
        .order_by(ValidClassification.position)
    ).all()
    for known in palette:
        if known.name == label:
            return known
    # Ignore takes an image out of training, whatever the plot shows.
    ignore = session.scalars(
        select(Classification).where(Classification.name == label, ~Classification.trainable)
    ).first()
    if ignore is not None:
        return ignore
    names = [known.name for known in palette]
    raise LabelError(f"expected a label of plot {plot.name}: {names}, received {label}")


def _label_one(
    session: Session, plot_id: int, classification: Classification, new: NewLabel
) -> int:
    current = session.execute(
        select(PlotLabel.id, PlotLabel.classification_id, PlotLabel.user_name, PlotLabel.comment)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .where(
            PlotLabel.plot_id == plot_id,
            PlotLabel.superseded_by.is_(None),
            Classification.type_id == classification.type_id,
        )
    ).all()
    said = (classification.id, new.user[:100], new.comment)
    if any(tuple(row[1:]) == said for row in current):
        return 0
    row = PlotLabel(
        plot_id=plot_id,
        classification_id=classification.id,
        user_name=new.user[:100],
        comment=new.comment,
        source=new.source,
        labelled_at=time.time() if new.labelled_at is None else new.labelled_at,
    )
    session.add(row)
    session.flush()
    session.execute(
        update(PlotLabel)
        .where(PlotLabel.id.in_([old.id for old in current]))
        .values(superseded_by=row.id)
    )
    return 1
