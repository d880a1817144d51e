"""Which kept images a training takes, and what a model was trained with."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Classification, Plot, PlotType
from db.catalogue_queries import plot_type
from db.data_set_items import WEIGHT_LIMIT
from db.labels import PlotLabel
from db.models import Model, TrainingImage
from db.palette_queries import palette
from pipeline.errors import CommandError, LabelError

TRAIN = "train"
VALIDATE = "validate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A kept image with the label that counts now."""

    plot_id: int
    """Row of the kept image."""
    sha256: str
    file_type: str
    run: int
    chunk: int
    label: str
    weight: int
    """Training weight; 0 keeps the image for validation."""
    forced_training: bool
    forced_validation: bool


def labelled_images(
    session: Session, plot: str, since: float = 0.0, simulated: bool = True
) -> tuple[Labelled, ...]:
    """List the labelled images of a plot type that a training may use.

    The newest label of an image counts; images labelled Ignore, or with any
    label that is not trained, are left out.

    Args:
        session: A session that may read.
        plot: Name of the plot type.
        since: Only labels given at or after this time, seconds since the epoch.
        simulated: Whether emulated images count too.

    Raises:
        CommandError: There is no such plot.
        LabelError: A label has left the palette; lists them.
    """
    target = plot_type(session, plot)
    rows = session.execute(_statement(target, since)).all()
    newest: dict[int, Labelled] = {}
    ignored: set[int] = set()
    for image, label, trainable in rows:
        if not trainable:
            ignored.add(image.id)
        if simulated or not image.simulated:
            newest[image.id] = _labelled(image, label, target.file_type)
    chosen = tuple(one for key, one in newest.items() if key not in ignored)
    require_palette(session, target, {one.label for one in chosen})
    return chosen


def require_palette(session: Session, target: PlotType, labels: Set[str]) -> None:
    """Refuse labels that are not in the palette of a plot type.

    Raises:
        LabelError: Lists them.
    """
    known = palette(session, target.id)
    if outside := sorted(labels - set(known)):
        raise LabelError(
            f"labels {outside} are not in the palette of plot {target.name}, which is"
            f" {list(known)}; label those images again, or widen the palette with"
            " 'hydra-ioc plots change'"
        )


def _statement(target: PlotType, since: float) -> Select[Plot, str, bool]:
    return (
        select(Plot, Classification.name, Classification.trainable)
        .join(PlotLabel, PlotLabel.plot_id == Plot.id)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .where(
            Plot.plot_type_id == target.id,
            PlotLabel.superseded_by.is_(None),
            PlotLabel.labelled_at >= since,
        )
        .order_by(Plot.id, PlotLabel.id)
    )


def _labelled(image: Plot, label: str, file_type: str) -> Labelled:
    return Labelled(
        plot_id=image.id,
        sha256=image.sha256,
        file_type=file_type,
        run=image.run,
        chunk=image.chunk,
        label=label,
        weight=image.training_weight,
        forced_training=image.forced_training,
        forced_validation=image.forced_validation,
    )


def record_training_set(
    session: Session, digest: str, images: Sequence[Labelled], validation: Iterable[int]
) -> None:
    """Put the exact images of a training on record.

    Args:
        session: A session of a transaction that writes.
        digest: Of a registered model without images on record.
        images: All images of the training.
        validation: Indices of those that validated.

    Raises:
        CommandError: The model is not registered.
    """
    model = session.scalars(select(Model).where(Model.digest == digest)).first()
    if model is None:
        raise CommandError(f"there is no model {digest} in the registry")
    if session.scalars(select(TrainingImage).where(TrainingImage.model_id == model.id)).first():
        return
    held_out = set(validation)
    names = {one.label for one in images}
    ids = dict(
        session.execute(
            select(Classification.name, Classification.id).where(Classification.name.in_(names))
        ).all()
    )
    session.add_all(
        TrainingImage(
            model_id=model.id,
            plot_id=one.plot_id,
            classification_id=ids[one.label],
            purpose=VALIDATE if index in held_out else TRAIN,
        )
        for index, one in enumerate(images)
    )
    session.flush()


def pin_image(
    session: Session,
    who: Actor,
    plot: str,
    sha256: str,
    *,
    use: str | None = None,
    weight: int | None = None,
) -> None:
    """Say how an image is used in trainings.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        sha256: The kept image.
        use: ``train`` or ``validate`` pins it, ``free`` leaves it to the split.
        weight: Training weight, 0 to 100; 0 keeps it for validation.

    Raises:
        CommandError: There is no such image, or the weight is out of range.
    """
    target = plot_type(session, plot)
    where = (Plot.plot_type_id == target.id, Plot.sha256 == sha256)
    found = session.scalars(select(Plot).where(*where)).first()
    if found is None:
        raise CommandError(f"no image {sha256} of plot {plot} is kept")
    if weight is not None and not 0 <= weight <= WEIGHT_LIMIT:
        raise CommandError(
            f"expected a training weight from 0 to {WEIGHT_LIMIT}, received {weight}"
        )
    values: dict[str, object] = {}
    if use is not None:
        values |= {"forced_training": use == TRAIN, "forced_validation": use == VALIDATE}
    if weight is not None:
        values["training_weight"] = weight
    rows = session.scalars(select(Plot).where(*where))
    if any(getattr(row, name) != value for row in rows for name, value in values.items()):
        session.execute(update(Plot).where(*where).values(**values))
        audit(session, who, "label", f"{plot} {sha256}", new=values)
