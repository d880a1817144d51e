"""The plot catalogue: plot types, labels and groups, and the kept images."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, BigId, Epoch, Id, LongName, Real, Sha256, ShortName, table


class PlotGroup(Base):
    """A group of plot types: a detector system, or a choice of one's own."""

    __tablename__ = "plot_groups"
    __table_args__ = table(UniqueConstraint("name"))

    id: Mapped[Id]
    name: Mapped[ShortName]


class SuperGroup(Base):
    """A group of groups, such as a run period that holds the calorimeters."""

    __tablename__ = "super_groups"
    __table_args__ = table(CheckConstraint("parent_id <> child_id", name="not_its_own_child"))

    parent_id: Mapped[int] = mapped_column(ForeignKey("plot_groups.id"), primary_key=True)
    child_id: Mapped[int] = mapped_column(ForeignKey("plot_groups.id"), primary_key=True)


class PlotType(Base):
    """One kind of monitoring plot that is judged."""

    __tablename__ = "plot_types"
    __table_args__ = table(
        UniqueConstraint("name", "file_type", "is_chunked"),
        CheckConstraint("cadence_s > 0", name="cadence_is_positive"),
        CheckConstraint(
            "collect_fraction IS NULL OR (collect_fraction >= 0 AND collect_fraction <= 1)",
            name="collect_is_a_fraction",
        ),
    )

    id: Mapped[Id]
    name: Mapped[LongName]
    file_type: Mapped[str] = mapped_column(String(10))
    is_chunked: Mapped[bool]
    description: Mapped[str] = mapped_column(String(500), default="")
    contact: Mapped[str] = mapped_column(String(500), default="")
    guidance: Mapped[str] = mapped_column(Text, default="")
    """What the shift crew should do when this plot is bad."""
    group_id: Mapped[int] = mapped_column(ForeignKey("plot_groups.id"))
    """Detector system."""
    ignored: Mapped[bool] = mapped_column(default=False)
    """Judged and recorded, but hidden and without alarm."""
    cadence_s: Mapped[Real] = mapped_column(default=60.0)
    """Longest expected time between two images, in seconds."""
    collect_fraction: Mapped[Real | None]
    """Share of images kept at random; NULL takes the deployment's."""
    added_at: Mapped[Epoch]
    unknown_below: Mapped[Real | None]
    """A verdict of lower weight is Unknown; NULL never."""
    novel_below: Mapped[Real | None]
    """An image less likely to be of what was trained is Unknown; NULL never."""


class PlotTypeGrouping(Base):
    """A plot type in a further group, besides its detector system."""

    __tablename__ = "plot_type_groupings"
    __table_args__ = table()

    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("plot_groups.id"), primary_key=True)


class ClassificationType(Base):
    """A kind of label, such as quality, or the source of special triggers."""

    __tablename__ = "classification_types"
    __table_args__ = table(UniqueConstraint("name"))

    id: Mapped[Id]
    name: Mapped[ShortName]


class Classification(Base):
    """A label and how it is shown and alarmed. Severities as EPICS counts them."""

    __tablename__ = "classifications"
    __table_args__ = table(
        UniqueConstraint("name"),
        CheckConstraint("confirmed_severity BETWEEN 0 AND 3", name="confirmed_is_a_severity"),
        CheckConstraint("unconfirmed_severity BETWEEN 0 AND 3", name="unconfirmed_is_a_severity"),
    )

    id: Mapped[Id]
    name: Mapped[ShortName]
    type_id: Mapped[int] = mapped_column(ForeignKey("classification_types.id"))
    colour: Mapped[str] = mapped_column(String(7))
    """``#rrggbb``."""
    confirmed_severity: Mapped[int]
    """Severity when the weight reaches the threshold."""
    unconfirmed_severity: Mapped[int]
    """Severity when the weight is below the threshold."""
    trainable: Mapped[bool] = mapped_column(default=True)
    """False for Ignore: out of training, confusion matrix and accuracy."""


class ValidClassification(Base):
    """A label in the palette of a plot type."""

    __tablename__ = "valid_classifications"
    __table_args__ = table(UniqueConstraint("plot_type_id", "position"))

    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"), primary_key=True)
    classification_id: Mapped[int] = mapped_column(
        ForeignKey("classifications.id"), primary_key=True
    )
    position: Mapped[int]
    """Place in the palette, from 0; the order of the enum states."""


class Plot(Base):
    """One kept image. The file lies in the image store under its hash."""

    __tablename__ = "plots"
    __table_args__ = table(
        UniqueConstraint("plot_type_id", "period", "run", "chunk", "sha256"),
        Index(None, "sha256"),
    )

    id: Mapped[BigId]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    period: Mapped[ShortName]
    run: Mapped[int]
    chunk: Mapped[int]
    sha256: Mapped[Sha256]
    """Hash of the file's bytes; names the file in the store."""
    image_time: Mapped[Epoch]
    kept_at: Mapped[Epoch]
    unbiased: Mapped[bool]
    """Kept by the random choice that is made before the verdict."""
    kept_for: Mapped[str | None] = mapped_column(String(20))
    """``sample``, ``look`` or ``shadow``: why it was kept; NULL where people brought it."""
    simulated: Mapped[bool] = mapped_column(default=False)
    training_weight: Mapped[int] = mapped_column(default=1)
    forced_validation: Mapped[bool] = mapped_column(default=False)
    forced_training: Mapped[bool] = mapped_column(default=False)
