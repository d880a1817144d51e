"""All plots: their entries and states, kept on the board."""

import logging
import time
from collections.abc import Collection, Iterable

from ioc.board import Board
from ioc.chain import overlay
from ioc.listing import list_catalogue
from ioc.memory import Memory
from ioc.performance_pvs import accuracy_values, performance_values
from ioc.plot_pvs import age_value, heat_value, picture_value, plot_base, plot_values, text_values
from ioc.quality import by_group, group_base, quality_values
from ioc.remedy_pvs import NAME, remedy_value
from ioc.similarity_pvs import reference_value
from ioc.value import PvValue
from pipeline.alarm import Status
from pipeline.messages import Catalogue, Performance, PlotEntry, PlotState, ReferencePicture

logger = logging.getLogger(__name__)

ALL = "*"
"""Name of all plots together in ``Performance``."""


class Plots:
    """Shows the plots of the catalogue.

    Attributes:
        entries: Plots that are served, by name.
        problems: Plots that cannot be served, with the reason.
    """

    def __init__(
        self, prefix: str, board: Board, memory: Memory, remedies: Collection[str] = ()
    ) -> None:
        """Begin without plots.

        Args:
            prefix: The deployment's prefix.
            board: Where they are shown.
            memory: Remembers since when a text is what it is.
            remedies: Plots that ask a sequencer for remedies.
        """
        self.entries: dict[str, PlotEntry] = {}
        self.problems: dict[str, str] = {}
        self._prefix = prefix
        self._board = board
        self._memory = memory
        self._remedies = frozenset(remedies)
        self._states: dict[str, PlotState] = {}
        self._frames: dict[str, tuple[bytes, bytes]] = {}
        self._performances: dict[str, Performance] = {}
        self._references: dict[str, tuple[int, bytes]] = {}
        """Set and picture of the references by plot."""
        self._served: set[str] = set()
        self._fault = ""

    def take_catalogue(self, catalogue: Catalogue) -> bool:
        """Serve these plots and no others; tell whether pictures of references are missing."""
        listing = list_catalogue(self._prefix, catalogue, self._remedies)
        self.problems = listing.problems
        for name in sorted(self._remedies - {entry.name for entry in catalogue.plots}):
            logger.error("plot=%r event=no-such-plot reason='named by ioc.remedies'", name)
        for name, reason in listing.problems.items():
            logger.error("plot=%r event=not-served reason=%r", name, reason)
        self._board.withdraw(sorted(self._served - listing.descriptions.keys()))
        self._board.declare(listing.descriptions.values())
        self._served = set(listing.descriptions)
        self.entries = listing.plots
        self._states = {name: state for name, state in self._states.items() if name in self.entries}
        self._frames = {name: both for name, both in self._frames.items() if name in self.entries}
        for name, entry in self.entries.items():
            self._show_texts(entry)
            self._show_performance(entry)
            self._show(name)
        self._show_quality(self.entries.values())
        return self._show_references()

    def take_reference(self, reference: ReferencePicture, picture: bytes) -> None:
        """Show the most typical reference of a plot."""
        self._references[reference.plot] = (reference.set_id, picture)
        self._show_references()

    def _show_references(self) -> bool:
        """Show the pictures of references; tell whether any is missing."""
        missing = False
        for name, entry in self.entries.items():
            if entry.similarity is None:
                continue
            set_id, picture = self._references.get(name, (-1, b""))
            if set_id != entry.similarity.set_id:
                picture, missing = b"", True
            key = f"{plot_base(self._prefix, entry)}Reference"
            self._board.show({key: reference_value(entry, picture)})
        return missing

    def take_state(self, state: PlotState, picture: bytes, heat: bytes) -> bool:
        """Show a new state of a plot.

        Args:
            state: From the judge.
            picture: JPEG; empty when unchanged.
            heat: Heat map; empty when unchanged.

        Returns:
            Whether states before this one were missed.
        """
        entry = self.entries.get(state.plot)
        if entry is None:
            return False
        known = self._states.get(state.plot)
        self._states[state.plot] = state
        if picture or heat or known is None or known.count != state.count:
            self._frames[state.plot] = (picture, heat)
        self._show(state.plot)
        self._show_quality([one for one in self.entries.values() if one.group == entry.group])
        return known is not None and state.count - state.unshown > known.count + 1

    def take_performance(self, performance: Performance) -> None:
        """Show how well the model of a plot, or all of them, do."""
        self._performances[performance.plot] = performance
        if performance.plot == ALL:
            self._board.show(accuracy_values(self._prefix, performance))
        elif performance.plot in self.entries:
            self._show_performance(self.entries[performance.plot])

    def _show_performance(self, entry: PlotEntry) -> None:
        found = self._performances.get(entry.name)
        if found is not None:
            base = plot_base(self._prefix, entry)
            self._board.show(performance_values(base, found))

    def count(self, plot: str) -> int:
        """Give how many images of a plot are on show, -1 before its first state."""
        known = self._states.get(plot)
        return known.count if known else -1

    def take_fault(self, fault: str) -> None:
        """Show a fault of the chain, or that it healed.

        Args:
            fault: In words, empty for none.
        """
        if fault == self._fault:
            return
        logger.warning("event=chain fault=%r", fault)
        self._fault = fault
        for name in self.entries:
            self._show(name)
        self._show_quality(self.entries.values())

    def tick(self, now: float) -> None:
        """Let the images grow older.

        Args:
            now: Seconds since the epoch.
        """
        for name, entry in self.entries.items():
            if name in self._states:
                state = self._overlaid(name)
                key = f"{plot_base(self._prefix, entry)}Age"
                self._board.show({key: age_value(state, now)})

    def _overlaid(self, name: str) -> PlotState:
        ignored = self.entries[name].ignored
        return overlay(self._states[name], ignored=ignored, fault=self._fault)

    def _show(self, name: str) -> None:
        if name not in self._states:
            return
        entry, state = self.entries[name], self._overlaid(name)
        picture, heat = self._frames[name]
        base = plot_base(self._prefix, entry)
        self._board.show(plot_values(self._prefix, entry, state, time.time()))
        if name in self._remedies:
            self._board.show({f"{base}{NAME}": remedy_value(state)})
        # A picture carries the alarm, too: an old one must not look live.
        self._board.show(
            {
                f"{base}Image": picture_value(state, picture),
                f"{base}Heatmap": heat_value(state, heat),
            }
        )

    def _show_texts(self, entry: PlotEntry) -> None:
        texts = [entry.contact, entry.guidance, entry.description, entry.group]
        if entry.masks:
            texts.append(repr(entry.masks))
        if not entry.steadiness.instant:
            texts.append(repr(entry.steadiness))
        text = "\0".join(texts)
        since = self._memory.first_seen(entry.name, text, time.time())
        self._board.show(text_values(self._prefix, entry, since))
        change = f"{plot_base(self._prefix, entry)}MaskChange"
        if self._board.value(change).status is Status.UDF:
            # Nothing has been put yet: an empty text, not an unknown one.
            self._board.show({change: PvValue("", time=since)})

    def _show_quality(self, changed: Iterable[PlotEntry]) -> None:
        groups = by_group(self.entries.values())
        for group in {entry.group for entry in changed}:
            states = self._unignored(groups[group])
            self._board.show(quality_values(group_base(self._prefix, group), states))
        self._board.show(quality_values(self._prefix, self._unignored(self.entries.values())))

    def _unignored(self, entries: Iterable[PlotEntry]) -> list[PlotState]:
        return [
            self._overlaid(entry.name)
            for entry in entries
            if not entry.ignored and entry.name in self._states
        ]
