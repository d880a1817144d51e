"""A Feeder with a Balancer and a Keeper that the test plays itself."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import zmq
import zmq.asyncio

from pipeline.config import Config
from pipeline.feeder.service import Feeder
from pipeline.messages import (
    Accepted,
    Catalogue,
    Done,
    ModelRef,
    Order,
    PlotEntry,
    SnapshotRequest,
    decode,
    encode,
)
from pipeline.sockets import open_socket
from pipeline.stage_socket import StageSocket

PATIENCE_S = 20.0
MODEL = ModelRef(
    model_id=1,
    digest="0" * 64,
    input_shape=(24, 32, 3),
    preprocessing="area-rgb",
    labels=("Good", "Bad"),
)
PLOTS = ("CDC_occupancy", "FTOF_adcOccupancy", "Kinematics-PSEnergy", "RICH_s4")


def plot_png(seed: int = 0, width: int = 64, height: int = 48) -> bytes:
    """A small plot; each seed gives other bytes."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[10:30, 10:50, :3] = np.random.default_rng(seed).integers(0, 255, (20, 40, 3))
    return bytes(cv2.imencode(".png", pixels)[1].data)


def drop(path: Path, data: bytes) -> Path:
    """Write a file as most producers do: open, write, close."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


async def until(true: Callable[[], object], what: str = "") -> None:
    """Wait for a condition, with a time-out that a slow machine can keep."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.01)


class Stand:
    """Balancer and Keeper as the Feeder sees them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.tree = config.under_state(config.input.trees[0])
        self.quarantine = config.under_state(config.input.quarantine)
        self.orders: list[Order] = []
        self.frames: list[tuple[bytes, bytes]] = []
        self.listeners = 0
        self.questions = 0
        self.serial = 1
        self.plots: tuple[PlotEntry, ...] = tuple(
            PlotEntry(plot_type_id=number, name=name, chunked=chunked, model=MODEL)
            for number, (name, chunked) in enumerate((n, c) for n in PLOTS for c in (True, False))
        )
        self.answers_done = True
        self.context = zmq.asyncio.Context()
        self.feeder: Feeder | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._states: StageSocket | None = None

    # The Balancer

    def open_balancer(self) -> None:
        self._begin("balancer", self._balance())

    async def _balance(self) -> None:
        socket = open_socket(self.context, self.config, zmq.ROUTER, bind="orders")
        try:
            while True:
                _, *parts = await socket.recv_multipart()
                message, frames = decode(parts)
                assert isinstance(message, Order)
                self.orders.append(message)
                self.frames.append((bytes(frames[0]), bytes(frames[1])))
                if self.answers_done and self._states is not None:
                    await self.done(message.order_id)
        finally:
            socket.close(0)

    # The Keeper

    def open_keeper(self) -> None:
        # XPUB is PUB that tells who listens: a Done before that would be lost.
        self._states = open_socket(self.context, self.config, zmq.XPUB, bind="states")
        self.listeners = 0
        self._begin("keeper", self._keep())
        self._begin("listeners", self._count_listeners(self._states))

    async def _count_listeners(self, states: StageSocket) -> None:
        while True:
            await states.recv_multipart()
            self.listeners += 1

    async def _keep(self) -> None:
        socket = open_socket(self.context, self.config, zmq.ROUTER, bind="commands")
        try:
            while True:
                client, request, *parts = await socket.recv_multipart()
                message, _ = decode(parts)
                assert isinstance(message, SnapshotRequest)
                self.questions += 1
                for reply in (Catalogue(serial=self.serial, plots=self.plots), Accepted()):
                    await socket.send_multipart([client, request, *encode(reply)])
        finally:
            socket.close(0)
            if self._states is not None:
                self._states.close(0)
                self._states = None

    async def done(self, order_id: str, outcome: str = "recorded") -> None:
        assert self._states is not None
        await self._states.send_multipart(
            [b"done", *encode(Done(order_id=order_id, outcome=outcome))]
        )

    async def publish(self, topic: bytes, *parts: bytes) -> None:
        assert self._states is not None
        await self._states.send_multipart([topic, *parts])

    async def publish_catalogue(self) -> None:
        self.serial += 1
        await self.publish(
            b"catalogue", *map(bytes, encode(Catalogue(serial=self.serial, plots=self.plots)))
        )

    # The Feeder

    def start_feeder(self) -> Feeder:
        context = zmq.asyncio.Context()
        self.feeder = feeder = Feeder(self.config, context)

        async def run() -> None:
            try:
                await feeder.run()
            finally:
                feeder.close()
                context.destroy(linger=0)

        self._begin("feeder", run())
        return feeder

    async def ready(self) -> Feeder:
        """Everything up and the catalogue known."""
        self.open_balancer()
        self.open_keeper()
        feeder = self.start_feeder()
        await until(lambda: feeder.pulse.state in ("Running", "Degraded"))
        await until(lambda: self.listeners >= 2)
        return feeder

    def _begin(self, name: str, work: object) -> None:
        self._tasks[name] = asyncio.ensure_future(work)  # type: ignore[call-overload]

    async def stop(self, name: str) -> None:
        if name == "keeper":
            await self.stop("listeners")
        task = self._tasks.pop(name)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def close(self) -> None:
        for name in ("feeder", "keeper", "balancer"):
            if name in self._tasks:
                await self.stop(name)
        self.context.destroy(linger=0)


@contextlib.asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Stand]:
    stand = Stand(config)
    try:
        yield stand
    finally:
        await stand.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder with a path short enough for ipc sockets."""
    path = Path(tempfile.mkdtemp(prefix="hy"))
    (path / "input").mkdir()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def configure(folder: Path) -> Callable[..., Config]:
    """Make a configuration; keywords go into the table ``input``."""

    def make(**values: object) -> Config:
        quick = {"settle_s": 0.3, "rescan_s": 1.0, "resend_s": 15.0}
        return Config.model_validate(
            {"state_dir": folder, "input": {**quick, **values}, "sockets": {"timeout_s": 2.0}}
        )

    return make
