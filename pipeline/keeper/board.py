"""All plots and what they show now; says which states changed."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from pipeline.config import Config
from pipeline.keeper.freshness import producer_is_silent
from pipeline.keeper.judge import Verdict, beam_is_on
from pipeline.keeper.shown import Shown, Surroundings, compose, is_stale
from pipeline.keeper.track import Track
from pipeline.messages import Catalogue, PlotEntry, PlotState, SiteState

_SECONDS: Final = re.compile(r"(\d\d:\d\d):\d\d")


@dataclass(frozen=True, slots=True)
class Publication:
    """A state with its frames; without frames when the picture is unchanged."""

    state: PlotState
    picture: bytes = b""
    heat: bytes = b""


class Board:
    """What every plot shows, by name. Only the event loop touches it."""

    def __init__(self, config: Config) -> None:
        """Begin without plots."""
        self._config = config
        self.serial = 0
        self.entries: dict[str, PlotEntry] = {}
        self.shown: dict[str, Shown] = {}
        self.states: dict[str, PlotState] = {}
        self.beam_current: float | None = None
        self.tracks: dict[str, Track] = {}
        """Of plots that are judged over time."""
        self.facility_run = -1
        self.news = ""
        self.run_type = ""
        self.away = ""
        self._unshown: dict[str, int] = {}
        """Images by plot that no published state has counted yet."""

    def surroundings(self, now: float) -> Surroundings:
        """Give what verdicts depend on at a time, in seconds since the epoch."""
        return Surroundings(
            now=now,
            beam_on=self.beam_on,
            away=self.away,
            stale_factor=self._config.keeper.stale_factor,
        )

    @property
    def beam_on(self) -> bool | None:
        """Whether there is beam; None when unknown."""
        return beam_is_on(self.beam_current, self._config.beam.threshold)

    def replace(self, entries: Iterable[PlotEntry], now: float) -> bool:
        """Take another catalogue.

        Args:
            entries: All plots.
            now: Seconds since the epoch; makes the serial grow over restarts.

        Returns:
            Whether anything is different.
        """
        new = {entry.name: entry for entry in entries}
        if new == self.entries and self.serial:
            return False
        for name in self.tracks.keys() - {e.name for e in new.values() if not e.steadiness.instant}:
            del self.tracks[name]
        self.entries = new
        self.serial = max(self.serial + 1, int(now * 1000))
        for gone in self.states.keys() - new.keys():
            del self.states[gone]
            self.shown.pop(gone, None)
            self.tracks.pop(gone, None)
        return True

    def catalogue(self) -> Catalogue:
        """Give the catalogue as it is published."""
        return Catalogue(serial=self.serial, plots=tuple(self.entries.values()))

    def restore(self, shown: Mapping[str, Shown], states: Mapping[str, PlotState]) -> None:
        """Take what was on show before a restart; plots that are no more are left out."""
        self.shown = {name: image for name, image in shown.items() if name in self.entries}
        self.states = {name: state for name, state in states.items() if name in self.entries}

    def show(self, name: str, image: Shown, now: float) -> Publication:
        """Put an image on show.

        Args:
            name: A plot of the catalogue.
            image: The image, with its count.
            now: Seconds since the epoch.

        Returns:
            What is to be published, with frames.
        """
        self.shown[name] = image
        if name in self.tracks:
            self.tracks[name].add(image)
        steady = self._steady(name, image, now)
        state = compose(
            self.entries[name], image, self.surroundings(now), self.states.get(name), steady
        )
        self.states[name] = state
        return self._publication(state, image)

    def recount(self, name: str, count: int) -> None:
        """Count images of a plot that are recorded and not shown, as they came late.

        Thousands may come in a row: the count is published with the next ``refresh``.
        """
        image = self.shown[name]
        self._unshown[name] = self._unshown.get(name, 0) + count - image.count
        self.shown[name] = replace(image, count=count)

    def repaint(self, name: str, image: Shown, now: float) -> Publication:
        """Give the image on show its pictures back, lost in a restart."""
        painted = replace(
            self.shown[name], picture=image.picture, heat=image.heat, heat_shape=image.heat_shape
        )
        return self.show(name, painted, now)

    def refresh(self, now: float) -> list[Publication]:
        """Judge everything again.

        Args:
            now: Seconds since the epoch.

        Returns:
            The states that changed, with frames where the count did.
        """
        around = self.surroundings(now)
        changed = []
        for name, entry in self.entries.items():
            image, previous = self.shown.get(name), self.states.get(name)
            state = compose(entry, image, around, previous, self._steady(name, image, now))
            if previous is not None and _alike(state, previous):
                continue
            self.states[name] = state
            new_count = previous is None or state.count != previous.count
            changed.append(self._publication(state, image if new_count else None))
        return changed

    def _steady(self, name: str, image: Shown | None, now: float) -> Verdict | None:
        """Judge a plot over time; None where its image on show alone counts."""
        entry = self.entries[name]
        if image is None or image.reading.offline or entry.steadiness.instant:
            return None
        track = self.tracks.setdefault(name, Track([image]))
        return track.verdict(entry, now, self.beam_on)

    def untracked(self, entries: Iterable[PlotEntry]) -> dict[str, int]:
        """Give the ids of plots to be judged over time whose past is not known yet."""
        return {
            entry.name: entry.plot_type_id
            for entry in entries
            if not entry.steadiness.instant and entry.name not in self.tracks
        }

    def _publication(self, state: PlotState, image: Shown | None) -> Publication:
        if unshown := self._unshown.pop(state.plot, 0):
            state = msgspec.structs.replace(state, unshown=unshown)
        return Publication(state, image.picture, image.heat) if image else Publication(state)

    def snapshot(self) -> Iterator[Publication]:
        """Give every plot's state with its frames."""
        for name, state in self.states.items():
            image = self.shown.get(name)
            yield Publication(state, image.picture, image.heat) if image else Publication(state)

    def stale(self, now: float) -> tuple[int, int]:
        """Count plots.

        Returns:
            How many are too old, and of how many: those that have shown an
            image, are not ignored and do not come from a past run.
        """
        around = self.surroundings(now)
        live = [
            (self.entries[name], image)
            for name, image in self.shown.items()
            if not self.entries[name].ignored and not image.reading.offline
        ]
        return sum(bool(is_stale(entry, image, around)) for entry, image in live), len(live)

    def site(self, now: float) -> SiteState:
        """Give what the status bar shows at a time."""
        newest = max(self.shown.values(), key=lambda image: image.order, default=None)
        stale, shown = self.stale(now)
        silent = producer_is_silent(stale, shown, self._config.keeper.producer_fraction)
        reasons = [self.away] if self.away else []
        if silent:
            reasons.append(f"no new images for {stale} of {shown} plots: the producer is silent")
        run = self.facility_run
        if run < 0 and newest is not None:
            run = newest.reading.run
        return SiteState(
            run=run,
            period=newest.period if newest else "NA",
            run_type=self.run_type,
            beam_current=self.beam_current,
            beam_on=self.beam_on,
            news=self.news,
            last_image_time=newest.image_time if newest else 0.0,
            producer_silent=silent,
            reason="; ".join(reasons)[:4000],
        )


def _alike(state: PlotState, previous: PlotState) -> bool:
    """Compare two states but for the passing of time in the words of a stale one."""
    if state == previous:
        return True
    quiet = {"reason": "", "since": 0.0}
    same = msgspec.structs.replace(state, **quiet) == msgspec.structs.replace(previous, **quiet)
    return same and _kind(state.reason) == _kind(previous.reason)


def _kind(reason: str) -> str:
    """Leave the seconds out of a reason: an age is told anew once a minute."""
    return _SECONDS.sub(r"\1", reason)
