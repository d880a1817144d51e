"""How models do: judging over time, trailing accuracy, wishes for a training."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, BigId, Epoch, Id, Real, ShortName, table


class PlotSteadiness(Base):
    """How a plot is judged over time; no row where every image is judged by itself."""

    __tablename__ = "plot_steadiness"
    __table_args__ = table(
        CheckConstraint("consecutive >= 1", name="at_least_one_image"),
        CheckConstraint("hysteresis >= 0 AND hysteresis <= 1", name="hysteresis_is_a_fraction"),
    )

    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"), primary_key=True)
    consecutive: Mapped[int] = mapped_column(default=1)
    hysteresis: Mapped[Real] = mapped_column(default=0.0)
    hold_s: Mapped[Real] = mapped_column(default=0.0)
    delay_s: Mapped[Real] = mapped_column(default=0.0)
    count: Mapped[int] = mapped_column(default=0)


class PlotLimits(Base):
    """Alarm limits of a regression model's number that people set for a plot."""

    __tablename__ = "plot_limits"
    __table_args__ = table()

    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    lolo: Mapped[Real | None]
    low: Mapped[Real | None]
    high: Mapped[Real | None]
    hihi: Mapped[Real | None]


class TrailingAccuracy(Base):
    """What the unbiased sample said of a plot's model at the end of a day."""

    __tablename__ = "trailing_accuracy"
    __table_args__ = table(UniqueConstraint("plot_type_id", "day"))

    id: Mapped[BigId]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    day: Mapped[str] = mapped_column(String(10))
    """UTC, as 2026-11-21; the last look of the day stays."""
    made_at: Mapped[Epoch]
    sampled: Mapped[int]
    """Images of the unbiased sample within the window."""
    labelled: Mapped[int]
    correct: Mapped[int]
    low: Mapped[Real]
    high: Mapped[Real]
    unconfirmed: Mapped[Real | None]
    """Share of unconfirmed verdicts of the newest images; NULL without images."""
    drift: Mapped[Real | None]
    """In standard errors; NULL when unknown."""


class RetrainRequest(Base):
    """Why a plot's model should be trained again; never an activation."""

    __tablename__ = "retrain_requests"
    __table_args__ = table(
        UniqueConstraint("open_key"),
        Index(None, "plot_type_id", "opened_at"),
        CheckConstraint(
            "cause IN ('accuracy', 'unconfirmed', 'palette', 'bad-labels', 'period', 'drift')",
            name="cause_is_known",
        ),
    )

    id: Mapped[Id]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    cause: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[Epoch]
    open_key: Mapped[str | None] = mapped_column(String(60))
    """One open request a plot and cause; NULL once closed."""
    closed_at: Mapped[Epoch | None]
    closed_by: Mapped[ShortName | None]
    close_reason: Mapped[str] = mapped_column(Text, default="")
