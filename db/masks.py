"""Masks: parts of a plot that its model shall not judge. Nothing here is deleted."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import BIG, Base, BigId, Document, Epoch, Id, LongName, ShortName, table


class Mask(Base):
    """A mask; its outline never changes, so its id stands for what was covered."""

    __tablename__ = "masks"
    __table_args__ = table(UniqueConstraint("plot_type_id", "name"))

    id: Mapped[Id]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    name: Mapped[ShortName]
    owner: Mapped[ShortName]
    reason: Mapped[str] = mapped_column(Text)
    points: Mapped[Document]
    """Corners of the polygon, [[x, y], ...], fractions of the image from top left."""
    added_at: Mapped[Epoch]
    enabled: Mapped[bool]
    expires_at: Mapped[Epoch | None]
    """From then on it covers nothing; NULL never."""
    ended: Mapped[bool] = mapped_column(default=False)
    """Its expiry is on record."""


class MaskHistory(Base):
    """Append-only log of every change of a mask."""

    __tablename__ = "mask_history"
    __table_args__ = table(
        CheckConstraint(
            "action IN ('add', 'enable', 'disable', 'expire', 'ended')", name="action_is_known"
        ),
        Index(None, "mask_id", "changed_at"),
    )

    id: Mapped[BigId]
    changed_at: Mapped[Epoch]
    mask_id: Mapped[int] = mapped_column(ForeignKey("masks.id"))
    action: Mapped[str] = mapped_column(String(10))
    """``expire`` sets the time; ``ended`` says that it has come."""
    enabled: Mapped[bool]
    expires_at: Mapped[Epoch | None]
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")


class InferenceMask(Base):
    """A mask that covered a part of an image when it was judged."""

    __tablename__ = "inference_masks"
    __table_args__ = table()

    run_history_id: Mapped[int] = mapped_column(BIG, ForeignKey("run_history.id"), primary_key=True)
    mask_id: Mapped[int] = mapped_column(ForeignKey("masks.id"), primary_key=True)
