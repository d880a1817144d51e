"""An IOC in a process of its own, a fake Keeper in a thread, clients in processes."""

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from p4p.client.thread import Context

from hydra_ioc.bench.stand import free_ports
from pipeline.config import Config, load
from pipeline.messages import Catalogue
from tests.ioc.fake_keeper import FakeKeeper, make_catalogue

HYDRA = Path(sys.executable).with_name("hydra-ioc")
PATIENCE_S = 20.0


def wait_until(condition: Callable[[], Any], what: str, timeout: float = PATIENCE_S) -> Any:
    """Wait for a condition, give what it gives."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.02)
    return result


def write_config(folder: Path, **tables: dict[str, object]) -> Path:
    """Write the TOML file of a deployment on ports of its own."""
    import tomli_w

    ca_port, pva_port = free_ports(2)
    ioc = {"ca_port": ca_port, "pva_port": pva_port, "silence_s": 2.0, **tables.pop("ioc", {})}
    sockets = {"timeout_s": 2.0, **tables.pop("sockets", {})}
    path = folder / "deployment.toml"
    values = {"prefix": "T:", "state_dir": str(folder / "var"), "ioc": ioc, "sockets": sockets}
    path.write_text(tomli_w.dumps({**values, **tables}))
    return path


class KeeperThread:
    """A fake Keeper that runs in a thread and takes calls from the test."""

    def __init__(self, config: Config, catalogue: Catalogue) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self.fake: FakeKeeper = self.call(self._make(config, catalogue))
        self.start("commands", self.fake.answer_commands())
        for pulse in self.fake.pulses:
            name = f"{pulse.stage}{pulse.instance}"
            self.start(name, pulse.run(self.fake.context, config))

    async def _make(self, config: Config, catalogue: Catalogue) -> FakeKeeper:
        return FakeKeeper(config, catalogue)

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the Keeper's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    def start(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run something until it is stopped."""

        async def begin() -> None:
            self._tasks[name] = asyncio.ensure_future(coroutine)

        self.call(begin())

    def stop(self, name: str) -> None:
        """Stop a part: ``commands`` or the heartbeat of a stage such as ``Feeder0``."""

        async def end() -> None:
            task = self._tasks.pop(name)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.call(end())

    def beat(self, stage: str, instance: int = 0) -> None:
        """Let a stage's heart beat again."""
        pulse = next(
            one for one in self.fake.pulses if (one.stage, one.instance) == (stage, instance)
        )
        self.start(f"{stage}{instance}", pulse.run(self.fake.context, self.fake.config))

    def show_image(self, plot: str, weights: dict[str, float], **more: Any) -> Any:
        """Judge an image and publish its state."""
        return self.call(self.fake.show_image(plot, weights, **more))

    def close(self) -> None:
        """End it as a Keeper that is killed."""
        for name in list(self._tasks):
            self.stop(name)

        async def end() -> None:
            self.fake.close()

        self.call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


class IocProcess:
    """``hydra-ioc ioc`` as a process."""

    def __init__(self, config_file: Path, wait: bool = True) -> None:
        self.log = config_file.with_name(f"ioc-{time.monotonic_ns()}.log")
        self._output = self.log.open("w")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [HYDRA, "--config", config_file, "ioc"],
            stdout=subprocess.PIPE,
            stderr=self._output,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.ready_s = self.wait_ready() if wait else 0.0

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def wait_ready(self) -> float:
        """Wait for the ready line, give how long it took."""
        try:
            line = self._lines.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(f"the IOC is not ready: {self.log.read_text()}") from None
        assert line == "hydra-ioc ioc: ready\n"
        return time.monotonic() - self.began

    @property
    def memory_bytes(self) -> int:
        """Resident memory."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def kill(self) -> None:
        """SIGKILL it."""
        self.process.kill()
        self.process.wait()
        self._output.close()

    def stop(self) -> int:
        """SIGTERM it, give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self._output.close()
        return code


class CaClient:
    """libca in a process of its own."""

    def __init__(self, port: int, prefix: str = "T:", **environment: str) -> None:
        self.prefix = prefix
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ioc.ca_agent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={
                **os.environ,
                "EPICS_CA_AUTO_ADDR_LIST": "NO",
                "EPICS_CA_ADDR_LIST": f"127.0.0.1:{port}",
                "EPICS_CA_SERVER_PORT": str(port),
                **environment,
            },
            cwd=Path(__file__).parent.parent.parent,
        )

    def ask(self, op: str, **request: Any) -> dict[str, Any]:
        """Send a request, give the answer."""
        if "pv" in request:
            request["pv"] = self.prefix + request["pv"]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": op, **request}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the client process died"
        return json.loads(line)

    def get(self, pv: str, ftype: int | None = None) -> dict[str, Any]:
        return self.ask("get", pv=pv, ftype=ftype)

    def value(self, pv: str) -> Any:
        return self.get(pv).get("value")

    def put(self, pv: str, value: Any, **more: Any) -> dict[str, Any]:
        return self.ask("put", pv=pv, value=value, **more)

    def subscribe(self, pv: str, mask: int, ftype: int | None = None, count: int = 0) -> int:
        """Subscribe and take the first event, which every subscription gets."""
        key = self.ask("subscribe", pv=pv, mask=mask, ftype=ftype, count=count)["id"]
        assert len(self.events(key, 1)) == 1
        return key

    def events(self, key: int, at_least: int = 0, timeout: float = 10.0) -> list[dict[str, Any]]:
        return self.ask("events", key=key, at_least=at_least, timeout=timeout)["events"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)


class Rig:
    """One deployment's IOC with everything around it."""

    def __init__(self, folder: Path, plots: int = 15, **tables: dict[str, object]) -> None:
        self.config_file = write_config(folder, **tables)
        self.config = load(self.config_file)
        self.catalogue = make_catalogue(plots)
        self.keeper = KeeperThread(self.config, self.catalogue)
        self.ioc = IocProcess(self.config_file)
        self.ca = CaClient(self.config.ioc.ca_port)
        self.pva = self.pva_client()

    def pva_client(self) -> Context:
        """Make a pvAccess client of this IOC."""
        return Context(
            "pva",
            conf={
                "EPICS_PVA_ADDR_LIST": f"127.0.0.1:{self.config.ioc.pva_port + 1}",
                "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            },
            useenv=False,
        )

    def restart_ioc(self) -> None:
        """Kill the IOC and start it again."""
        self.ioc.kill()
        self.ioc = IocProcess(self.config_file)

    def close(self) -> None:
        self.pva.close()
        self.ca.close()
        self.ioc.stop()
        self.keeper.close()
