"""Data sets: versioned lists of image hashes and labels. Nothing here is ever changed."""

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Epoch, Id, Real, Sha256, ShortName, table


class DataSet(Base):
    """One version of a data set. Append-only."""

    __tablename__ = "data_sets"
    __table_args__ = table(
        UniqueConstraint("name", "version"),
        CheckConstraint("version >= 1", name="versions_begin_at_one"),
    )

    id: Mapped[Id]
    name: Mapped[ShortName]
    version: Mapped[int]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    digest: Mapped[Sha256]
    """Of the plot's name and the items, see ``db.data_set_items``."""
    count: Mapped[int]
    """Items."""
    made_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
    note: Mapped[str] = mapped_column(Text, default="")


class DataSetItem(Base):
    """One label of one image, as it was. Append-only."""

    __tablename__ = "data_set_items"
    __table_args__ = table(
        CheckConstraint("purpose IN ('train', 'validate', 'free')", name="purpose_is_known"),
    )

    data_set_id: Mapped[int] = mapped_column(ForeignKey("data_sets.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Place in the list, from 0."""
    sha256: Mapped[Sha256]
    period: Mapped[ShortName]
    run: Mapped[int]
    chunk: Mapped[int]
    image_time: Mapped[Epoch]
    unbiased: Mapped[bool] = mapped_column(Boolean)
    simulated: Mapped[bool] = mapped_column(Boolean)
    label: Mapped[ShortName]
    """In words: a list must not change with the dictionary of labels."""
    user_name: Mapped[ShortName]
    comment: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(20))
    labelled_at: Mapped[Epoch]
    weight: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(10))
    value: Mapped[Real | None]


class TrainingDataSet(Base):
    """A data set that a model was trained with. Append-only."""

    __tablename__ = "training_data_sets"
    __table_args__ = table()

    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    data_set_id: Mapped[int] = mapped_column(ForeignKey("data_sets.id"), primary_key=True)
