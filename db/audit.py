"""The audit log: who changed what, from where, and why. Append-only."""

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, BigId, Document, Epoch, LongName, ShortName, table


class AuditLog(Base):
    """One change that somebody asked for and got, or was refused."""

    __tablename__ = "audit_log"
    __table_args__ = table(Index(None, "changed_at"), Index(None, "subject", "changed_at"))

    id: Mapped[BigId]
    changed_at: Mapped[Epoch]
    user_name: Mapped[ShortName]
    host: Mapped[LongName]
    action: Mapped[str] = mapped_column(String(50))
    """Such as ``set-threshold``."""
    subject: Mapped[LongName]
    """What was changed, such as ``CDC_occupancy Bad``."""
    old: Mapped[Document | None]
    new: Mapped[Document | None]
    why: Mapped[str] = mapped_column(Text, default="")
    accepted: Mapped[bool] = mapped_column(default=True)
    """False for an attempt that was refused."""
