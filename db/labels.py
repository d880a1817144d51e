"""What people say of kept images. Nothing here is ever deleted."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import BIG, Base, BigId, Document, Epoch, ShortName, table


class PlotLabel(Base):
    """A person's label of a kept image; the one that counts has no successor."""

    __tablename__ = "plot_labels"
    __table_args__ = table(
        CheckConstraint(
            "source IN ('labeler', 'live', 'report', 'simulated', 'import')",
            name="source_is_known",
        ),
        Index(None, "plot_id", "superseded_by"),
    )

    id: Mapped[BigId]
    plot_id: Mapped[int] = mapped_column(BIG, ForeignKey("plots.id"))
    classification_id: Mapped[int] = mapped_column(ForeignKey("classifications.id"))
    user_name: Mapped[ShortName]
    comment: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(String(20))
    labelled_at: Mapped[Epoch]
    superseded_by: Mapped[int | None] = mapped_column(BIG, ForeignKey("plot_labels.id"))


class LabelHistory(Base):
    """Append-only log of every labelling, as it was asked for."""

    __tablename__ = "label_history"
    __table_args__ = table(Index(None, "labelled_at"))

    id: Mapped[BigId]
    labelled_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
    transaction: Mapped[Document]
