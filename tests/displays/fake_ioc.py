"""A small IOC with the PVs of a deployment, driven by JSON lines on standard input.

Run as ``python -m tests.displays.fake_ioc PREFIX PLOTS``; the ports come from the
environment. Prints ``ready`` when it serves. A line such as
``{"plot": "BCAL_occupancy", "label": "Bad", "severity": 2}`` changes PVs; every
line is answered by ``done`` on standard output.
"""

import asyncio
import functools
import io
import json
import logging
import sys
import time
from datetime import datetime

import cv2
import numpy as np
from caproto import (
    AlarmSeverity,
    AlarmStatus,
    ChannelChar,
    ChannelDouble,
    ChannelEnum,
    ChannelInteger,
    ChannelString,
)
from caproto.asyncio.server import Context
from p4p import Value
from p4p.nt import NTNDArray, NTScalar
from p4p.server import Server
from p4p.server.thread import SharedPV
from PIL import Image

LABELS = [
    {"name": "Good", "colour": "#2e8b57", "confirmed": 0},
    {"name": "Bad", "colour": "#d62728", "confirmed": 2},
    {"name": "NoData", "colour": "#8b5a2b", "confirmed": 1},
]
STATES = ("Good", "Bad", "NoData", "NoModel", "Nothing")
GROUPS = ("CDC", "FDC", "BCAL", "FCAL", "TOF", "ST", "PS", "TAGH")
COMPARED = ("CDC_occupancy", "TOF_occupancy")
"""Plots with references."""
ALONE = ("TOF_occupancy",)
"""Plots that nothing else judges."""
GUIDANCE = "Look at the high voltage of the crate; if it is on, call the expert."
KINDS = ("occupancy", "timing", "rate", "hits")


def names(count):
    made = [f"{group}_{kind}" for kind in KINDS for group in GROUPS]
    made += [f"{name}_{more}" for more in (2, 3) for name in made]
    return made[:count]


def iso(stamp):
    return datetime.fromtimestamp(stamp).astimezone().isoformat(timespec="milliseconds")


@functools.cache
def drawing(name, chunk, bad):
    """A picture that looks like a 2-D occupancy of 800x600 with a dead block when bad."""
    seed = np.random.default_rng(abs(hash(name)) % 2**32 + chunk)
    cells = seed.poisson(60, (24, 32)).astype(np.float32)
    cells *= np.linspace(0.6, 1.2, 32)[None, :]
    if bad:
        cells[6:12, 18:25] = 0
    scaled = cv2.resize(np.clip(cells * 2, 0, 255).astype(np.uint8), (640, 440), interpolation=0)
    pixels = np.full((600, 800, 3), 255, np.uint8)
    pixels[80:520, 80:720] = cv2.applyColorMap(scaled, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    cv2.rectangle(pixels, (80, 80), (720, 520), (0, 0, 0), 2)
    title = f"{name}  Run 131458"
    cv2.putText(pixels, title, (90, 55), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2, cv2.LINE_AA)
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "JPEG", quality=85)
    return packed.getvalue()


def heat_of(bad):
    rows, columns = np.mgrid[0:9, 0:12]
    if not bad:
        return np.zeros((9, 12), np.uint8)
    warm = np.exp(-(((rows - 3.7) / 1.4) ** 2) - ((columns - 7.4) / 1.8) ** 2)
    return (warm * 230).astype(np.uint8)


def framed(data, shape=None, stamp=0.0):
    flat = np.frombuffer(data, np.uint8)
    sizes = list(reversed(shape)) if shape else [flat.size]
    return Value(
        NTNDArray.buildType(),
        {
            "value": ("ubyteValue", flat),
            "timeStamp": {"secondsPastEpoch": int(stamp), "nanoseconds": 0},
            "codec": {"name": "" if shape else "jpeg"},
            "dimension": [{"size": size, "fullSize": size, "binning": 1} for size in sizes],
        },
    )


class Changes:
    """Takes puts to MaskChange; refuses those of a mask named ``refuse``."""

    def put(self, shared, operation):
        change = json.loads(operation.value())
        if change["name"] == "refuse":
            operation.done(error="user 'eve' may not write")
            return
        shared.post(json.dumps(change))
        operation.done()


class FakePlot:
    """The PVs of one plot."""

    def __init__(self, prefix, name):
        self.name = name
        self.base = f"{prefix}{name}:"
        self.count = 0
        self.label, self.since = "", ""
        text = {"string_encoding": "utf-8", "max_length": 4000}
        self.channels = {
            "Class": ChannelEnum(value="Nothing", enum_strings=STATES),
            "Class.STAT": ChannelInteger(value=17),
            "Confidence": ChannelDouble(value=0.0),
            "Confirmed": ChannelEnum(value=0, enum_strings=("Unconfirmed", "Confirmed")),
            "GoodMinusBad": ChannelDouble(value=0.0),
            "Count": ChannelInteger(value=0),
            "Age": ChannelDouble(value=0.0),
            "ImageTime": ChannelString(value="", string_encoding="utf-8"),
            "Run": ChannelInteger(value=-1),
            "Chunk": ChannelInteger(value=0),
            "Reason.VAL$": ChannelChar(value="no image yet", **text),
            "Since": ChannelString(value="", string_encoding="utf-8"),
            "Model": ChannelString(value="", string_encoding="utf-8"),
            "ImageFile.VAL$": ChannelChar(value="", **text),
            "Contact.VAL$": ChannelChar(value="B. Expert, +1 757 555 0142", **text),
            "Guidance.VAL$": ChannelChar(value=GUIDANCE, **text),
            "Masks.VAL$": ChannelChar(value="[]", string_encoding="utf-8", max_length=12000),
        }
        self.compared = name in COMPARED
        if self.compared:
            self.channels |= {
                "Similarity": ChannelDouble(value=0.0),
                "Threshold:Similarity": ChannelDouble(value=0.002),
                "References": ChannelString(value="version 2: 6 images", string_encoding="utf-8"),
                "Novelty": ChannelDouble(value=0.0),
                "Threshold:Novelty": ChannelDouble(value=0.01),
            }
            self.reference = SharedPV(initial=framed(drawing(name, 9, False), stamp=1.0))
        for label in LABELS:
            self.channels[f"Weight:{label['name']}"] = ChannelDouble(value=0.0)
            self.channels[f"Threshold:{label['name']}"] = ChannelDouble(value=0.8)
        self.image = SharedPV(initial=framed(b""))
        self.heat = SharedPV(initial=framed(b"", (0, 0)))
        self.change = SharedPV(nt=NTScalar("s"), initial="", handler=Changes())

    async def write(self, name, value, **alarm):
        await self.channels[name].write(value, **alarm)

    async def show(self, order):
        """Show what a line on standard input says; what it leaves out is as for Good."""
        label = order.get("label", "Good")
        severity = order.get("severity", {"Bad": 2, "NoData": 1, "Nothing": 3}.get(label, 0))
        status = order.get("status", 7 if severity else 0)
        confidence = order.get("confidence", 0.973)
        confirmed = order.get("confirmed", confidence >= 0.8)
        stamp = time.time() - order.get("age", 1.0)
        self.count += 1
        judged = label not in ("Nothing", "NoModel")
        await self.write("Count", self.count)
        await self.write("Confidence", confidence if judged else 0.0)
        await self.write("Confirmed", int(confirmed))
        for entry in LABELS:
            rest = (1 - confidence) / 2
            weight = confidence if entry["name"] == label else rest
            await self.write(f"Weight:{entry['name']}", weight)
        await self.write("Run", order.get("run", 131458))
        await self.write("Chunk", order.get("chunk", self.count))
        await self.write("ImageTime", iso(stamp) if label != "Nothing" else "")
        await self.write("Age", float(order.get("age", 1.0)))
        if label != self.label:
            self.label, self.since = label, iso(stamp - order.get("for", 0.0))
        await self.write("Since", self.since)
        await self.write("Model", "small-cbam 3f2a91c0")
        await self.write(
            "Reason.VAL$", order.get("reason", f"{label} with weight {confidence:.3f}")
        )
        await self.write("Masks.VAL$", json.dumps(order.get("masks", [])))
        if self.compared:
            similarity, unlike = order.get("similarity", 0.21), order.get("unlike", 0)
            await self.write("Similarity", similarity, severity=AlarmSeverity(unlike))
            await self.write("Novelty", order.get("novelty", 0.4))
        await self.write("Class.STAT", status)
        await self.write(
            "Class",
            label,
            severity=AlarmSeverity(severity),
            status=AlarmStatus(status),
            verify_value=False,
        )
        if order.get("picture", True) and label != "Nothing":
            bad = label == "Bad"
            self.image.post(framed(drawing(self.name, self.count % 2, bad), stamp=stamp))
            warm = heat_of(bad)
            self.heat.post(framed(warm.tobytes(), warm.shape, stamp))


class FakeIoc:
    """All PVs of the fake deployment."""

    def __init__(self, prefix, count):
        self.prefix = prefix
        self.plots = {name: FakePlot(prefix, name) for name in names(count)}
        text = {"string_encoding": "utf-8"}
        self.own = {
            "Catalogue": ChannelChar(value=self.catalogue(), max_length=400_000, **text),
            "Ioc:Heartbeat": ChannelInteger(value=0),
            "Beam": ChannelEnum(value="On", enum_strings=("Unknown", "Off", "On")),
            "Producer": ChannelEnum(value="Running", enum_strings=("Running", "Silent")),
            "BeamCurrent": ChannelDouble(value=150.2),
            "Run": ChannelInteger(value=131458),
            "LastUpdate": ChannelString(value="", **text),
            "RunType": ChannelString(value="", **text),
            "News.VAL$": ChannelChar(value="", max_length=4000, **text),
        }
        self.channels = {prefix + name: channel for name, channel in self.own.items()}
        self.pictures = {}
        for plot in self.plots.values():
            self.channels.update({plot.base + n: c for n, c in plot.channels.items()})
            self.pictures[f"{plot.base}Image"] = plot.image
            self.pictures[f"{plot.base}Heatmap"] = plot.heat
            self.pictures[f"{plot.base}MaskChange"] = plot.change
            if plot.compared:
                self.pictures[f"{plot.base}Reference"] = plot.reference

    def catalogue(self):
        plots = [
            {
                "name": name,
                "group": name.split("_", maxsplit=1)[0],
                "description": f"{name.replace('_', ' ')} of the last five minutes",
                "cadence_s": 20.0,
                "labels": LABELS,
                "references": name in COMPARED,
                "novelty": name in COMPARED,
                "judged_by_references": name in ALONE,
            }
            for name in self.plots
        ]
        return json.dumps({"serial": 1, "plots": plots})

    async def obey(self, order):
        if order.get("reset"):
            await self.own["Catalogue"].write(self.catalogue())
            await self.own["News.VAL$"].write("")
            await self.own["Producer"].write(0)
        for name, value in order.get("own", {}).items():
            await self.own[name].write(value)
        for plot in self.plots.values():
            if order.get("plot") in (plot.name, "*"):
                await plot.show(order)
                await self.own["LastUpdate"].write(iso(time.time()))

    async def beat(self):
        while True:
            await asyncio.sleep(1.0)
            beat = self.own["Ioc:Heartbeat"]
            await beat.write(int(np.ravel(beat.value)[0]) + 1)

    async def listen(self):
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            await self.obey(json.loads(line))
            print("done", flush=True)

    async def run(self):
        context = Context(self.channels, ["127.0.0.1"])
        server = Server(providers=[self.pictures])
        tasks = [asyncio.create_task(context.run(log_pv_names=False, startup_hook=self.tell))]
        tasks.append(asyncio.create_task(self.beat()))
        try:
            await self.listen()
        finally:
            for task in tasks:
                task.cancel()
            server.stop()

    async def tell(self, _library):
        print("ready", flush=True)


if __name__ == "__main__":
    # Beacons find no CA repeater on a test's own ports; stock caproto logs each.
    logging.getLogger("caproto.ctx").setLevel(logging.CRITICAL)
    asyncio.run(FakeIoc(sys.argv[1], int(sys.argv[2])).run())
