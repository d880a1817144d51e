"""Refusing files: count, log, move to the quarantine, and cope when that fails."""

import logging
from pathlib import Path

from pipeline.errors import FileError, StoreError
from pipeline.feeder.condition import Condition
from pipeline.feeder.quarantine import Quarantine
from pipeline.feeder.threads import Threads
from pipeline.health import Pulse

logger = logging.getLogger(__name__)


class Refusals:
    """Files that were refused; those that cannot be moved are tried again."""

    def __init__(
        self, quarantine: Quarantine, pulse: Pulse, condition: Condition, disk: Threads
    ) -> None:
        """Begin without any.

        Args:
            quarantine: Where refused files go.
            pulse: Counts them by reason.
            condition: Shows when they cannot be moved.
            disk: Threads that move them.
        """
        self._quarantine = quarantine
        self._pulse = pulse
        self._condition = condition
        self._disk = disk
        self._stuck: dict[Path, FileError] = {}

    def __len__(self) -> int:
        """Count the refused files that could not be moved."""
        return len(self._stuck)

    async def refuse(self, path: Path, error: FileError) -> bool:
        """Refuse a file.

        Args:
            path: The file.
            error: Why.

        Returns:
            Whether it is out of the tree; if not it is remembered.
        """
        self._stuck.pop(path, None)
        moved = await self._set_aside(path, error)
        if moved or path in self._stuck:
            self._pulse.refused("".join(word.capitalize() for word in error.reason.split("-")))
            logger.warning(
                "event=refused reason=%s path=%r text=%r", error.reason, str(path), str(error)
            )
        return path not in self._stuck

    async def retry(self) -> list[Path]:
        """Try again to move what could not be moved, up to the first failure.

        Returns:
            The files that are out of the tree now.
        """
        moved: list[Path] = []
        for path, error in list(self._stuck.items()):
            await self._set_aside(path, error)
            if path in self._stuck:
                return moved
            moved.append(path)
        self._condition.set("quarantine", "")
        return moved

    async def _set_aside(self, path: Path, error: FileError) -> bool:
        """Move a file; tell whether it was there and is moved."""
        try:
            target = await self._disk.do(self._quarantine.take, path, error)
        except StoreError as fault:
            # At the end of the line, so that one immovable file does not block the rest.
            self._stuck.pop(path, None)
            self._stuck[path] = error
            self._condition.set("quarantine", f"{fault}; {len(self._stuck)} such files")
            return False
        self._stuck.pop(path, None)
        return target is not None
