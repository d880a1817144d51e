"""EPICS alarm severities and statuses, the one list that every room uses.

Channel Access and pvAccess number the alarm *status* differently; both lists
are here with the single mapping between them.

Source:
    EPICS Base 7, ``libcom`` ``alarm.h`` (severity and CA status) and the
    normative types specification ``alarm_t`` (pvAccess status).
"""

from enum import IntEnum


class Severity(IntEnum):
    """Alarm severity, in the order of urgency that EPICS uses."""

    NO_ALARM = 0
    MINOR = 1
    MAJOR = 2
    INVALID = 3


class Status(IntEnum):
    """Alarm status of a record as Channel Access numbers it."""

    NO_ALARM = 0
    READ = 1
    WRITE = 2
    HIHI = 3
    HIGH = 4
    LOLO = 5
    LOW = 6
    STATE = 7
    COS = 8
    COMM = 9
    TIMEOUT = 10
    HW_LIMIT = 11
    CALC = 12
    SCAN = 13
    LINK = 14
    SOFT = 15
    BAD_SUB = 16
    UDF = 17
    DISABLE = 18
    SIMM = 19
    READ_ACCESS = 20
    WRITE_ACCESS = 21


class PvaStatus(IntEnum):
    """Alarm status as pvAccess numbers it."""

    NO_STATUS = 0
    DEVICE = 1
    DRIVER = 2
    RECORD = 3
    DB = 4
    CONF = 5
    UNDEFINED = 6
    CLIENT = 7


_PVA_STATUS: dict[Status, PvaStatus] = {
    Status.NO_ALARM: PvaStatus.NO_STATUS,
    Status.READ: PvaStatus.DRIVER,
    Status.WRITE: PvaStatus.DRIVER,
    Status.COMM: PvaStatus.DRIVER,
    Status.TIMEOUT: PvaStatus.DRIVER,
    Status.HW_LIMIT: PvaStatus.DEVICE,
    Status.UDF: PvaStatus.UNDEFINED,
}


def pva_status(status: Status) -> PvaStatus:
    """Give the pvAccess status that stands for a Channel Access status.

    Args:
        status: The status of the record.

    Returns:
        The pvAccess status; every status that is made by record processing
        itself (limits, states, scans, links) is ``RECORD``.

    Source:
        The mapping that QSRV of EPICS Base 7 applies (``iocsource.cpp``).
    """
    return _PVA_STATUS.get(status, PvaStatus.RECORD)
