"""How the Feeder fares, in words, for its heartbeat."""

import logging

from pipeline.health import Pulse

logger = logging.getLogger(__name__)


class Condition:
    """Collects the troubles there are now; any of them is Degraded."""

    def __init__(self, pulse: Pulse) -> None:
        """Begin in state Starting.

        Args:
            pulse: The heartbeat that shows state and reason.
        """
        self._pulse = pulse
        self._troubles: dict[str, str] = {}

    def start(self) -> None:
        """Leave the state Starting: Running or Degraded from now on."""
        if self._pulse.state == "Starting":
            self._pulse.state = "Running"
            self._show()

    def set(self, kind: str, text: str) -> None:
        """Note a trouble, or with an empty text that it is over.

        Args:
            kind: What is in trouble, such as ``trees``; one text is kept of each.
            text: What is wrong and what to do.
        """
        before = self._troubles.pop(kind, "")
        if text:
            self._troubles[kind] = text
        if bool(text) != bool(before):
            level = logging.WARNING if text else logging.INFO
            logger.log(level, "event=trouble kind=%s text=%s", kind, text or "over")
        self._show()

    def _show(self) -> None:
        self._pulse.reason = "; ".join(self._troubles.values())[:4000]
        if self._pulse.state != "Starting":
            self._pulse.state = "Degraded" if self._troubles else "Running"
