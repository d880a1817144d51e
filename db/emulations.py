"""Emulated faults: which images were made of which, how and by whom. Append-only."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import BIG, Base, BigId, Document, Epoch, Id, LongName, Sha256, ShortName, table


class EmulationRun(Base):
    """One series of emulated images of a plot type."""

    __tablename__ = "emulation_runs"
    __table_args__ = table(Index(None, "plot_type_id", "made_at"))

    id: Mapped[Id]
    made_at: Mapped[Epoch]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    channel_map: Mapped[Sha256]
    """Hash of the table of cells."""
    seed: Mapped[int] = mapped_column(BIG)
    settings: Mapped[Document]
    """Kinds, counts and how the bases were chosen."""


class EmulatedImage(Base):
    """An emulated image: a kept image with its base and what was done to it."""

    __tablename__ = "emulated_images"
    __table_args__ = table(
        Index(None, "emulation_run_id"), Index(None, "base_plot_id"), Index(None, "plot_id")
    )

    id: Mapped[BigId]
    emulation_run_id: Mapped[int] = mapped_column(ForeignKey("emulation_runs.id"))
    plot_id: Mapped[int] = mapped_column(BIG, ForeignKey("plots.id"))
    base_plot_id: Mapped[int] = mapped_column(BIG, ForeignKey("plots.id"))
    base_sha256: Mapped[Sha256]
    run: Mapped[int]
    """Of the base; the emulated image counts as one of that run."""
    kind: Mapped[str] = mapped_column(String(30))
    label: Mapped[ShortName]
    crate: Mapped[int | None]
    slot: Mapped[int | None]
    channel: Mapped[int | None]
    parameters: Mapped[Document]
    """All else that made it, such as strength and shift."""
    regions: Mapped[Document]
    """Boxes of what changed: left, top, right, bottom, fractions of the image."""
    seed: Mapped[int] = mapped_column(BIG)
