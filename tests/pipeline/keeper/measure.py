"""Measures a Keeper in a process of its own, on SQLite.

``python -m tests.pipeline.keeper.measure`` prints reports per second with their
commits, what one costs in CPU time, and the time from a report to its state,
one report after the other. With a number behind it, at most so many reports
share a transaction.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.pipeline.keeper.deployment import (
    BAD,
    JPEG,
    Client,
    build,
    client_of,
    entries,
    make_config,
    make_report,
)

PLOTS = [f"Plot_{number}" for number in range(14)]
BURST = 2000
SINGLES = 200
PAUSE_S = 0.05
PICTURE = JPEG * 4000
"""About 80 kB, as a picture of 800 pixels width has."""
PROGRAM = """
import sys
import pipeline.keeper.receiver as receiver
receiver.BATCH = int(sys.argv.pop(1)) or receiver.BATCH
from hydra_ioc.cli import main
main()
"""


async def measure(
    client: Client, process: psutil.Process, bad_every: int, first: int
) -> dict[str, float]:
    plots = list(entries(client.config).values())

    def parts(index: int) -> list[bytes | memoryview]:
        weights = BAD if bad_every and index % bad_every == 0 else None
        made = make_report(client.config, plots[index % 14], first + index // 14, weights=weights)
        return [*made[:3], PICTURE]

    reports = [parts(index) for index in range(BURST)]
    done = len(client.done)
    used = sum(process.cpu_times()[:2])
    begun = time.perf_counter()
    for report in reports:
        await client.send(report)
    await client.until(lambda: len(client.done) == done + BURST, "done")
    burst_s = time.perf_counter() - begun
    used = sum(process.cpu_times()[:2]) - used
    times = []
    for index in range(BURST, BURST + SINGLES):
        report, states = parts(index), len(client.states)
        begun = time.perf_counter()
        await client.send(report)
        await client.until(lambda n=states: len(client.states) > n, "a state")
        times.append((time.perf_counter() - begun) * 1e3)
        await asyncio.sleep(PAUSE_S)
    times.sort()
    return {
        "bad_share": 1 / bad_every if bad_every else 0.0,
        "reports_per_s": round(BURST / burst_s, 1),
        "cpu_ms_per_report": round(used / BURST * 1e3, 3),
        "report_to_state_p50_ms": round(statistics.median(times), 2),
        "report_to_state_p99_ms": round(times[int(0.99 * len(times))], 2),
    }


async def main(batch: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    config = make_config(folder)
    build(config, PLOTS)
    (folder / "hydra.toml").write_text('state_dir = "."\n[keeper]\ncollect_fraction = 0.01\n')
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM,
            str(batch),
            "--config",
            str(folder / "hydra.toml"),
            "keeper",
        ],
        stderr=subprocess.DEVNULL,
        env=os.environ,
    )
    try:
        async with client_of(config) as client:
            await client.join()
            for number, bad_every in enumerate((0, 10)):
                print(
                    json.dumps(
                        await measure(client, psutil.Process(process.pid), bad_every, number * 1000)
                    ),
                    flush=True,
                )
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
