"""The last report of every process."""

from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from db.processes import ProcessStatus, StatusMap
from pipeline.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReport:
    """What a process says of itself. Times in seconds since the epoch."""

    stage: str
    instance: int
    host: str
    pid: int
    status: str
    """Starting, Running, Degraded, Stopping or Silent."""
    reason: str
    started_at: float
    heartbeat_at: float
    handled: int
    dropped: int
    queue: int
    rate: float
    """Messages per second."""
    latency_s: float


def report_process(session: Session, report: ProcessReport) -> None:
    """Store the last report of a process, in place of the one before.

    Args:
        session: A session of a transaction that writes.
        report: The report.

    Raises:
        StoreError: The state is not in the dictionary.
    """
    status = session.scalar(select(StatusMap.id).where(StatusMap.name == report.status))
    if status is None:
        raise StoreError(f"state {report.status} is not in status_map")
    values = {name: getattr(report, name) for name in ProcessReport.__slots__ if name != "status"}
    values["status_id"] = status
    key = session.scalar(
        select(ProcessStatus.id).where(
            ProcessStatus.stage == report.stage,
            ProcessStatus.instance == report.instance,
            ProcessStatus.host == report.host,
        )
    )
    if key is None:
        session.execute(insert(ProcessStatus).values(values))
    else:
        session.execute(update(ProcessStatus).where(ProcessStatus.id == key).values(values))


def processes(session: Session) -> tuple[ProcessReport, ...]:
    """Read the last report of every process, by stage, instance and host."""
    rows = session.execute(
        select(ProcessStatus, StatusMap.name)
        .join(StatusMap, ProcessStatus.status_id == StatusMap.id)
        .order_by(ProcessStatus.stage, ProcessStatus.instance, ProcessStatus.host)
    )
    fields = [name for name in ProcessReport.__slots__ if name != "status"]
    return tuple(
        ProcessReport(status=status, **{name: getattr(row, name) for name in fields})
        for row, status in rows
    )
