"""Shadows: models that see a plot's images beside the one that judges. Append-only."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import BIG, Base, Epoch, Id, LongName, Real, ShortName, Weights, table


class ShadowTerm(Base):
    """Which model is a plot's shadow from when on; the newest row of a plot holds."""

    __tablename__ = "shadow_terms"
    __table_args__ = table(Index(None, "plot_type_id", "begun_at"))

    id: Mapped[Id]
    begun_at: Mapped[Epoch]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    model_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    """NULL: the plot was left without a shadow."""
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")


class ShadowVerdict(Base):
    """What a shadow said of an image; nobody is alarmed by it."""

    __tablename__ = "shadow_verdicts"
    __table_args__ = table(
        Index(None, "plot_type_id", "run_history_id"),
        CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence_is_a_fraction"),
        CheckConstraint("disagreed >= 0 AND disagreed <= compared", name="counts_fit"),
    )

    run_history_id: Mapped[int] = mapped_column(BIG, ForeignKey("run_history.id"), primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    term_id: Mapped[int] = mapped_column(ForeignKey("shadow_terms.id"))
    active_model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    """The model that judged the image."""
    active_label: Mapped[ShortName]
    """Label of the highest weight of that model; empty where it failed."""
    label: Mapped[ShortName]
    """Of the shadow, by the same rule; empty where it failed."""
    confidence: Mapped[Real]
    confirmed: Mapped[bool]
    """By the shadow's own thresholds."""
    output: Mapped[Weights]
    thresholds: Mapped[Weights]
    error: Mapped[str] = mapped_column(Text, default="")
    """Why the shadow gave no verdict; empty if it did."""
    compared: Mapped[int]
    """Images up to and with this one, of the same term and model, that both gave a label."""
    disagreed: Mapped[int]
    """Of these, how often the labels differed."""
