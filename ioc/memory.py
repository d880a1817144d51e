"""What the IOC remembers over a restart: acknowledgements and first times."""

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from ioc.ca_alarm import RecordAlarm
from pipeline.alarm import Severity, Status

logger = logging.getLogger(__name__)


class Memory:
    """A small JSON file, replaced atomically."""

    def __init__(self, path: Path) -> None:
        """Read the file if there is one.

        Args:
            path: The file. An unreadable one is set aside as ``.bad`` and logged:
                the alarms then count as new, which errs on the safe side.
        """
        self._path = path
        self._alarms: dict[str, RecordAlarm] = {}
        self._texts: dict[str, tuple[str, float]] = {}
        self.changed = False
        if path.exists():
            try:
                self._read(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, KeyError, TypeError) as error:
                logger.error("file=%s event=unreadable reason=%r", path, str(error))
                path.replace(path.with_suffix(".bad"))

    def _read(self, stored: dict[str, Any]) -> None:
        self._alarms = {
            name: RecordAlarm(Severity(severity), Status(status), bool(ackt), Severity(acks))
            for name, (severity, status, ackt, acks) in stored["alarms"].items()
        }
        self._texts = {
            name: (str(digest), float(time)) for name, (digest, time) in stored["texts"].items()
        }

    def alarm(self, name: str) -> RecordAlarm | None:
        """Give the alarm that a PV had, None for a new PV."""
        return self._alarms.get(name)

    def keep_alarm(self, name: str, alarm: RecordAlarm) -> None:
        """Remember the alarm of a PV; written by the next ``save``."""
        self._alarms[name] = alarm
        self.changed = True

    def first_seen(self, name: str, text: str, now: float) -> float:
        """Give when a text came to be what it is.

        Args:
            name: Whose text it is.
            text: The text now.
            now: Seconds since the epoch, taken when the text is new.
        """
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        known = self._texts.get(name)
        if known is None or known[0] != digest:
            self._texts[name] = known = (digest, now)
            self.changed = True
        return known[1]

    def save(self) -> None:
        """Write the file if anything changed.

        Raises:
            OSError: The disk does not take it; what changed is kept for the next try.
        """
        if not self.changed:
            return
        stored = {
            "alarms": {
                name: (alarm.severity, alarm.status, alarm.ackt, alarm.acks)
                for name, alarm in self._alarms.items()
            },
            "texts": self._texts,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(stored, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        self.changed = False
