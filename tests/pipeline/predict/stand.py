"""A stand for Balancer and Predict: real processes between a Feeder and a Keeper of the test."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tomli_w
import zmq

from pipeline.config import load
from pipeline.messages import (
    Accepted,
    Catalogue,
    Heartbeat,
    ModelRef,
    Order,
    PlotEntry,
    Report,
    SnapshotRequest,
    decode,
    encode,
)
from pipeline.vision.card import read_card

PATIENCE_S = 30.0
RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)
TRIGGER = (255, 0, 0)


class Stand:
    """Sockets of a Feeder, a Keeper and an IOC, and the processes between them."""

    def __init__(self, **tables):
        self.folder = Path(tempfile.mkdtemp(prefix="hy"))
        self.file = self.folder / "c.toml"
        self.file.write_text(tomli_w.dumps({"state_dir": "v", **tables}))
        self.config = load(self.file)
        self.store = self.config.under_state(self.config.predict.models)
        self.store.mkdir(parents=True)
        self.config.socket_folder().mkdir(parents=True)
        self._context = zmq.Context()
        self._log = (self.folder / "log").open("wb")
        self.feeder = self._socket(zmq.DEALER, "orders", bind=False)
        self.pull = self._socket(zmq.PULL, "reports")
        self.states = self._socket(zmq.PUB, "states")
        self.commands = self._socket(zmq.ROUTER, "commands")
        self.health = self._socket(zmq.SUB, "health_ioc")
        self.health.subscribe(b"")
        self.processes = {}
        self.plots = {}
        self.serial = 0
        self.orders = {}
        self.reports = []
        self.frames = []
        self.arrivals = []
        self.beats = {}
        self._numbers = itertools.count(1)

    def _socket(self, kind, name, *, bind=True):
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.rcvhwm = self.config.sockets.high_water
        (socket.bind if bind else socket.connect)(self.config.endpoint(name))
        return socket

    def dealer(self, name):
        """One more DEALER of the test."""
        return self._socket(zmq.DEALER, name, bind=False)

    # Processes

    def start(self, *arguments, code=None):
        """Start a subcommand, or Python code that gets the same arguments."""
        code = code or "from hydra_ioc.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "--config", str(self.file), *arguments],
            stdout=self._log,
            stderr=self._log,
        )
        self.processes[arguments] = process
        return process

    def start_worker(self, instance, code=None):
        return self.start("predict", "--instance", str(instance), code=code)

    def log(self):
        return (self.folder / "log").read_text()

    def close(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._context.destroy(0)
        self._log.close()
        shutil.rmtree(self.folder)

    # The Keeper's side

    def plot(self, name, digest=None):
        """Put a plot into the catalogue."""
        model = None
        if digest is not None:
            card = read_card(self.store / digest)
            model = ModelRef(
                model_id=1,
                digest=digest,
                input_shape=card.input_shape,
                preprocessing=card.preprocessing,
                labels=card.labels,
            )
        self.plots[name] = PlotEntry(plot_type_id=len(self.plots) + 1, name=name, model=model)
        return self.plots[name]

    def catalogue(self):
        self.serial += 1
        return encode(Catalogue(serial=self.serial, plots=tuple(self.plots.values())))

    def publish(self):
        self.states.send_multipart([b"catalogue", *self.catalogue()])

    # The Feeder's side

    def order(self, plot, colour=RED, image_time=None, picture=b"jpeg", tensor=None, **fields):
        """Make an order for a plain image in a colour."""
        number = next(self._numbers)
        entry = self.plots[plot]
        if tensor is None:
            tensor = b""
            if entry.model is not None:
                tensor = np.full(entry.model.input_shape, colour, np.uint8).tobytes()
        order = Order(
            order_id=f"order-{number}",
            plot=entry,
            run=1,
            period="NA",
            chunk=number,
            image_time=float(number) if image_time is None else image_time,
            closed_time=time.time(),
            sha256="0" * 64,
            path=f"/input/{plot}_{number:04d}.png",
            **fields,
        )
        self.orders[order.order_id] = (order, tensor, picture)
        return order

    def send(self, *orders):
        for order in orders:
            _, tensor, picture = self.orders[order.order_id]
            self.feeder.send_multipart(encode(order, [tensor, picture]))

    def resend_missing(self):
        seen = {report.order.order_id for report in self.reports}
        self.send(*(order for key, (order, _, _) in self.orders.items() if key not in seen))

    # Waiting

    def pump(self, seconds=0.05):
        poller = zmq.Poller()
        for socket in (self.pull, self.commands, self.health):
            poller.register(socket, zmq.POLLIN)
        ready = dict(poller.poll(seconds * 1000))
        if self.pull in ready:
            message, frames = decode(self.pull.recv_multipart())
            assert isinstance(message, Report)
            self.reports.append(message)
            self.frames.append(frames)
            self.arrivals.append(time.monotonic())
        if self.health in ready:
            message, _ = decode(self.health.recv_multipart())
            assert isinstance(message, Heartbeat)
            self.beats[f"{message.stage}{message.instance}"] = message
        if self.commands in ready:
            peer, request, *parts = self.commands.recv_multipart()
            message, _ = decode(parts)
            assert isinstance(message, SnapshotRequest)
            self.commands.send_multipart([peer, request, *self.catalogue()])
            self.commands.send_multipart([peer, request, *encode(Accepted())])

    def wait(self, condition, what="the condition", patience_s=PATIENCE_S):
        end = time.monotonic() + patience_s
        while not condition():
            self.pump()
            if time.monotonic() > end:
                beats = {name: (beat.state, beat.reason) for name, beat in self.beats.items()}
                raise AssertionError(f"waited in vain for {what}; {beats}\n{self.log()[-3000:]}")

    def wait_workers(self, count):
        self.wait(lambda: self.gauge("Workers") == count, f"{count} registered workers")

    def wait_reports(self, count, patience_s=PATIENCE_S):
        self.wait(lambda: len(self.reports) >= count, f"{count} reports", patience_s)

    def wait_all_reported(self, patience_s=PATIENCE_S):
        self.wait(
            lambda: {report.order.order_id for report in self.reports} >= set(self.orders),
            "a report of every order",
            patience_s,
        )

    def beat(self, name="Balancer0"):
        return self.beats.get(name)

    def gauge(self, gauge, name="Balancer0"):
        beat = self.beats.get(name)
        gauges = {one.name: one.value for one in beat.gauges} if beat else {}
        return gauges.get(gauge)

    def state(self, name="Balancer0"):
        """State and reason of a process, as far as heard."""
        beat = self.beats.get(name)
        return f"{beat.state}: {beat.reason}" if beat else ""

    def ids(self):
        """Names of the reported orders, in order of arrival."""
        return [report.order.order_id for report in self.reports]

    def report_of(self, order):
        return next(one for one in self.reports if one.order.order_id == order.order_id)

    def kill(self, process, number=signal.SIGKILL):
        os.kill(process.pid, number)
