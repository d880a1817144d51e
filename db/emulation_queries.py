"""Emulated images: entered with their origin, and what has been emulated so far."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Classification, Plot, PlotGroup, PlotType
from db.catalogue_queries import plot_type
from db.embeddings import ClusterMember, ClusterRun
from db.emulations import EmulatedImage, EmulationRun
from db.label_queries import NewLabel, add_label
from db.labels import PlotLabel
from db.models import ActiveModel


@dataclass(frozen=True, slots=True)
class Base:
    """A kept image that people labelled Good."""

    plot_id: int
    sha256: str
    period: str
    run: int
    chunk: int
    image_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmulated:
    """An emulated image that lies in the image store."""

    base: Base
    sha256: str
    kind: str
    label: str
    parameters: Mapping[str, Any]
    """All that was done; crate, slot and channel among it."""
    regions: tuple[tuple[float, float, float, float], ...]
    seed: int


def good_images(session: Session, plot: str) -> tuple[Base, ...]:
    """List the real images of a plot type that people say are Good, by run and chunk.

    Args:
        session: A session that may read.
        plot: Name of the plot type.

    Raises:
        CommandError: There is no such plot.
    """
    rows = session.scalars(
        select(Plot)
        .join(PlotLabel, PlotLabel.plot_id == Plot.id)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .where(
            Plot.plot_type_id == plot_type(session, plot).id,
            ~Plot.simulated,
            PlotLabel.superseded_by.is_(None),
            Classification.name == "Good",
        )
        .order_by(Plot.run, Plot.chunk, Plot.id)
    )
    return tuple(
        Base(row.id, row.sha256, row.period, row.run, row.chunk, row.image_time) for row in rows
    )


def newest_clusters(session: Session, plot: str) -> dict[str, int]:
    """Give the cluster of each image by its SHA-256, of the newest clustering of a plot type.

    Args:
        session: A session that may read.
        plot: Name of the plot type.

    Returns:
        Empty where nothing was clustered.

    Raises:
        CommandError: There is no such plot.
    """
    newest = session.scalar(
        select(ClusterRun.id)
        .where(ClusterRun.plot_type_id == plot_type(session, plot).id)
        .order_by(ClusterRun.id.desc())
        .limit(1)
    )
    if newest is None:
        return {}
    rows = session.execute(
        select(ClusterMember.sha256, ClusterMember.cluster).where(
            ClusterMember.cluster_run_id == newest
        )
    )
    return {row.sha256: row.cluster for row in rows}


def begin_emulation(
    session: Session, who: Actor, plot: str, *, channel_map: str, seed: int, settings: Any
) -> int:
    """Put a series of emulated images on record.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        channel_map: SHA-256 of the table of cells.
        seed: Of what was drawn.
        settings: Kinds, counts and how the bases were chosen, as JSON holds it.

    Returns:
        Its id.

    Raises:
        CommandError: There is no such plot.
    """
    row = EmulationRun(
        made_at=time.time(),
        plot_type_id=plot_type(session, plot).id,
        user_name=who.user[:100],
        host=who.host[:500],
        channel_map=channel_map,
        seed=seed,
        settings=settings,
    )
    session.add(row)
    session.flush()
    audit(session, who, "emulate", plot, new={"emulation": row.id, **settings})
    return row.id


def add_emulated(session: Session, who: Actor, plot: str, run_id: int, new: NewEmulated) -> bool:
    """Enter an emulated image as one of its base's run, with its label.

    Args:
        session: A session of a transaction that writes.
        who: Who emulates.
        plot: Name of the plot type.
        run_id: The series.
        new: The image.

    Returns:
        False when the plot type has this very image already.

    Raises:
        CommandError: There is no such plot.
        LabelError: The palette of the plot holds no such label.
    """
    target = plot_type(session, plot)
    there = select(Plot.id).where(Plot.sha256 == new.sha256, Plot.plot_type_id == target.id)
    if session.scalar(there.limit(1)) is not None:
        return False
    session.add(_origin(new, run_id, _enter(session, target.id, new)))
    add_label(
        session,
        NewLabel(
            plot=plot,
            sha256=new.sha256,
            label=new.label,
            user=who.user,
            comment=f"emulated {new.kind}, emulation {run_id}",
            source="simulated",
        ),
    )
    return True


def _enter(session: Session, plot_type_id: int, new: NewEmulated) -> int:
    base = new.base
    image = Plot(
        plot_type_id=plot_type_id,
        period=base.period,
        run=base.run,
        chunk=base.chunk,
        sha256=new.sha256,
        image_time=base.image_time,
        kept_at=time.time(),
        unbiased=False,
        simulated=True,
    )
    session.add(image)
    session.flush()
    return image.id


def _origin(new: NewEmulated, run_id: int, plot_id: int) -> EmulatedImage:
    return EmulatedImage(
        emulation_run_id=run_id,
        plot_id=plot_id,
        base_plot_id=new.base.plot_id,
        base_sha256=new.base.sha256,
        run=new.base.run,
        kind=new.kind,
        label=new.label,
        crate=new.parameters.get("crate"),
        slot=new.parameters.get("slot"),
        channel=new.parameters.get("channel"),
        parameters=dict(new.parameters),
        regions=[list(box) for box in new.regions],
        seed=new.seed,
    )


def coverage(session: Session) -> list[dict[str, Any]]:
    """Count, for every plot type, emulated images by kind beside what people labelled.

    Args:
        session: A session that may read.

    Returns:
        One object a plot type: plot, group, model (whether one judges it), good
        and bad (real images with that label), kinds (images by kind).
    """
    kinds: defaultdict[int, Counter[str]] = defaultdict(Counter)
    rows = session.execute(
        select(EmulationRun.plot_type_id, EmulatedImage.kind, func.count())
        .join(EmulationRun, EmulatedImage.emulation_run_id == EmulationRun.id)
        .group_by(EmulationRun.plot_type_id, EmulatedImage.kind)
    )
    for key, kind, count in rows:
        kinds[key][kind] = count
    labelled: defaultdict[int, Counter[str]] = defaultdict(Counter)
    counted = session.execute(
        select(Plot.plot_type_id, Classification.name, func.count())
        .join(PlotLabel, PlotLabel.plot_id == Plot.id)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .where(~Plot.simulated, PlotLabel.superseded_by.is_(None))
        .group_by(Plot.plot_type_id, Classification.name)
    )
    for key, name, count in counted:
        labelled[key][name] = count
    judged = set(session.scalars(select(ActiveModel.plot_type_id)))
    plots = session.execute(
        select(PlotType.id, PlotType.name, PlotGroup.name)
        .join(PlotGroup, PlotType.group_id == PlotGroup.id)
        .order_by(PlotGroup.name, PlotType.name)
    )
    return [
        {
            "plot": name,
            "group": group,
            "model": key in judged,
            "good": labelled[key]["Good"],
            "bad": labelled[key]["Bad"],
            "kinds": dict(kinds[key]),
        }
        for key, name, group in plots
    ]
