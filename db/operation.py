"""The record of operation: every verdict, the log, the live plots, the run."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    BIG,
    Base,
    BigId,
    Epoch,
    Id,
    LongName,
    Real,
    Sha256,
    ShortName,
    Weights,
    table,
)


class RunHistory(Base):
    """One verdict. Never changed once written."""

    __tablename__ = "run_history"
    __table_args__ = table(
        UniqueConstraint("plot_type_id", "run", "chunk", "period", "sha256"),
        Index(None, "plot_type_id", "image_time"),
        Index(None, "image_time"),
        CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence_is_a_fraction"),
    )

    id: Mapped[BigId]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    model_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    plot_id: Mapped[int | None] = mapped_column(BIG, ForeignKey("plots.id"))
    """The kept image, where it was kept."""
    period: Mapped[ShortName]
    run: Mapped[int]
    chunk: Mapped[int]
    sha256: Mapped[Sha256]
    image_time: Mapped[Epoch]
    inserted_at: Mapped[Epoch]
    label: Mapped[ShortName]
    confidence: Mapped[Real]
    confirmed: Mapped[bool]
    output: Mapped[Weights]
    """All weights by label."""
    thresholds: Mapped[Weights]
    """Thresholds by label as they were then."""
    unbiased: Mapped[bool]
    """Chosen at random, before the verdict."""
    late: Mapped[bool]
    """Judged after a newer image of the same plot."""
    offline: Mapped[bool] = mapped_column(default=False)
    """Reprocessing of a past run."""
    beam_current: Mapped[Real | None]
    """NULL when unknown."""
    error: Mapped[str] = mapped_column(Text, default="")
    """Why the model gave no result; empty if it did."""
    similarity: Mapped[Real | None]
    """To the references of the plot; NULL without references or result."""
    similarity_threshold: Mapped[Real | None]
    reference_set_id: Mapped[int | None]
    """Set of references it was compared with."""
    value: Mapped[Real | None]
    """What a regression model gave, in its unit."""
    novelty: Mapped[Real | None]
    novel_below: Mapped[Real | None]
    """Limit of novelty as it was then; NULL without one."""


class MonitoringLog(Base):
    """A verdict that somebody should look at: Bad or unconfirmed."""

    __tablename__ = "monitoring_log"
    __table_args__ = table(
        UniqueConstraint("run_history_id"),
        Index(None, "plot_type_id", "image_time"),
        Index(None, "image_time"),
        CheckConstraint("is_transition BETWEEN 0 AND 3", name="transition_is_a_code"),
    )

    id: Mapped[BigId]
    run_history_id: Mapped[int] = mapped_column(BIG, ForeignKey("run_history.id"))
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    image_time: Mapped[Epoch]
    period: Mapped[ShortName]
    run: Mapped[int]
    chunk: Mapped[int]
    label: Mapped[ShortName]
    confidence: Mapped[Real]
    is_confirmed: Mapped[bool]
    is_transition: Mapped[int]
    """0 middle, 1 start, 2 end of a stretch, 3 a stretch of one."""


class LivePlot(Base):
    """What a plot shows now: one row a plot type, so that a restart knows it."""

    __tablename__ = "live_plots"
    __table_args__ = table()

    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"), primary_key=True)
    run_history_id: Mapped[int | None] = mapped_column(BIG, ForeignKey("run_history.id"))
    """NULL for a plot without a model."""
    label: Mapped[ShortName]
    confidence: Mapped[Real]
    confirmed: Mapped[bool]
    weights: Mapped[Weights]
    thresholds: Mapped[Weights]
    run: Mapped[int]
    chunk: Mapped[int]
    period: Mapped[ShortName]
    image_time: Mapped[Epoch]
    closed_time: Mapped[Epoch]
    model: Mapped[LongName]
    reason: Mapped[str] = mapped_column(Text)
    image_file: Mapped[str] = mapped_column(Text)
    severity: Mapped[int]
    status: Mapped[int]
    count: Mapped[int] = mapped_column(BIG)
    since: Mapped[Epoch]
    beam_current: Mapped[Real | None]
    updated_at: Mapped[Epoch]


class RunStatus(Base):
    """A run: when it was first and last seen, and the beam."""

    __tablename__ = "run_status"
    __table_args__ = table(UniqueConstraint("period", "run"))

    id: Mapped[Id]
    period: Mapped[ShortName]
    run: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    began_at: Mapped[Epoch]
    ended_at: Mapped[Epoch | None]
    beam_current: Mapped[Real | None]


class News(Base):
    """A line of news on all screens; the newest counts, empty text clears it."""

    __tablename__ = "news"
    __table_args__ = table()

    id: Mapped[Id]
    posted_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
    text: Mapped[str] = mapped_column(Text)
