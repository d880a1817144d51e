"""The model registry: models, thresholds, activations, training sets and reports."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    BIG,
    Base,
    BigId,
    Document,
    Epoch,
    Id,
    LongName,
    Real,
    Sha256,
    ShortName,
    Weights,
    table,
)


class Model(Base):
    """One trained model, as its card tells, and who vouches for it."""

    __tablename__ = "models"
    __table_args__ = table(UniqueConstraint("digest"))

    id: Mapped[Id]
    digest: Mapped[Sha256]
    """Names the folder in the model store."""
    name: Mapped[LongName]
    created_at: Mapped[Epoch]
    registered_at: Mapped[Epoch]
    architecture: Mapped[LongName]
    labels: Mapped[Document]
    """Ordered labels of the outputs."""
    input_shape: Mapped[Document]
    """Height, width and channels, in pixels."""
    preprocessing: Mapped[LongName]
    threshold_method: Mapped[ShortName] = mapped_column(default="INIT")
    training_set: Mapped[Sha256]
    training_runs: Mapped[Document]
    validation_runs: Mapped[Document]
    training_counts: Mapped[Document]
    confusion: Mapped[Document]
    """Validation images by true label (row) and given label (column)."""
    loss: Mapped[Real]
    epochs: Mapped[int]
    seed: Mapped[int]
    versions: Mapped[Document]
    """Version by name: python, keras, tensorflow, onnx."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str | None] = mapped_column(String(20))
    """``regression``; NULL and ``classification`` are the same."""
    quantity: Mapped[Document | None]
    """Of a regression model: name, unit and alarm limits of its number."""
    trained_by: Mapped[ShortName | None]
    report_reviewed_by: Mapped[ShortName | None]
    ai_signoff_by: Mapped[ShortName | None]
    expert_signoff_by: Mapped[ShortName | None]


class ModelPlotType(Base):
    """A plot type that a model was trained for."""

    __tablename__ = "model_plot_types"
    __table_args__ = table()

    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"), primary_key=True)


class ActiveModel(Base):
    """The model that judges a plot type now; no row, no model."""

    __tablename__ = "active_models"
    __table_args__ = table()

    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    probation: Mapped[bool] = mapped_column(default=False)
    """On trial: shown, but without all sign-offs and never MAJOR."""


class ModelActivation(Base):
    """Append-only log: which model judged a plot type from when on."""

    __tablename__ = "model_activations"
    __table_args__ = table(Index(None, "plot_type_id", "activated_at"))

    id: Mapped[Id]
    activated_at: Mapped[Epoch]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    model_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    """NULL: the plot was left without a model."""
    probation: Mapped[bool] = mapped_column(default=False)
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")


class ModelThreshold(Base):
    """Confirmation threshold of a label of a model."""

    __tablename__ = "model_thresholds"
    __table_args__ = table(
        UniqueConstraint("model_id", "classification_id"),
        CheckConstraint("threshold >= 0 AND threshold <= 1", name="threshold_is_a_fraction"),
    )

    id: Mapped[Id]
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    classification_id: Mapped[int] = mapped_column(ForeignKey("classifications.id"))
    threshold: Mapped[Real]
    method: Mapped[ShortName] = mapped_column(default="INIT")
    """INIT, a method such as max_f1, or the user who set it."""


class ThresholdHistory(Base):
    """Append-only log of every threshold change."""

    __tablename__ = "threshold_history"
    __table_args__ = table(Index(None, "model_id", "changed_at"))

    id: Mapped[Id]
    changed_at: Mapped[Epoch]
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    classification_id: Mapped[int] = mapped_column(ForeignKey("classifications.id"))
    old: Mapped[Real | None]
    new: Mapped[Real]
    method: Mapped[ShortName]
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")


class TrainingImage(Base):
    """A kept image that a model was trained or validated with."""

    __tablename__ = "training_sets"
    __table_args__ = table(
        CheckConstraint("purpose IN ('train', 'validate')", name="purpose_is_known"),
    )

    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    plot_id: Mapped[int] = mapped_column(BIG, ForeignKey("plots.id"), primary_key=True)
    classification_id: Mapped[int] = mapped_column(ForeignKey("classifications.id"))
    """Label as it was when the model was trained."""
    purpose: Mapped[str] = mapped_column(String(10))


class TrainingReport(Base):
    """What a training tells its experts."""

    __tablename__ = "training_reports"
    __table_args__ = table()

    id: Mapped[Id]
    reported_at: Mapped[Epoch]
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    title: Mapped[LongName]
    body: Mapped[str] = mapped_column(Text)


class TrainingReportElement(Base):
    """An image of a report that model and expert see differently."""

    __tablename__ = "training_report_elements"
    __table_args__ = table(UniqueConstraint("report_id", "plot_id"))

    id: Mapped[Id]
    report_id: Mapped[int] = mapped_column(ForeignKey("training_reports.id"))
    plot_id: Mapped[int] = mapped_column(BIG, ForeignKey("plots.id"))
    classification_id: Mapped[int] = mapped_column(ForeignKey("classifications.id"))
    """Label that the model gave."""
    confidence: Mapped[Real]


class TrainingReportResponse(Base):
    """An expert's answer to an element of a report."""

    __tablename__ = "training_report_responses"
    __table_args__ = table()

    id: Mapped[Id]
    element_id: Mapped[int] = mapped_column(ForeignKey("training_report_elements.id"))
    user_name: Mapped[ShortName]
    responded_at: Mapped[Epoch]
    response: Mapped[str] = mapped_column(Text)


class PlotInference(Base):
    """What a model says of a kept image offline: one row an image and model."""

    __tablename__ = "plot_inferences"
    __table_args__ = table(UniqueConstraint("model_id", "plot_id"))

    id: Mapped[BigId]
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    plot_id: Mapped[int] = mapped_column(BIG, ForeignKey("plots.id"))
    classification_id: Mapped[int] = mapped_column(ForeignKey("classifications.id"))
    """Label of the highest weight."""
    confidence: Mapped[Real]
    weights: Mapped[Weights]
    """All weights by label; they add up to 1."""
