"""Who vouches for a model, step by step. Append-only."""

from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Epoch, Id, LongName, ShortName, table

TRAINED: Final = "trained"
REVIEWED: Final = "report-reviewed"
AI: Final = "ai-signoff"
EXPERT: Final = "expert-signoff"
STEPS: Final = (TRAINED, REVIEWED, AI, EXPERT)
"""The steps in their order; a model that has all of them may judge."""


class ModelSignoff(Base):
    """One step of one model."""

    __tablename__ = "model_signoffs"
    __table_args__ = table(
        UniqueConstraint("model_id", "step"),
        CheckConstraint(
            "step IN ('trained', 'report-reviewed', 'ai-signoff', 'expert-signoff')",
            name="step_is_known",
        ),
    )

    id: Mapped[Id]
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    step: Mapped[str] = mapped_column(String(20))
    signed_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")
