"""Several Channel Access clients in one process: a libca context each.

Reads PV names from a file, subscribes to all of them in every context, prints
a line when all are connected, and for every line it reads prints as JSON
what it last heard of the PVs that end in one of the given names.
"""

import argparse
import ctypes
import json
import statistics
import sys
import threading
import time
from pathlib import Path

from epics import ca, dbr

from tests.ioc.ca_agent import EventArgs

EPOCH_S = 631_152_000


class TimeHead(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_short),
        ("severity", ctypes.c_short),
        ("seconds", ctypes.c_uint),
        ("nanoseconds", ctypes.c_uint),
    ]


class Client:
    """One context with its own connection."""

    def __init__(self, names: list[str], watched: set[str]) -> None:
        self.names = names
        self.watched = watched
        self.last: dict[str, float] = {}
        self.events = 0
        self.latencies: list[float] = []
        self.connected = threading.Event()
        self.heard: set[str] = set()
        self._on_event = ctypes.CFUNCTYPE(None, EventArgs)(self._take)

    def _take(self, args: EventArgs) -> None:
        self.events += 1
        name = self.names[args.usr - 1]
        self.heard.add(name)
        if name not in self.watched:
            return
        head = ctypes.cast(args.raw_dbr, ctypes.POINTER(TimeHead)).contents
        start = args.raw_dbr + dbr.value_offset[args.type]
        kind = ctypes.c_double if args.type % 7 == dbr.DOUBLE else ctypes.c_int
        self.last[name] = ctypes.cast(start, ctypes.POINTER(kind)).contents.value
        if name.endswith(":Count") and head.seconds:
            now = time.time()
            self.latencies.append(now - head.seconds - EPOCH_S - head.nanoseconds * 1e-9)

    def run(self) -> None:
        """Connect and subscribe; libca calls back in its own threads from then on."""
        ca.libca.ca_context_create(1)
        self.context = ca.libca.ca_current_context()
        channels = []
        for name in self.names:
            chid = ctypes.c_long()
            ca.libca.ca_create_channel(name.encode(), None, None, 0, ctypes.byref(chid))
            channels.append(chid)
        waiting = list(enumerate(channels))
        while waiting:
            ca.libca.ca_pend_event(ctypes.c_double(0.05))
            still = []
            for index, chid in waiting:
                if ca.libca.ca_state(chid) != dbr.CS_CONN:
                    still.append((index, chid))
                    continue
                ftype = ca.libca.ca_field_type(chid) + dbr.TIME_STRING
                event = ctypes.c_void_p()
                ca.libca.ca_create_subscription(
                    ftype,
                    0,
                    chid,
                    5,
                    self._on_event,
                    ctypes.c_void_p(index + 1),
                    ctypes.byref(event),
                )
            waiting = still
            ca.libca.ca_flush_io()
        while len(self.heard) < len(self.names):
            ca.libca.ca_pend_event(ctypes.c_double(0.05))
        self.connected.set()
        threading.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=Path, required=True)
    parser.add_argument("--clients", type=int, required=True)
    chosen = parser.parse_args()
    names = chosen.names.read_text().split()
    watched = {name for name in names if name.endswith((":Count", ":Confidence"))}
    ca.initialize_libca()
    ca.libca.ca_current_context.restype = ctypes.c_void_p
    clients = [Client(names, watched) for _ in range(chosen.clients)]
    for client in clients:
        threading.Thread(target=client.run, daemon=True).start()
    for client in clients:
        client.connected.wait()
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    for line in sys.stdin:
        if line.strip() == "forget":
            for client in clients:
                client.latencies.clear()
        latencies = sorted(one for client in clients for one in client.latencies)
        answer = {
            "last": [client.last for client in clients],
            "events": sum(client.events for client in clients),
            "p50_s": statistics.median(latencies) if latencies else 0.0,
            "p99_s": latencies[int(len(latencies) * 0.99)] if latencies else 0.0,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
