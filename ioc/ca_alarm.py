"""The alarm state of one record, as a C record keeps it."""

from dataclasses import dataclass

from pipeline.alarm import Severity, Status


@dataclass(slots=True)
class RecordAlarm:
    """Severity, status and acknowledgement of a record.

    Source:
        ``recGblResetAlarms`` in EPICS Base 7 ``recGbl.c``, ``putAckt`` and
        ``putAcks`` in ``dbAccess.c``.

    Attributes:
        severity: Field SEVR.
        status: Field STAT.
        ackt: Field ACKT: transient alarms must be acknowledged, too.
        acks: Field ACKS: highest severity that nobody has acknowledged.
    """

    severity: Severity = Severity.INVALID
    status: Status = Status.UDF
    ackt: bool = True
    acks: Severity = Severity.NO_ALARM
    before: tuple[Severity, Status] | None = None
    """Alarm of before a restart, until the first value after it."""

    def restore(self, known: "RecordAlarm") -> None:
        """Continue with the acknowledgement of before a restart.

        The first value is compared with the alarm of then: an alarm that
        was acknowledged and is still the same stays acknowledged.
        """
        self.ackt, self.acks = known.ackt, known.acks
        self.before = (known.severity, known.status)

    def take(self, severity: Severity, status: Status) -> bool:
        """Take the alarm of a new value.

        Returns:
            Whether severity or status changed.
        """
        if (severity, status) == (self.severity, self.status):
            return False
        before, self.before = self.before, None
        self.severity, self.status = severity, status
        if (severity, status) != before and (not self.ackt or severity >= self.acks):
            self.acks = severity
        return True

    def put_acks(self, severity: int) -> bool:
        """Acknowledge alarms up to a severity.

        Returns:
            Whether the put was high enough to acknowledge.
        """
        if severity < self.acks:
            return False
        self.acks = Severity.NO_ALARM
        return True

    def put_ackt(self, ackt: int) -> bool:
        """Say whether transient alarms must be acknowledged.

        Returns:
            Whether anything changed.
        """
        if bool(ackt) == self.ackt:
            return False
        self.ackt = bool(ackt)
        if not self.ackt and self.acks > self.severity:
            self.acks = self.severity
        return True
