"""Embeddings of judged images and the clusters they form."""

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from db.base import BIG, Base, BigId, Epoch, Id, Real, Sha256, ShortName, table


class Embedding(Base):
    """What a model made of an image. Those of two models are never compared."""

    __tablename__ = "embeddings"
    __table_args__ = table(
        # Not unique: the same bytes come again, and the Keeper does not look first.
        Index(None, "plot_type_id", "source", "sha256"),
        Index(None, "plot_type_id", "made_at"),
    )

    id: Mapped[BigId]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    source: Mapped[Sha256]
    """Digest of the model."""
    sha256: Mapped[Sha256]
    """Of the image."""
    run: Mapped[int]
    beam_current: Mapped[Real | None]
    label: Mapped[ShortName]
    """Verdict when it was judged; empty where none was given."""
    vector: Mapped[bytes] = mapped_column(LargeBinary(8192))
    """float16, little-endian."""
    made_at: Mapped[Epoch]


class ClusterRun(Base):
    """One clustering of the embeddings of a plot."""

    __tablename__ = "cluster_runs"
    __table_args__ = table(Index(None, "plot_type_id", "made_at"))

    id: Mapped[Id]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    source: Mapped[Sha256]
    made_at: Mapped[Epoch]
    clusters: Mapped[int]
    silhouette: Mapped[Real]
    """Mean silhouette of a sample, -1..1."""
    seed: Mapped[int]
    user_name: Mapped[ShortName]


class ClusterMember(Base):
    """The cluster of an image."""

    __tablename__ = "cluster_members"
    __table_args__ = table(Index(None, "sha256"))

    cluster_run_id: Mapped[int] = mapped_column(ForeignKey("cluster_runs.id"), primary_key=True)
    embedding_id: Mapped[int] = mapped_column(BIG, primary_key=True)
    """Row of the embedding; it may have been removed since."""
    sha256: Mapped[Sha256]
    cluster: Mapped[int]
    """From 0, the largest first."""
