"""How models were trained: settings, curves, who and where; numbers that people gave images."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.base import BIG, Base, BigId, Document, Epoch, LongName, Real, ShortName, table


class Training(Base):
    """The training of one model. Append-only."""

    __tablename__ = "trainings"
    __table_args__ = table()

    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    trained_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    location: Mapped[LongName]
    """Folder of the model when it was trained."""
    plots: Mapped[Document]
    """Plot types, in the order in which their images were taken."""
    source: Mapped[LongName]
    """``record``, or the folder or the simulation that the images came from."""
    merged: Mapped[bool] = mapped_column(default=False)
    """Trained with images of more than one plot type."""
    settings: Mapped[Document]
    """All that the training was asked for."""
    curves: Mapped[Document]
    """Loss and accuracy of training and validation, epoch by epoch."""
    judged: Mapped[Document]
    """What it said of the images it was not fitted to: name, truth, probabilities."""


class PlotValue(Base):
    """A number that somebody gave a kept image; the newest counts. Append-only."""

    __tablename__ = "plot_values"
    __table_args__ = table(Index(None, "plot_id"))

    id: Mapped[BigId]
    plot_id: Mapped[int] = mapped_column(BIG, ForeignKey("plots.id"))
    value: Mapped[Real]
    user_name: Mapped[ShortName]
    given_at: Mapped[Epoch]
