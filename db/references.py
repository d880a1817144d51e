"""References: images of a plot that others are compared with. Nothing here is deleted."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, BigId, Document, Epoch, Id, LongName, Real, Sha256, ShortName, table


class ReferenceSet(Base):
    """A version of the references of a plot; its images never change."""

    __tablename__ = "reference_sets"
    __table_args__ = table(
        UniqueConstraint("plot_type_id", "version"),
        CheckConstraint("threshold >= 0 AND threshold <= 1", name="threshold_is_a_fraction"),
        CheckConstraint("severity BETWEEN 1 AND 2", name="severity_alarms"),
    )

    id: Mapped[Id]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    version: Mapped[int]
    run_type: Mapped[ShortName]
    """Kind of run they are of, such as ``production``; empty for all."""
    digest: Mapped[Sha256]
    """Model folder that was made of them."""
    labels: Mapped[Document]
    input_shape: Mapped[Document]
    preprocessing: Mapped[ShortName]
    threshold: Mapped[Real]
    severity: Mapped[int]
    decides: Mapped[bool]
    """Whether the plot's verdict depends on them."""
    active: Mapped[bool]
    """At most one of a plot."""
    made_at: Mapped[Epoch]
    typical: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the image nearest to the mean of all; NULL in sets of earlier releases."""
    original_id: Mapped[int | None]
    """Set that this one was adapted from, step by step; NULL where people chose the images."""
    drift: Mapped[Real | None]
    """From that set, in decades of similarity; NULL where people chose the images."""


class ReferenceImage(Base):
    """An image of a set of references; it lies in the image store under its hash."""

    __tablename__ = "reference_images"
    __table_args__ = table(Index(None, "sha256"))

    reference_set_id: Mapped[int] = mapped_column(ForeignKey("reference_sets.id"), primary_key=True)
    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    run: Mapped[int]
    """-1 where it is not known."""


class ReferenceHistory(Base):
    """Append-only log of every change of references."""

    __tablename__ = "reference_history"
    __table_args__ = table(
        CheckConstraint("action IN ('add', 'use', 'retire', 'threshold')", name="action_is_known"),
        Index(None, "reference_set_id", "changed_at"),
    )

    id: Mapped[BigId]
    changed_at: Mapped[Epoch]
    reference_set_id: Mapped[int] = mapped_column(ForeignKey("reference_sets.id"))
    action: Mapped[str] = mapped_column(String(10))
    threshold: Mapped[Real]
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")
