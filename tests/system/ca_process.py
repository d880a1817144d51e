"""A libca client in a process of its own, driven by JSON lines.

libca reads its environment once per process, and every test has an IOC of its
own: so every test has a client process of its own.
"""

import json
import sys
import time

import epics

channels: dict[str, epics.PV] = {}


def channel(name: str) -> epics.PV:
    if name not in channels:
        channels[name] = epics.PV(name, auto_monitor=True, form="ctrl")
    return channels[name]


def snapshot(name: str) -> dict:
    pv = channel(name)
    if not pv.wait_for_connection(timeout=5) or not pv.connected:
        return {"connected": False}
    value = pv.get(timeout=5)
    text = pv.get(as_string=True, timeout=5)
    if value is None or text is None:
        return {"connected": False}
    fields = pv.get_with_metadata(form="time", timeout=5) or {}
    return {
        "connected": True,
        "value": value.tolist() if hasattr(value, "tolist") else value,
        "text": text,
        "severity": fields.get("severity", pv.severity),
        "status": fields.get("status", pv.status),
        "timestamp": fields.get("timestamp"),
    }


def steady(name: str) -> dict:
    """A server that goes while it is asked is not connected."""
    try:
        return snapshot(name)
    except (epics.ca.ChannelAccessException, epics.ca.ChannelAccessGetFailure) as error:
        return {"connected": False, "error": str(error)}


def put(name: str, value: object) -> dict:
    pv = channel(name)
    if not pv.wait_for_connection(timeout=5):
        return {"ok": False, "error": "not connected"}
    try:
        done = pv.put(value, wait=True, timeout=15)
    except Exception as error:  # noqa: BLE001 - whatever libca raises is the answer
        return {"ok": False, "error": str(error)}
    return {"ok": done == 1, "error": "" if done == 1 else f"put returned {done}"}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        begun = time.monotonic()
        if request["do"] == "get":
            answer = {name: steady(name) for name in request["names"]}
        elif request["do"] == "connect":
            for name in request["names"]:
                channel(name)
            answer = {}
        else:
            answer = put(request["name"], request["value"])
        print(json.dumps({"answer": answer, "took": time.monotonic() - begun}), flush=True)


main()
