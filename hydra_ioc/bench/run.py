"""The benchmarks in order, as one set of ratios from one run."""

import itertools
import shutil
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from hydra_ioc.bench.bound import bound_rate
from hydra_ioc.bench.measure import Client, burst, latency, settle, throughput
from hydra_ioc.bench.original import original_rate
from hydra_ioc.bench.plots import PlotFile, draw_files, repeated
from hydra_ioc.bench.stand import Stand, wait_for
from hydra_ioc.release import DEMO_MODELS, write_index
from pipeline.errors import HydraError
from pipeline.vision.card import read_card, write_card
from pipeline.vision.maps import map_overhead

BURST_PLOTS = 92
"""Source: the largest set of plots that arrives at once in the original's halls."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    images: int = 1200
    rounds: int = 7
    """A machine that others share changes its speed from minute to minute."""
    latency_images: int = 120


def run(effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure everything on a stand of its own.

    Args:
        effort: How much.
        say: Told what is being measured.

    Returns:
        The ratios, and under ``absolute`` the figures behind them.
    """
    settings = {"predict": {"workers": 2, "threads": 1}, "keeper": {"collect_fraction": 0.01}}
    with Stand(settings) as stand:
        say("setting up a deployment")
        stand.command("db", "upgrade")
        stand.command("models", "install")
        digests = active_models(stand)
        plots = sorted(digests)
        good = draw_files(plots)
        clones = clone_plots(stand, good, BURST_PLOTS)
        stand.start()
        client = Client(stand)
        wait_for(lambda: bool(client.monitor(f"{plots[0]}:Count").connected), "the IOC")
        settle(stand, [*good, *clones])
        result = _throughput(stand, good, digests, effort, say)
        say("burst of 92 images")
        files = [*good, *clones][:BURST_PLOTS]
        result["burst_92_s"] = burst(stand, client, repeated(files, len(files), 7000))
        say("latency at one image per second")
        bad = draw_files(plots[:4], bad=True)
        measured = latency(
            stand, client, list(zip(good[:4], bad, strict=True)), effort.latency_images
        )
    result["latency_p50_ms"] = measured.p50_ms
    result["latency_p99_ms"] = measured.p99_ms
    result["absolute"]["latency_samples"] = measured.samples
    say("the cost of the activation maps")
    overhead = map_overhead(DEMO_MODELS / digests[plots[0]])
    result["map_overhead"] = overhead.ratio
    result["absolute"]["map_overhead"] = asdict(overhead)
    return result


def _throughput(
    stand: Stand,
    good: list[PlotFile],
    digests: dict[str, str],
    effort: Effort,
    say: Callable[[str], None],
) -> dict[str, Any]:
    models = stand.config.under_state(stand.config.predict.models)
    bounds, rates = [], []
    used: dict[str, float] = {}
    say("decode and inference alone")
    bounds.append(bound_rate(repeated(good, effort.images), models, digests))
    for number in range(effort.rounds):
        files = repeated(good, effort.images, first_chunk=100 + 100 * number)
        say(f"round {number + 1} of {effort.rounds}: through all stages")
        before = stand.cpu_times()
        rates.append(throughput(stand, files))
        for title, seconds in stand.cpu_times().items():
            used[title] = used.get(title, 0.0) + seconds - before.get(title, 0.0)
        say(f"round {number + 1} of {effort.rounds}: decode and inference alone")
        bounds.append(bound_rate(files, models, digests))
    say("OpenCV's decoder and inference alone")
    opencv = bound_rate(repeated(good, effort.images), models, digests, opencv=True)
    say("the original's way")
    original, why = _original(good)
    rate, bound = statistics.median(rates), statistics.median(bounds)
    # A round lies between two measurements of the bound: a steady drift cancels.
    ratios = [
        2 * rate / sum(around)
        for rate, around in zip(rates, itertools.pairwise(bounds), strict=True)
    ]
    return {
        "throughput_vs_bound": statistics.median(ratios),
        "throughput_vs_original": rate / original if original else None,
        "absolute": {
            "throughput_vs_bound_of_each_round": [round(ratio, 3) for ratio in ratios],
            "images_per_s": rate,
            "bound_images_per_s": bound,
            "opencv_bound_images_per_s": opencv,
            "original_images_per_s": original,
            "original_missing": why,
            "images": effort.images,
            "rounds": effort.rounds,
            "cpu_ms_per_image": {
                title: round(1000 * seconds / (effort.images * effort.rounds), 2)
                for title, seconds in sorted(used.items())
            },
        },
    }


def _original(good: list[PlotFile]) -> tuple[float | None, str]:
    try:
        return original_rate(good), ""
    except ImportError as error:
        return None, f"the training libraries are not installed ({error.name}); see requirements"


def active_models(stand: Stand) -> dict[str, str]:
    """Give the digest of the active model of each plot of a stand."""
    from hydra_ioc.catalogue import known_catalogue

    entries = known_catalogue(stand.config).plots
    found = {entry.name: entry.model.digest for entry in entries if entry.model}
    if not found:
        raise HydraError("no plot has a model; run 'hydra-ioc models install' first")
    return found


def clone_plots(stand: Stand, files: list[PlotFile], count: int) -> list[PlotFile]:
    """Register copies of plots, each with a model of its own, until there are enough.

    Args:
        stand: Nothing runs yet.
        files: One file of each plot there is.
        count: How many plots there shall be.

    Returns:
        A file for each copy.
    """
    digests = active_models(stand)
    store = stand.config.under_state(stand.config.predict.models)
    release = stand.folder / "copies"
    release.mkdir()
    clones, index = [], {}
    for number in range(count - len(files)):
        source = files[number % len(files)]
        name = f"{source.plot}_copy{number // len(files)}"
        index[name] = clone_model(store / digests[source.plot], release, name)
        clones.append(PlotFile(name, source.chunk, source.data, source.bad))
    if index:
        write_index(release, index)
        stand.command("models", "install", "--from", str(release))
    return clones


def clone_model(source: Path, into: Path, plot: str) -> str:
    """Copy a model under a card for another plot.

    Args:
        source: The model's folder.
        into: Where the copy goes.
        plot: Whom the copy judges.

    Returns:
        The digest of the copy.
    """
    folder = Path(tempfile.mkdtemp(dir=into, prefix=".copy-"))
    card = read_card(source)
    for name in card.files:
        shutil.copy2(source / name, folder / name)
    copy = write_card(folder, msgspec.structs.replace(card, plots=(plot,)))
    folder.chmod(0o755)
    folder.rename(into / copy)
    return copy
