"""The catalogue as plain rows, and the ways to change it."""

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Classification, PlotGroup, PlotType, ValidClassification
from db.models import ActiveModel, Model, ModelThreshold
from db.novelty_queries import newest_novelties
from db.palette_queries import LabelRow, set_palette
from pipeline.errors import CommandError

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
"""A plot name is a part of PV names: 40 characters leave 20 for the rest.

Source:
    EPICS Base 7, ``dbCommon.dbd.pod``: a record name has at most 60 characters.
"""
DEFAULT_LABELS: Final = ("Good", "Bad", "NoData")


@dataclass(frozen=True, slots=True)
class ModelRow:
    """The model that judges a plot."""

    model_id: int
    digest: str
    name: str
    input_shape: tuple[int, int, int]
    preprocessing: str
    labels: tuple[str, ...]
    probation: bool
    kind: str = "classification"
    quantity: dict[str, Any] | None = None
    """Of a regression model: name, unit, limits."""
    novelty: str = ""
    """SHA-256 of what tells how novel an image is; empty without."""


@dataclass(frozen=True, slots=True)
class PlotRow:
    """One plot type with its palette, thresholds and model."""

    plot_type_id: int
    name: str
    file_type: str
    chunked: bool
    description: str
    contact: str
    group: str
    guidance: str
    ignored: bool
    cadence_s: float
    collect_fraction: float | None
    """None takes the deployment's."""
    labels: tuple[LabelRow, ...]
    thresholds: dict[str, float]
    """By label of the active model; empty without a model."""
    model: ModelRow | None
    unknown_below: float = 0.0
    """A verdict of lower weight is Unknown; 0 never."""
    novel_below: float = 0.0
    """An image less likely to be of what was trained is Unknown; 0 never."""


def catalogue(session: Session) -> tuple[PlotRow, ...]:
    """Read the whole catalogue, in the order of plot names.

    Args:
        session: A session that may read.

    Returns:
        One row a plot type: four statements, however many plots there are.
    """
    palettes = _palettes(session)
    models, thresholds = _active_models(session)
    rows = session.execute(
        select(PlotType, PlotGroup.name)
        .join(PlotGroup, PlotType.group_id == PlotGroup.id)
        .order_by(PlotType.name, PlotType.id)
    )
    return tuple(
        PlotRow(
            plot_type_id=plot.id,
            name=plot.name,
            file_type=plot.file_type,
            chunked=plot.is_chunked,
            description=plot.description,
            contact=plot.contact,
            group=group,
            guidance=plot.guidance,
            ignored=plot.ignored,
            cadence_s=plot.cadence_s,
            collect_fraction=plot.collect_fraction,
            labels=tuple(palettes[plot.id]),
            thresholds=thresholds[plot.id],
            model=models.get(plot.id),
            unknown_below=plot.unknown_below or 0.0,
            novel_below=plot.novel_below or 0.0,
        )
        for plot, group in rows
    )


def plot_type(session: Session, name: str) -> PlotType:
    """Find a plot type by its name.

    Raises:
        CommandError: There is none, or several differ only in file type.
    """
    found = session.scalars(select(PlotType).where(PlotType.name == name)).all()
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"plot {name} exists with several file types; remove one")
    raise CommandError(f"there is no plot {name}; 'hydra-ioc plots list' shows those there are")


def add_plot(
    session: Session,
    name: str,
    *,
    file_type: str = "png",
    chunked: bool = True,
    group: str = "Other",
    description: str = "",
    contact: str = "",
    guidance: str = "",
    cadence_s: float = 60.0,
    labels: Sequence[str] = DEFAULT_LABELS,
) -> int:
    """Put a plot type into the catalogue.

    Args:
        session: A session of a transaction that writes.
        name: Name as the grammar gives it; part of the PV names.
        file_type: Ending of the file name without the dot.
        chunked: Whether the images of a run are numbered.
        group: Detector system; made when it is new.
        description: What the plot shows.
        contact: Whom to call.
        guidance: What the shift crew should do when it is bad.
        cadence_s: Longest expected time between two images, in seconds, above 0.
        labels: The palette in the order of the enum states, 2 to 14 known labels.

    Returns:
        Its id.

    Raises:
        CommandError: Name, cadence or palette cannot be used, or it is there.
    """
    check_name(name)
    # Two plots of one name would share their PVs, whatever their file types.
    if session.scalars(select(PlotType.id).where(PlotType.name == name)).first() is not None:
        raise CommandError(f"plot {name} is there already")
    plot = PlotType(
        name=name,
        file_type=file_type,
        is_chunked=chunked,
        description=description,
        contact=contact,
        guidance=guidance,
        group_id=group_id(session, group),
        cadence_s=check_cadence(cadence_s),
        added_at=time.time(),
    )
    session.add(plot)
    session.flush()
    set_palette(session, plot.id, labels)
    return plot.id


def set_ignored(session: Session, actor: Actor, plot: str, ignored: bool) -> None:
    """Take a plot out of the alarms, or back.

    Raises:
        CommandError: There is no such plot.
    """
    target = plot_type(session, plot)
    audit(session, actor, "set-ignore", plot, old=target.ignored, new=ignored)
    target.ignored = ignored
    session.flush()


def check_name(name: str) -> None:
    """Refuse a plot name that cannot be part of a PV name.

    Raises:
        CommandError: It holds another character, or is too long.
    """
    if not NAME.fullmatch(name):
        raise CommandError(
            f"expected a plot name of 1 to 40 letters, digits, _ and -, beginning with a letter"
            f" or digit, received {name!r}; it becomes part of PV names"
        )


def check_cadence(cadence_s: float) -> float:
    """Give a cadence back, or refuse it when it is no time span.

    Raises:
        CommandError: It is not above 0 and finite.
    """
    if not 0 < cadence_s < float("inf"):
        raise CommandError(f"expected a cadence above 0 seconds, received {cadence_s}")
    return cadence_s


def group_id(session: Session, name: str) -> int:
    """Give the id of a group, made when it is new.

    Raises:
        CommandError: The name is empty or too long.
    """
    if not 1 <= len(name) <= 100:
        raise CommandError(f"expected a group name of 1 to 100 characters, received {name!r}")
    found = session.scalars(select(PlotGroup).where(PlotGroup.name == name)).first()
    if found is None:
        found = PlotGroup(name=name)
        session.add(found)
        session.flush()
    return found.id


def _palettes(session: Session) -> defaultdict[int, list[LabelRow]]:
    palettes: defaultdict[int, list[LabelRow]] = defaultdict(list)
    rows = session.execute(
        select(ValidClassification.plot_type_id, Classification)
        .join(Classification, ValidClassification.classification_id == Classification.id)
        .order_by(ValidClassification.plot_type_id, ValidClassification.position)
    )
    for key, label in rows:
        palettes[key].append(
            LabelRow(label.name, label.colour, label.confirmed_severity, label.unconfirmed_severity)
        )
    return palettes


def _active_models(
    session: Session,
) -> tuple[dict[int, ModelRow], defaultdict[int, dict[str, float]]]:
    models: dict[int, ModelRow] = {}
    rows = session.execute(select(ActiveModel, Model).join(Model, ActiveModel.model_id == Model.id))
    novelties = newest_novelties(session)
    for active, model in rows:
        height, width, channels = model.input_shape
        models[active.plot_type_id] = ModelRow(
            model_id=model.id,
            digest=model.digest,
            name=model.name,
            input_shape=(height, width, channels),
            preprocessing=model.preprocessing,
            labels=tuple(model.labels),
            probation=active.probation,
            kind=model.kind or "classification",
            quantity=model.quantity,
            novelty=novelties.get(model.id, ""),
        )
    thresholds: defaultdict[int, dict[str, float]] = defaultdict(dict)
    found = session.execute(
        select(ActiveModel.plot_type_id, Classification.name, ModelThreshold.threshold)
        .join(ModelThreshold, ModelThreshold.model_id == ActiveModel.model_id)
        .join(Classification, ModelThreshold.classification_id == Classification.id)
    )
    for key, label, threshold in found:
        thresholds[key][label] = threshold
    return models, thresholds
