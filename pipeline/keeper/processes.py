"""The processes of the deployment as they report, written to the record at a low rate."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from db.process_queries import ProcessReport, report_process
from pipeline.messages import Heartbeat

PERIOD_S: Final = 30.0
"""A process whose state stays the same is written this often."""
SILENT: Final = "Silent"
Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be written of a process."""

    heartbeat: Heartbeat
    state: str
    """As the process says it, or ``Silent``."""
    heard: float
    """When it was heard last, seconds since the epoch."""


class Processes:
    """Hears heartbeats and tells which rows are due."""

    def __init__(self, silence_s: float) -> None:
        """Know no process yet.

        Args:
            silence_s: A process without heartbeat for this long is silent.
        """
        self._silence_s = silence_s
        self._heard: dict[Key, tuple[Heartbeat, float]] = {}
        self._written: dict[Key, tuple[str, int, float]] = {}

    def hear(self, heartbeat: Heartbeat, now: float) -> None:
        """Take in a heartbeat at a time in seconds since the epoch."""
        self._heard[_key(heartbeat)] = heartbeat, now

    def due(self, now: float) -> list[Report]:
        """List what is to be written now: starts, changes of state, and all twice a minute."""
        reports = []
        for key, (heartbeat, heard) in self._heard.items():
            silent = now - heard > self._silence_s
            state = SILENT if silent and heartbeat.state != "Stopping" else heartbeat.state
            before = self._written.get(key)
            if (
                before is None
                or before[:2] != (state, heartbeat.pid)
                or (not silent and now - before[2] >= PERIOD_S)
            ):
                reports.append(Report(heartbeat, state, heard))
        return reports

    def written(self, reports: Iterable[Report], now: float) -> None:
        """Note that reports are on record."""
        for report in reports:
            self._written[_key(report.heartbeat)] = report.state, report.heartbeat.pid, now


def write(session: Session, reports: Iterable[Report]) -> None:
    """Write reports, one row a process.

    Args:
        session: A session of a transaction that writes.
        reports: What is due.
    """
    for report in reports:
        heartbeat = report.heartbeat
        report_process(
            session,
            ProcessReport(
                stage=heartbeat.stage,
                instance=heartbeat.instance,
                host=heartbeat.host,
                pid=heartbeat.pid,
                status=report.state,
                reason=heartbeat.reason,
                started_at=heartbeat.started,
                heartbeat_at=report.heard,
                handled=heartbeat.handled,
                dropped=heartbeat.dropped,
                queue=heartbeat.queue,
                rate=heartbeat.rate,
                latency_s=heartbeat.latency_s,
            ),
        )


def _key(heartbeat: Heartbeat) -> Key:
    return heartbeat.stage, heartbeat.instance, heartbeat.host
