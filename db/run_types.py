"""Run types: what kind of run the experiment takes. Append-only; the newest counts."""

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Epoch, Id, LongName, ShortName, table


class RunType(Base):
    """From when on a run type holds, and who said so."""

    __tablename__ = "run_types"
    __table_args__ = table()

    id: Mapped[Id]
    set_at: Mapped[Epoch]
    run_type: Mapped[ShortName]
    """Such as ``production``; empty: not known."""
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    why: Mapped[str] = mapped_column(Text, default="")
