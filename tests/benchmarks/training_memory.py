"""How much memory a training takes: ``python -m tests.benchmarks.training_memory``.

Every training is a ``hydra-ioc train`` in a process of its own, from the call to the
report, in a deployment of its own; its images are drawn first. What it holds is what it and
all processes below it hold together, looked at ten times a second; memory that two of
them share counts twice. The command itself counts with ``ru_maxrss`` if that is more.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PLOT = "CDC_occupancy"
FAULTS = "dead-slot,dead-crate,hot-channel,dead-channel"
LIMIT_GB = 4.0
FEW, MANY = 48, 2000
EVERY = (
    ("domain-pretrained", FEW),
    ("domain-cbam", FEW),
    ("vit-small", FEW),
    ("vgg16-cbam", FEW),
    ("inceptionv3-cbam", FEW),
    ("domain-pretrained", MANY),
    ("domain-cbam", MANY),
    ("vit-small", MANY),
)
COMMAND = (str(Path(sys.executable).with_name("hydra-ioc")),)


class Taken(NamedTuple):
    """What one training took."""

    architecture: str
    images: int
    seconds: float
    processor_s: float
    peak_gb: float
    where: str
    """The line that the training had said last when it held the most."""


def draw(folder: Path, count: int) -> Path:
    """Draw a labelled set, two images a run."""
    target = folder / f"set{count}"
    words = ("demo", "images", str(target), "--plot", PLOT, "--per-plot", str(count))
    call(folder, *words, "--faults", FAULTS, "--share", "0.5")
    rows = [json.loads(line) for line in (target / "truth.jsonl").read_text().splitlines()]
    with (target / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "label", "run"))
        writer.writerows((row["file"], row["label"], 100 + n // 2) for n, row in enumerate(rows))
    return target


def call(folder: Path, *words: str) -> None:
    """Run a command in the deployment of a folder."""
    done = subprocess.run((*COMMAND, "--config", "site.toml", *words), cwd=folder, check=False,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stdout}{done.stderr}")


def measure(folder: Path, data: Path, architecture: str, images: int) -> Taken:
    """Train once, one epoch, and give what it took."""
    words = ("train", PLOT, "--data", str(data), "--architecture", architecture, "--epochs", "1")
    said = folder / "said.log"
    begun, peak, where = time.monotonic(), 0, ""
    with said.open("wb") as log:
        child = subprocess.Popen((*COMMAND, "--config", "site.toml", *words), cwd=folder,
                                 stdout=log, stderr=subprocess.STDOUT)  # fmt: skip
        while True:
            done, status, usage = os.wait4(child.pid, os.WNOHANG)
            if done:
                break
            held = sum(resident(pid) for pid in family(child.pid))
            if held > peak:
                peak, where = held, (said.read_text().split("\n")[-2:] or [""])[0]
            time.sleep(0.1)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{architecture}: {said.read_text()}")
    spent = usage.ru_utime + usage.ru_stime
    kilobytes = max(peak, usage.ru_maxrss)
    return Taken(
        architecture, images, time.monotonic() - begun, spent, kilobytes / 1e6 * 1.024, where[:60]
    )


def family(pid: int) -> list[int]:
    """Give a process and all below it that are there now."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            above = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        parents.setdefault(above, []).append(int(stat.parent.name))
    found, fresh = [pid], [pid]
    while fresh:
        fresh = [below for one in fresh for below in parents.get(one, [])]
        found += fresh
    return found


def resident(pid: int) -> int:
    """Give the kilobytes that a process holds now; 0 when it has gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> None:
    """Measure what is asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", metavar="ARCHITECTURE:IMAGES")
    given = [word.split(":") for word in parser.parse_args().only]
    wanted = [(name, int(count)) for name, count in given] or list(EVERY)
    sys.stdout.write(
        "| `--architecture` | images | clock s | processor s | most GB |\n|" + "---|" * 5
    )
    with tempfile.TemporaryDirectory(prefix="hy") as name:
        folder = Path(name)
        (folder / "site.toml").write_text('state_dir = "var"\n')
        call(folder, "db", "upgrade")
        call(folder, "plots", "add", PLOT)
        sets = {count: draw(folder, count) for count in sorted({count for _, count in wanted})}
        worst = 0.0
        for architecture, count in wanted:
            taken = measure(folder, sets[count], architecture, count)
            worst = max(worst, taken.peak_gb)
            sys.stdout.write(
                f"\n| `{architecture}` | {count} | {taken.seconds:.0f} | {taken.processor_s:.0f} |"
                f" {taken.peak_gb:.2f} |"
            )
            sys.stdout.flush()
            sys.stderr.write(f"  most after: {taken.where}\n")
    sys.stdout.write("\n")
    if worst >= LIMIT_GB:
        raise SystemExit(f"over {LIMIT_GB} GB")


if __name__ == "__main__":
    main()
