"""A Channel Access client in a process of its own: libca, driven over a pipe.

libca reads its environment once a process, so tests that talk to several IOCs
need several processes. One JSON object a line in, one out.
"""

import ctypes
import json
import sys
import threading
import time
from typing import Any

import epics
from epics import ca, dbr

STSACK_STRING = 37
PUT_ACKT = 35
PUT_ACKS = 36
ECA_NORMAL = 1


class Stsack(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_short),
        ("severity", ctypes.c_short),
        ("ackt", ctypes.c_ushort),
        ("acks", ctypes.c_ushort),
        ("value", ctypes.c_char * 40),
    ]


class ExceptionArgs(ctypes.Structure):
    _fields_ = [
        ("usr", ctypes.c_void_p),
        ("chid", ctypes.c_long),
        ("type", ctypes.c_long),
        ("count", ctypes.c_long),
        ("addr", ctypes.c_void_p),
        ("stat", ctypes.c_long),
        ("op", ctypes.c_long),
        ("ctx", ctypes.c_char_p),
        ("file", ctypes.c_char_p),
        ("line", ctypes.c_uint),
    ]


class EventArgs(ctypes.Structure):
    _fields_ = [
        ("usr", ctypes.c_void_p),
        ("chid", ctypes.c_long),
        ("type", ctypes.c_long),
        ("count", ctypes.c_long),
        ("raw_dbr", ctypes.c_void_p),
        ("status", ctypes.c_int),
    ]


EXCEPTIONS: list[dict[str, Any]] = []
EVENTS: dict[int, list[dict[str, Any]]] = {}
KEPT: list[Any] = []
PUTS: dict[int, int] = {}
LOCK = threading.Lock()


@ctypes.CFUNCTYPE(None, ExceptionArgs)
def on_exception(args):
    with LOCK:
        EXCEPTIONS.append({"status": args.stat & 0xFFFF, "text": (args.ctx or b"").decode()})


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, ctypes.Array):
        return [plain(one) for one in value]
    return value


def decode(ftype: int, count: int, address: int) -> dict[str, Any]:
    if ftype == STSACK_STRING:
        got = ctypes.cast(address, ctypes.POINTER(Stsack)).contents
        return {name: plain(getattr(got, name)) for name, _ in Stsack._fields_}

    class Args:
        pass

    args = Args()
    args.type, args.count, args.raw_dbr = ftype, count, address
    meta, values = dbr.cast_args(args)
    raw = [plain(getattr(one, "value", one)) for one in values]
    if ftype % 7 == dbr.CHAR and count > 1:
        raw = [bytes(one & 0xFF for one in raw).split(b"\0", 1)[0].decode()]
    result: dict[str, Any] = {"value": raw[0] if len(raw) == 1 else raw, "count": count}
    for name in dir(meta) if meta is not None else ():
        if name.startswith("_") or name in ("value", "pad", "risc_pad", "stamp"):
            continue
        content = getattr(meta, name)
        if name == "strs":
            result["choices"] = [plain(one.value) for one in content][: meta.no_str]
        elif isinstance(content, int | float | bytes):
            result[name] = plain(content)
    if hasattr(meta, "stamp"):
        result["seconds"] = meta.stamp.secs + 631_152_000
        result["nanoseconds"] = meta.stamp.nsec
    return result


@ctypes.CFUNCTYPE(None, EventArgs)
def on_event(args):
    if args.status != ECA_NORMAL:
        return
    with LOCK:
        one = decode(args.type, args.count, args.raw_dbr)
        one["received"] = time.time()
        EVENTS[int(args.usr)].append(one)


@ctypes.CFUNCTYPE(None, EventArgs)
def on_put(args):
    with LOCK:
        PUTS[int(args.usr)] = args.status & 0xFFFF


def create(pv: str) -> ctypes.c_long:
    """Create a channel; pyepics would give a cleared one again."""
    chid = ctypes.c_long()
    ca.libca.ca_create_channel(pv.encode(), None, None, 0, ctypes.byref(chid))
    return chid


class Agent:
    """Carries out the requests."""

    def __init__(self) -> None:
        ca.initialize_libca()
        ca.libca.ca_add_exception_event(on_exception, None)
        self.channels: dict[str, ctypes.c_long] = {}
        self.next = 1

    def channel(self, pv: str, timeout: float = 10.0) -> Any:
        if pv not in self.channels:
            self.channels[pv] = create(pv)
        chid = self.channels[pv]
        deadline = time.monotonic() + timeout
        while ca.libca.ca_state(chid) != dbr.CS_CONN and time.monotonic() < deadline:
            ca.poll(evt=0.002, iot=0.02)
        return chid

    def connect(self, pv: str, timeout: float = 10.0) -> dict[str, Any]:
        chid = self.channel(pv, timeout)
        connected = ca.libca.ca_state(chid) == dbr.CS_CONN
        if not connected:
            return {"connected": False}
        return {
            "connected": True,
            "type": ca.libca.ca_field_type(chid),
            "count": ca.libca.ca_element_count(chid),
            "read": bool(ca.libca.ca_read_access(chid)),
            "write": bool(ca.libca.ca_write_access(chid)),
        }

    def connect_all(self, pvs: list[str], timeout: float = 20.0) -> dict[str, Any]:
        begin = time.monotonic()
        for pv in pvs:
            if pv not in self.channels:
                self.channels[pv] = create(pv)
        ca.flush_io()
        deadline = begin + timeout
        waiting = set(pvs)
        while waiting and time.monotonic() < deadline:
            ca.poll(evt=0.005, iot=0.02)
            waiting = {pv for pv in waiting if ca.libca.ca_state(self.channels[pv]) != dbr.CS_CONN}
        return {"missing": sorted(waiting), "seconds": time.monotonic() - begin}

    def get(self, pv: str, ftype: int | None = None, timeout: float = 5.0) -> dict[str, Any]:
        chid = self.channel(pv)
        ftype = ca.libca.ca_field_type(chid) + dbr.TIME_STRING if ftype is None else ftype
        key = self._new()
        failed = len(EXCEPTIONS)
        ca.libca.ca_array_get_callback(ftype, 0, chid, on_event, ctypes.c_void_p(key))
        ca.flush_io()
        deadline = time.monotonic() + timeout
        while not EVENTS[key] and time.monotonic() < deadline:
            ca.poll(evt=0.001, iot=0.01)
            if len(EXCEPTIONS) > failed and not EVENTS[key]:
                return {"error": EXCEPTIONS[-1]}
        return EVENTS.pop(key)[0] if EVENTS[key] else {"error": {"text": "timeout"}}

    def put(
        self,
        pv: str,
        value: Any,
        ftype: int | None = None,
        wait: bool = False,
        timeout: float = 10.0,
    ) -> dict[str, Any]:
        """Put; the answer holds the status of a waiting put and the exceptions heard."""
        chid = self.channel(pv)
        ftype = ca.libca.ca_field_type(chid) if ftype is None else ftype
        count, data = self._data(ftype, value)
        failed = len(EXCEPTIONS)
        if not wait:
            status = ca.libca.ca_array_put(ftype, count, chid, data)
            ca.flush_io()
            # What caput does: read back, then leave.
            self.get(pv)
            return {"status": status & 0xFFFF, "exceptions": EXCEPTIONS[failed:]}
        key = self._new()
        status = ca.libca.ca_array_put_callback(
            ftype, count, chid, data, on_put, ctypes.c_void_p(key)
        )
        if status != ECA_NORMAL:
            return {"status": status & 0xFFFF, "exceptions": EXCEPTIONS[failed:]}
        begin = time.monotonic()
        while key not in PUTS and time.monotonic() < begin + timeout:
            ca.poll(evt=0.001, iot=0.01)
        return {
            "status": PUTS.get(key),
            "exceptions": EXCEPTIONS[failed:],
            "seconds": time.monotonic() - begin,
        }

    def _data(self, ftype: int, value: Any) -> tuple[int, Any]:
        if ftype in (PUT_ACKS, PUT_ACKT):
            return 1, ctypes.byref(ctypes.c_ushort(value))
        native = ftype % 7
        if native == dbr.STRING:
            return 1, ctypes.create_string_buffer(value.encode(), 40)
        if native == dbr.CHAR and isinstance(value, str):
            raw = value.encode() + b"\0"
            return len(raw), ctypes.create_string_buffer(raw, len(raw))
        kinds = {
            dbr.INT: ctypes.c_short,
            dbr.FLOAT: ctypes.c_float,
            dbr.ENUM: ctypes.c_ushort,
            dbr.CHAR: ctypes.c_ubyte,
            dbr.LONG: ctypes.c_int,
            dbr.DOUBLE: ctypes.c_double,
        }
        values = value if isinstance(value, list) else [value]
        return len(values), (kinds[native] * len(values))(*values)

    def subscribe(
        self, pv: str, mask: int, ftype: int | None = None, count: int = 0
    ) -> dict[str, Any]:
        chid = self.channel(pv)
        ftype = ca.libca.ca_field_type(chid) + dbr.TIME_STRING if ftype is None else ftype
        key = self._new()
        event = ctypes.c_void_p()
        ca.libca.ca_create_subscription(
            ftype, count, chid, mask, on_event, ctypes.c_void_p(key), ctypes.byref(event)
        )
        ca.flush_io()
        KEPT.append(event)
        return {"id": key}

    def events(self, key: int, at_least: int = 0, timeout: float = 10.0) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while len(EVENTS[key]) < at_least and time.monotonic() < deadline:
            ca.poll(evt=0.001, iot=0.01)
        ca.poll(evt=0.001, iot=0.01)
        with LOCK:
            got, EVENTS[key] = EVENTS[key], []
        return {"events": got}

    def clear(self, pv: str) -> dict[str, Any]:
        ca.libca.ca_clear_channel(self.channels.pop(pv))
        ca.flush_io()
        return {}

    def _new(self) -> int:
        key, self.next = self.next, self.next + 1
        EVENTS[key] = []
        return key


def main() -> None:
    agent = Agent()
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(agent, request.pop("op"))(**request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    assert epics
    main()
