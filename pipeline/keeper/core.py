"""What the parts of the Keeper share."""

import time
from typing import Final

from sqlalchemy import Engine

from pipeline.config import Config
from pipeline.health import Pulse
from pipeline.keeper.board import Board
from pipeline.keeper.catalogue import Plots, read_past, read_plots
from pipeline.keeper.imagestore import ImageStore
from pipeline.keeper.intake import Item
from pipeline.keeper.live import LiveFrames
from pipeline.keeper.publisher import Publisher
from pipeline.keeper.recorder import Outcome, Recorder
from pipeline.keeper.refusals import refuse
from pipeline.keeper.store import Store
from pipeline.keeper.track import Track, past_images
from pipeline.messages import Performance, PlotState, SiteState

FAULT_S: Final = 30.0
"""How long a refused image shows in the Keeper's state; it comes again sooner."""


class Core:
    """Board, record, publisher and pulse of one Keeper.

    Attributes:
        collect: Share of images to keep by plot name; None takes the deployment's.
        run: Period and run on record as going on.
        on_record: What each plot shows according to the record.
        held: Why reports are held back; empty when they are not.
    """

    def __init__(self, config: Config, engine: Engine, publisher: Publisher) -> None:
        """Begin with an empty board.

        Args:
            config: The deployment.
            engine: Its database.
            publisher: Where states go.
        """
        self.config = config
        self.pulse = Pulse("Keeper")
        self.board = Board(config)
        self.store = Store(engine)
        self.publisher = publisher
        self.recorder = Recorder(
            images=ImageStore(config.under_state(config.keeper.images)),
            frames=LiveFrames(config.under_state(config.state_dir) / "live"),
        )
        self.collect: dict[str, float | None] = {}
        self.run: tuple[str, int] | None = None
        self.on_record: dict[str, PlotState] = {}
        self.held = ""
        self.performances: dict[str, Performance] = {}
        self.site = SiteState()
        self.site_told = 0.0
        self._faults: tuple[str, ...] = ()
        self._fault = ""
        self._fault_at = 0.0

    @property
    def away(self) -> str:
        """Say why nothing can be recorded now; empty when all is well."""
        return self.store.away or self.held

    @property
    def loaded(self) -> bool:
        """Whether the catalogue has been read."""
        return self.board.serial > 0

    async def load(self) -> None:
        """Read the catalogue and what was on show before.

        Raises:
            WrongRevision: The database is of another release.
            StoreUnavailable: It does not answer.
        """
        await self.store.open()
        plots = await self.store.read(read_plots)
        threshold = self.config.beam.threshold
        past = await self.store.read(
            lambda session: read_past(session, self.recorder.frames, threshold)
        )
        self._take(plots)
        await self._read_tracks(plots)
        self.board.restore(past.shown, past.states)
        self.board.news = past.news
        self.board.beam_current = past.beam_current
        self.run = past.run
        self.on_record = dict(self.board.states)
        self.board.refresh(time.time())

    async def reload(self) -> None:
        """Read the catalogue again and publish what is different."""
        await self.use(await self.store.read(read_plots))

    async def use(self, plots: Plots) -> None:
        """Take a catalogue that was read, judge by it and publish what is different."""
        await self._read_tracks(plots)
        changed = self._take(plots)
        if changed:
            await self.publisher.tell(self.board.catalogue())
        await self.republish()

    async def _read_tracks(self, plots: Plots) -> None:
        """Read the past of plots that are to be judged over time from now on."""
        missing = self.board.untracked(plots.entries)
        if not missing:
            return
        threshold = self.config.beam.threshold
        past = await self.store.read(
            lambda session: {
                name: past_images(session, key, threshold) for name, key in missing.items()
            }
        )
        for name, images in past.items():
            track = self.board.tracks[name] = Track(images)
            if (on_show := self.board.shown.get(name)) is not None:
                track.add(on_show)

    async def republish(self) -> None:
        """Judge everything on show again and publish what is different."""
        self.board.away = self.away
        await self.publisher.show(self.board.refresh(time.time()))

    async def tell_site(self) -> None:
        """Publish what the status bar shows."""
        self.site = self.board.site(time.time())
        self.site_told = time.monotonic()
        await self.publisher.tell(self.site)

    def note(self, item: Item, outcome: Outcome) -> None:
        """Note what became of an image, and count it in the gauges."""
        if outcome.state is not None:
            self.on_record[item.entry.name] = outcome.state
        gauges = self.pulse.gauges
        gauges[outcome.word.capitalize()] = gauges.get(outcome.word.capitalize(), 0.0) + 1
        for name, happened in (("Kept", outcome.kept), ("Late", item.late)):
            if happened and outcome.word != "known":
                gauges[name] = gauges.get(name, 0.0) + 1
        if outcome.image.note and outcome.word != "known":
            refuse(self.pulse, "NotKept", outcome.image.note)

    def fault(self, text: str) -> None:
        """Show a fault that nothing heals by itself for a while."""
        self._fault = text
        self._fault_at = time.monotonic()

    def show_health(self) -> None:
        """Put the state of the Keeper into its heartbeat."""
        if time.monotonic() - self._fault_at > FAULT_S:
            self._fault = ""
        reasons = [text for text in (self.away, self._fault, *self._faults) if text]
        if not self.loaded:
            reasons = reasons or ["the catalogue is not read yet"]
        self.pulse.state = "Degraded" if reasons else "Running"
        self.pulse.reason = "; ".join(reasons)[:4000]
        now = time.time()
        stale, shown = self.board.stale(now)
        silent = self.board.site(now).producer_silent
        self.pulse.gauges |= {
            "Stale": float(stale),
            "Plots": float(len(self.board.entries)),
            "Shown": float(shown),
            "Producer": 0.0 if silent else 1.0,
        }

    def _take(self, plots: Plots) -> bool:
        self.collect.clear()
        self.collect.update(plots.collect)
        self._faults = plots.faults
        self.board.run_type = plots.run_type
        return self.board.replace(plots.entries, time.time())
