"""Proposals to adapt references to what the experiment draws now. Append-only."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Document, Epoch, Id, LongName, Real, ShortName, table


class ReferenceProposal(Base):
    """Images that may take the place of some references, and how far they drifted."""

    __tablename__ = "reference_proposals"
    __table_args__ = table(
        Index(None, "plot_type_id"),
        CheckConstraint("drift >= 0", name="drift_is_a_distance"),
        CheckConstraint("unlike >= 0 AND unlike <= candidates", name="counts_fit"),
    )

    id: Mapped[Id]
    plot_type_id: Mapped[int] = mapped_column(ForeignKey("plot_types.id"))
    base_id: Mapped[int] = mapped_column(ForeignKey("reference_sets.id"))
    """Set that was in force; the proposal is void once another one is."""
    original_id: Mapped[int] = mapped_column(ForeignKey("reference_sets.id"))
    """Set that people chose; drift is always measured from it."""
    candidates: Mapped[int]
    """Accepted Good images that were looked at."""
    unlike: Mapped[int]
    """Of these, how many the original references call unlike."""
    drift: Mapped[Real]
    """Of all candidates from the original, in decades of similarity."""
    taken: Mapped[Document]
    """Run by SHA-256 of the images that come in."""
    dropped: Mapped[Document]
    """SHA-256 of the references that go."""
    made_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")


class ReferenceDecision(Base):
    """What an expert decided of a proposal."""

    __tablename__ = "reference_decisions"
    __table_args__ = table()

    proposal_id: Mapped[int] = mapped_column(
        ForeignKey("reference_proposals.id"), primary_key=True, autoincrement=False
    )
    accepted: Mapped[bool]
    reference_set_id: Mapped[int | None] = mapped_column(ForeignKey("reference_sets.id"))
    """The version that came of it; NULL where it was refused."""
    decided_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")
