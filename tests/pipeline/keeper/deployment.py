"""A deployment of the Keeper alone: its database, its sockets, and reports to send."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zmq
import zmq.asyncio
from sqlalchemy import Engine

from db.audit_queries import Actor
from db.catalogue_queries import add_plot
from db.engine import make_engine, reading, writing
from db.model_queries import NewModel, activate_model, register_model
from db.startup import upgrade
from pipeline.config import Config
from pipeline.keeper.catalogue import read_plots
from pipeline.keeper.service import serve
from pipeline.messages import (
    Accepted,
    Catalogue,
    Done,
    Heartbeat,
    Message,
    Order,
    Performance,
    PlotEntry,
    PlotState,
    Refused,
    Report,
    SetConditions,
    SiteState,
    SnapshotRequest,
    Who,
    decode,
    encode,
)
from pipeline.sockets import open_socket
from pipeline.stage_socket import StageSocket

PATIENCE_S = 20.0
WHO = Who(user="ann", host="console", why="test")
LABELS = ("Good", "Bad", "NoData")
BAD = {"Good": 0.02, "Bad": 0.97, "NoData": 0.01}
DOUBT = {"Good": 0.3, "Bad": 0.6, "NoData": 0.1}
MODEL = hashlib.sha256(b"model").hexdigest()
TOPICS = {
    Performance: b"performance",
    PlotState: b"state",
    Done: b"done",
    Catalogue: b"catalogue",
    SiteState: b"site",
}
JPEG = b"\xff\xd8 a picture \xff\xd9"


def make_config(folder: Path, **changes: Any) -> Config:
    """A deployment below a short folder of its own."""
    settings = {"state_dir": folder, "keeper": {"collect_fraction": 0.0}} | changes
    return Config.model_validate(settings)


def build(config: Config, plots: Sequence[str], bare: Sequence[str] = ()) -> None:
    """Make the database and put plots with a model, and some without, into it."""
    upgrade(config.database_url())
    engine = make_engine(config.database_url())
    with writing(engine) as session:
        for name in (*plots, *bare):
            add_plot(session, name, labels=LABELS)
        register(session, plots)
    engine.dispose()


def register(
    session: Any,
    plots: Sequence[str],
    digest: str = MODEL,
    *,
    active: bool = True,
    **changes: Any,
) -> int:
    facts: dict[str, Any] = {
        "digest": digest,
        "name": "test",
        "created_at": 1.0,
        "architecture": "domain-cbam",
        "labels": LABELS,
        "input_shape": (8, 8, 3),
        "preprocessing": "area-rgb",
        "thresholds": {"Good": 0.5, "Bad": 0.65, "NoData": 0.5},
        "threshold_method": "max_f1",
        "training_set": "0" * 64,
        "training_runs": [1],
        "validation_runs": [2],
        "training_counts": {"Good": 1},
        "confusion": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "loss": 0.1,
        "epochs": 1,
        "seed": 1,
        "versions": {"python": "3.11"},
        "plots": plots,
    }
    key = register_model(session, NewModel(**facts | changes), "ann")
    for plot in plots if active else ():
        activate_model(session, Actor("ann", "console"), plot, key)
    return key


def entries(config: Config) -> dict[str, PlotEntry]:
    engine = make_engine(config.database_url())
    with reading(engine) as session:
        found = {entry.name: entry for entry in read_plots(session).entries}
    engine.dispose()
    return found


def make_report(
    config: Config,
    entry: PlotEntry,
    chunk: int,
    *,
    weights: dict[str, float] | None = None,
    run: int = 100,
    image_time: float | None = None,
    error: str = "",
    offline: bool = False,
    source: bool = True,
    value: float | None = None,
    period: str = "RunPeriod-2026-11",
) -> list[bytes | memoryview]:
    """The parts of a report as Predict sends it; its source file is there."""
    data = f"{entry.name} {run} {chunk} {period}".encode()
    sha256 = hashlib.sha256(data).hexdigest()
    path = config.under_state(Path("input")) / f"{entry.name}_{run}_{chunk}.png"
    if source:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    weights = weights if weights is not None else {"Good": 0.9, "Bad": 0.06, "NoData": 0.04}
    judged = entry.model is not None and not error
    order = Order(
        order_id=f"{sha256[:16]}-{chunk}",
        plot=entry,
        run=run,
        period=period,
        chunk=chunk,
        image_time=time.time() if image_time is None else image_time,
        closed_time=time.time(),
        sha256=sha256,
        path=str(path),
        offline=offline,
    )
    report = Report(
        order=order,
        worker="Predict0",
        labels=(entry.model.labels if value is not None and entry.model else tuple(weights))
        if judged
        else (),
        probabilities=tuple(weights.values()) if judged and value is None else (),
        value=value,
        map_shape=(len(weights), 2, 2) if judged and value is None else (0, 0, 0),
        error=error,
    )
    maps = (
        np.arange(len(weights) * 4, dtype=np.float32).tobytes() if judged and value is None else b""
    )
    return encode(report, [maps, b"", JPEG + str(chunk).encode()])


@dataclass
class Client:
    """Everything that surrounds the Keeper, in one."""

    config: Config
    reports: StageSocket
    commands: StageSocket
    sub: StageSocket
    health: StageSocket
    states: list[PlotState] = field(default_factory=list)
    frames: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    catalogues: list[Catalogue] = field(default_factory=list)
    sites: list[SiteState] = field(default_factory=list)
    performances: list[Performance] = field(default_factory=list)
    serial: int = 0
    beats: list[Heartbeat] = field(default_factory=list)

    def gauge(self, name: str) -> float:
        """A gauge of the Keeper's last heartbeat."""
        gauges = self.beats[-1].gauges if self.beats else ()
        return {gauge.name: gauge.value for gauge in gauges}.get(name, 0.0)

    async def listen_to_health(self) -> None:
        while True:
            message, _ = decode(await self.health.recv_multipart())
            assert isinstance(message, Heartbeat)
            self.beats.append(message)

    def last(self, plot: str) -> PlotState | None:
        found = [state for state in self.states if state.plot == plot]
        return found[-1] if found else None

    async def listen(self) -> None:
        while True:
            topic, *parts = await self.sub.recv_multipart()
            message, frames = decode(parts)
            assert topic == TOPICS[type(message)]
            self.take(message, [bytes(frame) for frame in frames])

    def take(self, message: Any, frames: list[bytes]) -> None:
        match message:
            case PlotState():
                self.states.append(message)
                if frames[0]:
                    self.frames[message.plot] = frames[0], frames[1]
            case Done():
                self.done.append(message)
            case Catalogue():
                self.catalogues.append(message)
            case Performance():
                self.performances.append(message)
            case SiteState():
                self.sites.append(message)

    async def join(self) -> None:
        """Know everything, and hear everything from now on."""
        while isinstance((replies := await self.ask_all(SnapshotRequest()))[-1][0], Refused):
            await asyncio.sleep(0.02)
        for message, frames in replies:
            self.take(message, frames)
        current, heard = self.sites[-1].beam_current, len(self.sites)
        while len(self.sites) == heard:
            await self.ask(SetConditions(who=WHO, beam_current=current))
            await asyncio.sleep(0.02)

    async def send(self, parts: Sequence[bytes | memoryview]) -> None:
        await self.reports.send_multipart(list(parts))

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            await asyncio.sleep(0.005)
        return found

    async def shows(self, plot: str, what: Callable[[PlotState], bool]) -> PlotState:
        await self.until(lambda: (s := self.last(plot)) and what(s), f"{plot} {self.last(plot)}")
        state = self.last(plot)
        assert state is not None
        return state

    async def ask_all(self, command: Message) -> list[tuple[Any, list[bytes]]]:
        self.serial += 1
        request = self.serial.to_bytes(4, "big")
        await self.commands.send_multipart([request, *encode(command)])
        replies = []
        while True:
            async with asyncio.timeout(PATIENCE_S):
                echoed, *parts = await self.commands.recv_multipart()
            assert echoed == request
            message, frames = decode(parts)
            replies.append((message, [bytes(frame) for frame in frames]))
            if isinstance(message, Accepted | Refused):
                return replies

    async def ask(self, command: Message) -> Accepted | Refused:
        reply = (await self.ask_all(command))[-1][0]
        assert isinstance(reply, Accepted | Refused)
        return reply


@asynccontextmanager
async def client_of(config: Config) -> AsyncIterator[Client]:
    """The sockets that surround a Keeper, wherever it runs."""
    context = zmq.asyncio.Context()
    sub = open_socket(context, config, zmq.SUB, connect="states")
    sub.subscribe(b"")
    client = Client(
        config,
        open_socket(context, config, zmq.PUSH, connect="reports"),
        open_socket(context, config, zmq.DEALER, connect="commands"),
        sub,
        open_socket(context, config, zmq.SUB, bind="health_ioc"),
    )
    client.health.subscribe(b"")
    listener = asyncio.gather(client.listen(), client.listen_to_health())
    try:
        yield client
    finally:
        listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listener
        context.destroy(0)


@asynccontextmanager
async def running(config: Config, *, ready: bool = True) -> AsyncIterator[Client]:
    """A Keeper in this process, with its surroundings; ready when it published."""
    async with client_of(config) as client:
        task = asyncio.create_task(serve(config))
        try:
            if ready:
                await client.join()
            yield client
        finally:
            task.cancel()
            results = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError), results


def rows(engine: Engine, table: Any) -> list[Any]:
    with reading(engine) as session:
        found = session.query(table).order_by(table.id).all()
        session.expunge_all()
    return found
