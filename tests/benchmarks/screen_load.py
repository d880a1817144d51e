"""What the Run screen costs: CPU, the longest gap of its event loop, memory.

Run as ``nice python -m tests.benchmarks.screen_load [--plots 92] [--seconds 30]``. A
process of its own serves the PVs; every plot gets a new image of 800 x 600
pixels every three seconds, one after the other. Prints one JSON object.
"""

import argparse
import json
import os
import threading
import time

import psutil

import tests.conftest  # noqa: F401 - sets the environment of EPICS and Qt
from tests.displays.conftest import LiveIoc
from tests.displays.fake_ioc import names

CADENCE_S = 3.0
BAD = 4
"""How many plots are bad all along, with heat maps."""


class Load(threading.Thread):
    """Gives every plot a new image every ``CADENCE_S``."""

    def __init__(self, ioc, plots):
        super().__init__(daemon=True)
        self.ioc = ioc
        self.plots = names(plots)
        self.sent = 0
        self.over = threading.Event()

    def run(self):
        gap = CADENCE_S / len(self.plots)
        began = time.monotonic()
        while not self.over.is_set():
            plot = self.sent % len(self.plots)
            self.ioc.say(plot=self.plots[plot], label="Bad" if plot < BAD else "Good")
            self.sent += 1
            self.over.wait(max(0.0, began + self.sent * gap - time.monotonic()))


def measure(plots, seconds):
    ioc = LiveIoc(0, plots)
    ioc.say(plot="*")
    from pydm import PyDMApplication
    from qtpy.QtCore import QTimer

    application = PyDMApplication(use_main_window=False, command_line_args=["bench"])
    from displays.run import RunScreen

    began = time.monotonic()
    screen = RunScreen(macros={"P": ioc.prefix})
    screen.resize(1920, 1080)
    screen.show()
    while not screen.settled() and time.monotonic() - began < 60:
        application.processEvents()
    settled_s = time.monotonic() - began
    pictures = []
    for card in screen.store.cards.values():
        card.link.picture_changed.connect(pictures.append)
    gaps, last = [], [0.0]

    def tick():
        now = time.monotonic()
        gaps.append(now - last[0])
        last[0] = now

    timer = QTimer()
    timer.timeout.connect(tick)
    process = psutil.Process()
    load = Load(ioc, plots)
    load.start()
    last[0] = began = time.monotonic()
    cpu = sum(process.cpu_times()[:2])
    timer.start(5)
    QTimer.singleShot(round(seconds * 1000), application.quit)
    application.exec_()
    wall = time.monotonic() - began
    used = sum(process.cpu_times()[:2]) - cpu
    load.over.set()
    load.join(20)
    gaps.sort()
    found = {
        "plots": plots,
        "settled_s": round(settled_s, 2),
        "seconds": round(wall, 1),
        "images_sent": load.sent,
        "images_seen": len(pictures),
        "cpu_percent_of_a_core": round(100 * used / wall, 1),
        "gui_gap_worst_ms": round(1000 * gaps[-1], 1),
        "gui_gap_p99_ms": round(1000 * gaps[int(0.99 * len(gaps))], 1),
        "rss_mb": round(process.memory_info().rss / 2**20),
    }
    screen.close()
    ioc.kill()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plots", type=int, default=92)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    print(json.dumps(measure(options.plots, options.seconds)), flush=True)
    # PyDM's threads may outlive Qt: leave without waiting for them.
    os._exit(0)


if __name__ == "__main__":
    main()
