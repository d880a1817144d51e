"""The running experiment, without a process around it."""

import asyncio
import hashlib
import json
from pathlib import Path

import cv2
import pytest

from pipeline.errors import CommandError
from simulation.control import Beam, Clear, Inject, Status, parse
from simulation.drawing import Fault
from simulation.experiment import Experiment, Plan
from simulation.plots import PLOTS
from simulation.record import Recorder
from simulation.server import FIRST_RUN, next_run

THREE = ("ST_occupancy", "CDC_occupancy", "CDC_efficiency")


class Ammeter:
    """Takes the beam current."""

    def __init__(self) -> None:
        self.values: list[float] = []

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def write(self, current: float) -> bool:
        self.values.append(current)
        return True


def experiment(folder: Path, cycles: int = 1, **plan: object) -> Experiment:
    settings = {"period_s": 0.01, "cycles": cycles, "burst": True, **plan}
    recorder = Recorder(folder / "input", folder / "truth.jsonl")
    return Experiment(Plan(THREE, **settings), recorder, 131_458, Ammeter())  # type: ignore[arg-type]


def truths(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]


def test_given_a_plan_when_played_then_every_file_has_its_truth(tmp_path: Path) -> None:
    played = experiment(tmp_path, cycles=3, chunks=2)
    asyncio.run(played.play())
    files = sorted((tmp_path / "input").rglob("*"))
    plots = [file for file in files if file.is_file()]
    assert len(plots) == 9
    assert not [file for file in plots if file.name.startswith(".")]
    for truth in truths(tmp_path):
        file = tmp_path / "input" / truth["file"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == truth["sha256"]
        assert cv2.imread(str(file)).shape == (1200, 1600, 3)
        assert truth["label"] == "Good"
        assert file.name == f"{truth['plot']}_{truth['chunk']:04d}.png"
    assert {truth["run"] for truth in truths(tmp_path)} == {131_458, 131_459}


def test_given_a_dead_crate_when_played_then_all_plots_of_the_detector_turn_bad(
    tmp_path: Path,
) -> None:
    played = experiment(tmp_path)
    text = played.answer(Inject(Fault("dead-crate", "CDC_occupancy", crate=3)))
    assert text.startswith("dead-crate on CDC_occupancy, crate 3, 55 channels")
    assert "shows also on CDC_efficiency" in text
    asyncio.run(played.play())
    labels = {truth["plot"]: truth["label"] for truth in truths(tmp_path)}
    assert labels == {"ST_occupancy": "Good", "CDC_occupancy": "Bad", "CDC_efficiency": "Bad"}
    assert all(truth["regions"] for truth in truths(tmp_path) if truth["label"] == "Bad")


def test_given_faults_when_one_plot_is_cleared_then_the_others_stay(tmp_path: Path) -> None:
    played = experiment(tmp_path)
    played.answer(Inject(Fault("dead-crate", "CDC_occupancy")))
    played.answer(Inject(Fault("noise", "ST_occupancy")))
    assert "dead-crate" in played.answer(Clear("CDC_efficiency"))
    assert [fault.kind for fault in played.faults] == ["noise"]
    assert "noise on ST_occupancy" in played.answer(Status())
    assert played.answer(Clear()).startswith("cleared: noise")
    assert played.answer(Clear()) == "nothing to clear"


def test_given_beam_off_when_played_then_plots_hold_no_data_and_the_current_is_zero(
    tmp_path: Path,
) -> None:
    played = experiment(tmp_path)
    assert played.answer(Beam(False)) == "beam off"
    assert "when there is beam again" in played.answer(Inject(Fault("noise", "ST_occupancy")))
    asyncio.run(played.play())
    assert {truth["label"] for truth in truths(tmp_path)} == {"NoData"}
    assert isinstance(played.beam, Ammeter)
    assert played.beam.values[-1] == 0.0


def test_given_beam_trips_when_played_then_every_nth_chunk_has_none(tmp_path: Path) -> None:
    played = experiment(tmp_path, cycles=4, trip_every=1)
    asyncio.run(played.play())
    labels = [truth["label"] for truth in truths(tmp_path) if truth["plot"] == "ST_occupancy"]
    assert labels == ["Good", "NoData", "Good", "NoData"]


def test_given_a_tree_that_cannot_be_written_when_played_then_it_says_so_and_goes_on(
    tmp_path: Path,
) -> None:
    blocked = tmp_path / "input"
    blocked.write_text("a file where the tree should be")
    played = experiment(tmp_path, cycles=2)
    asyncio.run(played.play())
    assert played.failed == 6
    assert "problem: cannot write plots" in played.answer(Status())
    blocked.unlink()
    played.plan = Plan(THREE, period_s=0.01, cycles=3, burst=True)
    asyncio.run(played.play())
    assert played.written == 3
    assert "problem" not in played.answer(Status())


def test_given_nobody_who_takes_the_plots_when_too_many_wait_then_it_stops_writing(
    tmp_path: Path,
) -> None:
    played = experiment(tmp_path, cycles=3, backlog=4)
    asyncio.run(played.play())
    assert played.written == 4
    assert "4 plots wait unread" in played.problem


def test_given_files_that_are_kept_when_too_many_lie_there_then_the_oldest_go(
    tmp_path: Path,
) -> None:
    played = experiment(tmp_path, cycles=3, backlog=4, keep=True)
    asyncio.run(played.play())
    assert played.written == 9
    assert len(list((tmp_path / "input").rglob("*.png"))) == 4


def test_given_a_plot_that_is_not_played_when_broken_then_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="TOF_occupancy is not played here"):
        experiment(tmp_path).answer(Inject(Fault("noise", "TOF_occupancy")))


def test_given_too_many_faults_when_one_more_comes_then_it_is_refused(tmp_path: Path) -> None:
    played = experiment(tmp_path)
    for _ in range(100):
        played.answer(Inject(Fault("noise", "ST_occupancy")))
    with pytest.raises(CommandError, match="100 faults already"):
        played.answer(Inject(Fault("noise", "ST_occupancy")))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[" * 100_000,
        b'{"ask":"format-disk"}',
        b'{"ask":"beam","on":"maybe"}',
        b'{"ask":"fault","fault":{"kind":7}}',
        b'{"ask":"fault","fault":{"kind":"noise","strength":1e999}}',
        b'{"ask":"clear","plot":"","more":1}',
    ],
)
def test_given_a_request_that_is_none_when_parsed_then_it_is_refused(data: bytes) -> None:
    with pytest.raises(CommandError, match="expected a JSON request"):
        parse(data)


def test_given_runs_played_before_when_it_starts_again_then_the_number_goes_on(
    tmp_path: Path,
) -> None:
    file = tmp_path / "demo" / "run"
    assert next_run(file, None) == FIRST_RUN
    assert next_run(file, None) == FIRST_RUN + 1
    assert next_run(file, 7) == 7
    file.write_text("seven")
    with pytest.raises(CommandError, match="expected a run number"):
        next_run(file, None)


def test_given_several_runs_played_when_it_starts_again_then_none_is_played_twice(
    tmp_path: Path,
) -> None:
    file = tmp_path / "demo" / "run"
    recorder = Recorder(tmp_path / "input", tmp_path / "truth.jsonl")
    plan = Plan(THREE[:1], period_s=0.01, cycles=5, burst=True, chunks=2)
    played = Experiment(plan, recorder, next_run(file, None), None, file)
    asyncio.run(played.play())
    assert next_run(file, None) == FIRST_RUN + 3


def test_given_the_default_demo_when_listed_then_fifteen_plots_are_there() -> None:
    assert len(tuple(PLOTS)[:15]) == 15
