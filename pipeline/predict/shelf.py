"""The models of a worker: loading, ready, or bad with a reason."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from pipeline.errors import ModelError
from pipeline.messages import ModelRef
from pipeline.predict.journal import Journal
from pipeline.predict.novelty import Novelties
from pipeline.predict.quarantine import Quarantine
from pipeline.predict.runner import Hung, Runner
from pipeline.vision.serving import ServedModel, load

logger = logging.getLogger(__name__)

RETRY_S: Final = 10.0
"""A model that could not be loaded is tried again after this long."""
RETIRE_S: Final = 60.0
"""A model that the catalogue no longer names is dropped after this long unused."""
LOAD_FACTOR: Final = 12.0
"""Loading and warming may take this many inference time-outs."""


@dataclass(slots=True)
class Place:
    """One model of the shelf; neither model nor fault means that it is loading."""

    model: ServedModel | None = None
    fault: str = ""
    since: float = 0.0
    """When it was last used or found faulty, monotonic time."""


class Shelf:
    """Loads and warms models in a thread of its own, one after the other."""

    def __init__(
        self,
        *,
        store: Path,
        quarantine: Quarantine,
        journal: Journal,
        infer: Runner,
        threads: int,
        timeout_s: float,
        settled: Callable[[str], None],
    ) -> None:
        """Begin empty.

        Args:
            store: The model store.
            quarantine: Models that are set aside.
            journal: Where the model being warmed is noted.
            infer: The thread that will run the models.
            threads: Inference threads.
            timeout_s: Time-out of one inference, seconds.
            settled: Called with a digest when its loading has ended, well or not.
        """
        self._store = store
        self.novelties = Novelties(store)
        self._quarantine = quarantine
        self._journal = journal
        self._infer = infer
        self._threads = threads
        self._timeout_s = timeout_s * LOAD_FACTOR
        self._settled = settled
        self._places: dict[str, Place] = {}
        self._active: frozenset[str] = frozenset()
        self._to_load: asyncio.Queue[str] = asyncio.Queue()
        self._runner = Runner("load")
        self._loading: ServedModel | None = None

    def activate(self, models: Iterable[ModelRef]) -> None:
        """Load what the catalogue names; drop later what it no longer names.

        Args:
            models: The models of all plots.
        """
        self._active = frozenset(model.digest for model in models)
        for digest in sorted(self._active):
            self.find(digest)

    def find(self, digest: str) -> Place:
        """Give the place of a model; starts to load it when it is not there.

        Args:
            digest: The model.
        """
        now = time.monotonic()
        place = self._places.get(digest)
        if place is None or (place.fault and now - place.since > RETRY_S):
            place = self._places[digest] = Place()
            self._to_load.put_nowait(digest)
        elif place.model is not None:
            place.since = now
            if fault := self._quarantine.reason(digest):
                place.model, place.fault = None, fault
        return place

    def spoil(self, digest: str, fault: str) -> None:
        """Set a loaded model aside, for this worker and the others.

        Args:
            digest: The model.
            fault: What it did.
        """
        self._quarantine.add(digest, fault)
        self._places[digest] = Place(fault=fault, since=time.monotonic())

    def faults(self) -> list[str]:
        """Say what is wrong with models that are in use, one line each."""
        return [
            f"model {digest[:12]}: {place.fault}"
            for digest, place in self._places.items()
            if place.fault and digest in self._active
        ]

    def loading(self) -> int:
        """Count the models that are neither ready nor found faulty."""
        return sum(not place.model and not place.fault for place in self._places.values())

    def ready(self) -> int:
        """Count the models that are ready."""
        return sum(place.model is not None for place in self._places.values())

    def tend(self) -> None:
        """Try bad models again that may be mended; drop models out of use.

        Out of use is a model that the catalogue no longer names and that no
        order has asked for lately.
        """
        for digest in self._active:
            self.find(digest)
        before = time.monotonic() - RETIRE_S
        for digest, place in list(self._places.items()):
            if digest not in self._active and (place.model or place.fault) and place.since < before:
                del self._places[digest]
                logger.info("stage=Predict event=retired model=%s", digest)

    async def run(self) -> None:
        """Load models as they are asked for, until cancelled.

        Raises:
            Hung: A model hung while it was warmed and cannot be stopped.
        """
        try:
            while True:
                digest = await self._to_load.get()
                await self._load(digest)
                self._settled(digest)
        finally:
            self._runner.close()

    async def _load(self, digest: str) -> None:
        begun = time.monotonic()
        try:
            if fault := self._quarantine.reason(digest):
                raise ModelError(fault)
            model = await self._runner.call(
                partial(self._load_and_warm, digest), self._timeout_s, self._stop_warming
            )
            # The first pass of a thread is slower again: its memory is new.
            await self._infer.call(model.warm, self._timeout_s, model.stop)
        except ModelError as error:
            logger.error("stage=Predict event=model-refused model=%s reason=%r", digest, str(error))
            self._places[digest] = Place(fault=str(error), since=time.monotonic())
        except Hung as error:
            self.spoil(digest, f"loading {error}")
            if not error.reclaimed:
                raise
        else:
            duration = time.monotonic() - begun
            logger.info("stage=Predict event=loaded model=%s seconds=%.2f", digest, duration)
            self._places[digest] = Place(model=model, since=time.monotonic())

    def _load_and_warm(self, digest: str) -> ServedModel:
        # A model that takes the process down while it is loaded is noted too.
        self._journal.begin("load", digest)
        try:
            model = self._loading = load(self._store / digest, self._threads)
            model.warm()
        finally:
            self._loading = None
            self._journal.end("load")
        return model

    def _stop_warming(self) -> None:
        if self._loading is not None:
            self._loading.stop()
