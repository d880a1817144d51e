"""The processes of the pipeline as they last reported."""

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import BIG, Base, Epoch, Id, LongName, Real, table


class StatusMap(Base):
    """The states of a process, by number."""

    __tablename__ = "status_map"
    __table_args__ = table(UniqueConstraint("name"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))


class ProcessStatus(Base):
    """The last report of one process, or of the one that took its place."""

    __tablename__ = "process_status"
    __table_args__ = table(UniqueConstraint("stage", "instance", "host"))

    id: Mapped[Id]
    stage: Mapped[str] = mapped_column(String(20))
    """Feeder, Balancer, Predict, Keeper or Ioc."""
    instance: Mapped[int]
    host: Mapped[LongName]
    pid: Mapped[int]
    status_id: Mapped[int] = mapped_column(ForeignKey("status_map.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[Epoch]
    heartbeat_at: Mapped[Epoch]
    handled: Mapped[int] = mapped_column(BIG)
    dropped: Mapped[int] = mapped_column(BIG)
    queue: Mapped[int]
    rate: Mapped[Real]
    latency_s: Mapped[Real]
