"""All PVs with what they show now; the faces are told of every change."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from ioc.description import PvDescription
from ioc.value import PvValue, undefined

logger = logging.getLogger(__name__)


class Face(Protocol):
    """One protocol that serves the board."""

    def add(self, description: PvDescription, value: PvValue) -> None:
        """Begin to serve a PV."""

    def describe(self, description: PvDescription, value: PvValue) -> None:
        """Serve a PV by a new description."""

    def show(self, name: str, value: PvValue) -> None:
        """Show a new value."""

    def remove(self, name: str) -> None:
        """Serve a PV no longer."""


class Board:
    """Every PV by name: its description and what it shows.

    Values are immutable and swapped in one assignment, so that a reader sees
    a value together with its severity, status and time or none of them.
    """

    def __init__(self) -> None:
        """Begin without PVs and faces."""
        self._descriptions: dict[str, PvDescription] = {}
        self._values: dict[str, PvValue] = {}
        self._faces: list[Face] = []

    def attach(self, face: Face) -> None:
        """Let a face serve all PVs, those of now and those to come."""
        self._faces.append(face)
        for name, description in self._descriptions.items():
            face.add(description, self._values[name])

    def declare(self, descriptions: Iterable[PvDescription]) -> None:
        """Serve PVs; those already served take the new description.

        Args:
            descriptions: Of any PVs; a new one shows INVALID/UDF at first.
        """
        for description in descriptions:
            name = description.name
            known = self._descriptions.get(name)
            if known == description:
                continue
            if known is not None and known.kind is not description.kind:
                self.withdraw([name])
                known = None
            self._descriptions[name] = description
            if known is None:
                value = self._values[name] = undefined(description.blank)
                for face in self._faces:
                    face.add(description, value)
            else:
                for face in self._faces:
                    face.describe(description, self._values[name])

    def withdraw(self, names: Iterable[str]) -> None:
        """Serve PVs no longer."""
        for name in names:
            del self._descriptions[name], self._values[name]
            for face in self._faces:
                face.remove(name)

    def show(self, values: Mapping[str, PvValue]) -> None:
        """Show new values.

        Args:
            values: By full PV name; names that are not served are skipped, as the
                catalogue may be ahead of the descriptions.
        """
        for name, value in values.items():
            old = self._values.get(name)
            if old is None:
                logger.debug("pv=%s event=not-served", name)
            elif value != old:
                self._values[name] = value
                for face in self._faces:
                    face.show(name, value)

    def value(self, name: str) -> PvValue:
        """Give what a PV shows.

        Raises:
            KeyError: No such PV.
        """
        return self._values[name]

    def description(self, name: str) -> PvDescription:
        """Give the description of a PV.

        Raises:
            KeyError: No such PV.
        """
        return self._descriptions[name]

    def __contains__(self, name: str) -> bool:
        return name in self._descriptions

    def __iter__(self) -> Iterator[PvDescription]:
        return iter(self._descriptions.values())

    def __len__(self) -> int:
        return len(self._descriptions)
