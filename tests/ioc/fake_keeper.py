"""A Keeper for tests of the IOC and the screens: real sockets, invented plots.

Run it with ``python -m tests.ioc.fake_keeper --config FILE``: 15 plots whose
classes, weights, pictures and heat maps change, and heartbeats of all stages.
"""

import argparse
import asyncio
import contextlib
import io
import random
import time
from pathlib import Path

import msgspec
import numpy as np
import zmq
import zmq.asyncio
from PIL import Image, ImageDraw

from pipeline.alarm import Severity, Status
from pipeline.config import Config, load
from pipeline.errors import MessageError
from pipeline.health import Pulse
from pipeline.messages import (
    Accepted,
    Catalogue,
    LabelPolicy,
    ModelRef,
    PlotEntry,
    PlotState,
    PutRefused,
    ReferencePicture,
    Refused,
    SetConditions,
    SetIgnore,
    SetNews,
    SetRunType,
    SetThreshold,
    SiteState,
    SnapshotRequest,
    decode,
    encode,
)
from pipeline.sockets import open_socket

NAMES = (
    ("BCAL_occupancy", "BCAL"),
    ("BCAL_hit_rate", "BCAL"),
    ("BCAL_timing", "BCAL"),
    ("CDC_occupancy", "CDC"),
    ("CDC_efficiency", "CDC"),
    ("FCAL_occupancy", "FCAL"),
    ("FCAL_hit_rate", "FCAL"),
    ("FDC_occupancy", "FDC"),
    ("FDC_timing", "FDC"),
    ("TOF_occupancy", "TOF"),
    ("TOF_matching", "TOF"),
    ("ST_occupancy", "ST"),
    ("PS_hit_rate", "PS"),
    ("TAGH_occupancy", "TAGGER"),
    ("TAGM_occupancy", "TAGGER"),
)
LABELS = (
    LabelPolicy(name="Good", colour="#2e8b57"),
    LabelPolicy(name="Bad", colour="#c0392b", confirmed=Severity.MAJOR, unconfirmed=Severity.MINOR),
    LabelPolicy(
        name="NoData", colour="#8d6e63", confirmed=Severity.MINOR, unconfirmed=Severity.MINOR
    ),
    LabelPolicy(name="Cosmic", colour="#00bcd4"),
    LabelPolicy(name="LED", colour="#8e44ad"),
)


def make_entry(number: int, name: str, group: str, *, model: bool = True) -> PlotEntry:
    """Invent a plot of the catalogue."""
    labels = tuple(label.name for label in LABELS)
    reference = ModelRef(
        model_id=1,
        digest="a" * 64,
        input_shape=(200, 200, 3),
        preprocessing="area-rgb",
        labels=labels,
    )
    return PlotEntry(
        plot_type_id=number,
        name=name,
        description=f"{name.replace('_', ' ')} of the {group} detector",
        contact=f"{group} expert, phone 5123",
        group=group,
        guidance=f"Check the high voltage of {group}.\nThen call the expert.",
        cadence_s=10.0,
        labels=LABELS,
        thresholds=dict.fromkeys(labels, 0.7),
        model=reference if model else None,
    )


def make_catalogue(count: int = len(NAMES)) -> Catalogue:
    """Invent a catalogue."""
    named = [
        NAMES[number] if number < len(NAMES) else (f"Plot_{number:03d}", f"Group{number % 10}")
        for number in range(count)
    ]
    entries = [make_entry(number + 1, name, group) for number, (name, group) in enumerate(named)]
    return Catalogue(serial=1, plots=tuple(entries))


def nothing(entry: PlotEntry) -> PlotState:
    """Give the state of a plot without any image."""
    return PlotState(
        plot=entry.name,
        label="Nothing",
        confidence=0.0,
        confirmed=False,
        weights={},
        thresholds=dict(entry.thresholds),
        run=-1,
        chunk=0,
        period="NA",
        image_time=0.0,
        closed_time=0.0,
        model="",
        reason="no image yet",
        image_file="",
        severity=Severity.INVALID,
        status=Status.UDF,
        count=0,
    )


def judge(entry: PlotEntry, state: PlotState) -> PlotState:
    """Make verdict, severity and reason of a state's weights and thresholds."""
    label = max(state.weights, key=lambda name: state.weights[name])
    weight, threshold = state.weights[label], state.thresholds[label]
    policy = next(one for one in entry.labels if one.name == label)
    confirmed = weight >= threshold
    severity = policy.confirmed if confirmed else policy.unconfirmed
    relation = "reaches" if confirmed else "is below"
    return msgspec.structs.replace(
        state,
        label=label,
        confidence=weight,
        confirmed=confirmed,
        severity=Severity.NO_ALARM if entry.ignored else severity,
        status=Status.STATE if severity and not entry.ignored else Status.NO_ALARM,
        reason=f"{label} {weight:.3f} {relation} its threshold {threshold:.3f}",
    )


def draw(name: str, label: str, count: int) -> tuple[bytes, bytes, tuple[int, int]]:
    """Draw a picture and a heat map."""
    image = Image.new("RGB", (400, 300), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((30, 30, 380, 270), outline="black")
    pen.text((40, 8), f"{name}  {label}  image {count}", fill="black")
    rng = np.random.default_rng(count)
    for x in range(32, 378, 8):
        height = int(120 + 40 * np.sin(x / 30) + rng.normal(0, 8))
        pen.rectangle((x, 270 - height, x + 6, 269), fill="#3050a0")
    if label == "Bad":
        pen.rectangle((200, 100, 240, 269), fill="white")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    heat = np.zeros((12, 16), np.uint8)
    heat[3:8, 7:10] = 255 if label == "Bad" else 80
    return buffer.getvalue(), heat.tobytes(), (12, 16)


class FakeKeeper:
    """Serves ``states`` and ``commands`` like the Keeper does."""

    def __init__(self, config: Config, catalogue: Catalogue) -> None:
        """Bind the sockets."""
        self.config = config
        self.context = zmq.asyncio.Context()
        self.publisher = open_socket(self.context, config, zmq.PUB, bind="states")
        self.router = open_socket(self.context, config, zmq.ROUTER, bind="commands")
        self.entries = {entry.name: entry for entry in catalogue.plots}
        self.serial = catalogue.serial
        self.states = {name: nothing(entry) for name, entry in self.entries.items()}
        self.pictures: dict[str, tuple[bytes, bytes]] = {}
        self.references: list[tuple[ReferencePicture, bytes]] = []
        self.site = SiteState()
        self.received: list[object] = []
        self.refused_puts: list[PutRefused] = []
        self.refuse_with: str | None = None
        self.answer = True
        self.pulses = [Pulse("Keeper"), Pulse("Feeder"), Pulse("Balancer")]
        self.pulses += [Pulse("Predict", number) for number in range(config.predict.workers)]
        for pulse in self.pulses:
            pulse.state = "Running"

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue now."""
        return Catalogue(serial=self.serial, plots=tuple(self.entries.values()))

    async def publish(self, topic: bytes, parts: list[bytes | memoryview]) -> None:
        """Publish one message."""
        await self.publisher.send_multipart([topic, *parts])

    async def show(self, state: PlotState, picture: bytes = b"", heat: bytes = b"") -> None:
        """Keep and publish a plot's state."""
        self.states[state.plot] = state
        if picture:
            self.pictures[state.plot] = (picture, heat)
        await self.publish(b"state", encode(state, [picture, heat]))

    async def show_image(
        self,
        plot: str,
        weights: dict[str, float],
        *,
        image_time: float | None = None,
        drawn: bool = True,
    ) -> PlotState:
        """Judge a new image of a plot and publish its state."""
        entry, old = self.entries[plot], self.states[plot]
        now = time.time() if image_time is None else image_time
        state = msgspec.structs.replace(
            old,
            weights=weights,
            run=self.site.run,
            chunk=old.count,
            period="RunPeriod-2026-11",
            image_time=now,
            closed_time=now,
            model="demo-1 aaaaaaaa",
            image_file=f"images/aa/{plot}_{old.count:04d}.png",
            count=old.count + 1,
            since=now,
        )
        state = judge(entry, state)
        picture, heat = b"", b""
        if drawn:
            picture, heat, shape = draw(plot, state.label, state.count)
            state = msgspec.structs.replace(state, heat_shape=shape)
        await self.show(state, picture, heat)
        return state

    async def show_site(self, **changes: object) -> None:
        """Publish a change of the status bar."""
        self.site = msgspec.structs.replace(self.site, **changes)
        await self.publish(b"site", encode(self.site))

    async def show_catalogue(self, *entries: PlotEntry) -> None:
        """Publish a catalogue with changed or further plots."""
        for entry in entries:
            self.entries[entry.name] = entry
            self.states.setdefault(entry.name, nothing(entry))
        self.serial += 1
        await self.publish(b"catalogue", encode(self.catalogue))

    async def answer_commands(self) -> None:
        """Answer until cancelled."""
        while True:
            peer, key, *parts = await self.router.recv_multipart()
            try:
                command, _ = decode(parts)
            except MessageError as error:
                reply = encode(Refused(kind="invalid", text=str(error)))
                await self.router.send_multipart([peer, key, *reply])
                continue
            if isinstance(command, PutRefused):
                self.refused_puts.append(command)
                reply = encode(Accepted())
                await self.router.send_multipart([peer, key, *reply])
                continue
            self.received.append(command)
            if not self.answer:
                continue
            if isinstance(command, SnapshotRequest):
                await self._send_snapshot(peer, key)
                reply = encode(Accepted())
            elif self.refuse_with is not None:
                reply = encode(Refused(kind="invalid", text=self.refuse_with))
            else:
                await self._carry_out(command)
                reply = encode(Accepted())
            await self.router.send_multipart([peer, key, *reply])

    async def _send_snapshot(self, peer: bytes, key: bytes) -> None:
        await self.router.send_multipart([peer, key, *encode(self.catalogue)])
        await self.router.send_multipart([peer, key, *encode(self.site)])
        for name, state in self.states.items():
            frames = self.pictures.get(name, (b"", b""))
            await self.router.send_multipart([peer, key, *encode(state, frames)])
        for reference, picture in self.references:
            await self.router.send_multipart([peer, key, *encode(reference, [picture])])

    async def _carry_out(self, command: object) -> None:
        if isinstance(command, SetThreshold) and command.label == "Novelty":
            entry = self.entries[command.plot]
            await self.show_catalogue(msgspec.structs.replace(entry, novel_below=command.value))
        elif isinstance(command, SetThreshold):
            entry, state = self.entries[command.plot], self.states[command.plot]
            thresholds = {**state.thresholds, command.label: command.value}
            self.entries[command.plot] = msgspec.structs.replace(entry, thresholds=thresholds)
            state = msgspec.structs.replace(state, thresholds=thresholds)
            await self.show(judge(entry, state) if state.weights else state)
        elif isinstance(command, SetIgnore):
            entry = msgspec.structs.replace(self.entries[command.plot], ignored=command.ignored)
            await self.show_catalogue(entry)
            state = self.states[command.plot]
            await self.show(judge(entry, state) if state.weights else state)
        elif isinstance(command, SetNews):
            await self.show_site(news=command.text)
        elif isinstance(command, SetRunType):
            await self.show_site(run_type=command.run_type)
        elif isinstance(command, SetConditions):
            current = command.beam_current
            on = None if current is None else current >= self.config.beam.threshold
            await self.show_site(beam_current=current, beam_on=on)

    async def beat(self) -> None:
        """Send the heartbeats of all stages until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for pulse in self.pulses:
                tasks.create_task(pulse.run(self.context, self.config))

    def close(self) -> None:
        """Close the sockets."""
        self.publisher.close(0)
        self.router.close(0)
        self.context.destroy(0)


def invent_weights(kind: str, rng: random.Random) -> dict[str, float]:
    """Invent the weights of an image of a kind, in all about 1."""
    top = rng.uniform(0.55, 0.99)
    rest = [rng.random() for _ in LABELS[1:]]
    share = (1.0 - top) / sum(rest)
    others = iter(rest)
    return {label.name: top if label.name == kind else next(others) * share for label in LABELS}


async def play(keeper: FakeKeeper, period_s: float) -> None:
    """Show a new image of each plot in turn; some go bad for a while."""
    rng = random.Random(1)
    await keeper.show_site(run=131458, beam_current=150.0, beam_on=True)
    bad: dict[str, str] = {}
    while True:
        for name in list(keeper.entries):
            if name in bad and rng.random() < 0.2:
                del bad[name]
            elif rng.random() < 0.05:
                bad[name] = rng.choice(["Bad", "Bad", "NoData", "LED"])
            state = await keeper.show_image(name, invent_weights(bad.get(name, "Good"), rng))
            await keeper.show_site(last_image_time=state.image_time)
            await asyncio.sleep(period_s)


async def main(config: Config, plots: int, period_s: float) -> None:
    """Run until cancelled."""
    keeper = FakeKeeper(config, make_catalogue(plots))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keeper.answer_commands())
            tasks.create_task(keeper.beat())
            tasks.create_task(play(keeper, period_s))
    finally:
        keeper.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--plots", type=int, default=len(NAMES))
    parser.add_argument("--period", type=float, default=0.3, help="seconds between two images")
    chosen = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(load(chosen.config), chosen.plots, chosen.period))
