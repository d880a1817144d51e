"""What models find novel, and the spaces in which images are embedded."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Document, Epoch, Id, Sha256, ShortName, table


class Novelty(Base):
    """Append-only log: descriptions of what a model was trained with; the newest counts."""

    __tablename__ = "novelties"
    __table_args__ = table(Index(None, "model_id"))

    id: Mapped[Id]
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    sha256: Mapped[Sha256]
    """Of the file in the model folder; it names the file."""
    images: Mapped[int]
    """How many images it describes."""
    calibrated: Mapped[int]
    """How many told what a distance means."""
    made_at: Mapped[Epoch]
    user_name: Mapped[ShortName]


class EmbeddingSpace(Base):
    """Append-only log: what the images of a plot are embedded next to; the newest counts."""

    __tablename__ = "embedding_spaces"
    __table_args__ = table(Index(None, "plot_type_id"))

    id: Mapped[Id]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    source: Mapped[Sha256]
    """What its embeddings have as their source."""
    backbone: Mapped[Sha256]
    images: Mapped[Document]
    """SHA-256 of the images that the backbone compares with."""
    made_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
