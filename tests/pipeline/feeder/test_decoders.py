"""Decoders are processes: they may crash, hang or lose their Feeder."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pipeline.config import Config
from pipeline.errors import FileError
from pipeline.feeder import decoders as module
from pipeline.feeder.backlog import Candidate
from pipeline.feeder.decoders import Decoders
from pipeline.feeder.files import look
from pipeline.feeder.grammar import Names
from pipeline.feeder.intake import Prepared
from pipeline.feeder.watcher import Found
from pipeline.messages import PlotEntry
from tests.pipeline.feeder.conftest import MODEL, drop, plot_png, until

ENTRY = PlotEntry(plot_type_id=1, name="CDC_occupancy", chunked=True, model=MODEL)
PARENT = """
import sys, time
from pathlib import Path
from pipeline.config import Config
from pipeline.feeder.decoders import Decoders
decoders = Decoders(Config.model_validate({"input": {"decoders": 2}}), (Path(sys.argv[1]),))
print("started", flush=True)
time.sleep(600)
"""


def candidate_of(config: Config, path: Path) -> Candidate:
    tree = path.parent
    fingerprint = look(path)
    assert fingerprint is not None
    sighting = Names(config).parse(path.relative_to(tree))
    return Candidate(Found(path, tree, True, 0.0), fingerprint, sighting, 0.0)


def children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        # One that ends meanwhile has no command line.
        with contextlib.suppress(psutil.NoSuchProcess):
            words = " ".join(child.cmdline())
            if "pipeline.feeder.decoder" in words or "decoder-" in words:
                found.append(child)
    return found


@pytest.fixture
def one(tmp_path):
    config = Config.model_validate({"input": {"decoders": 1, "decode_timeout_s": 2.0}})
    path = drop(tmp_path / "CDC_occupancy_0001.png", plot_png(width=640, height=480))
    return config, candidate_of(config, path), (tmp_path,)


def test_given_a_decoder_killed_at_rest_when_a_file_comes_then_another_one_takes_it(one):
    async def scenario():
        config, candidate, trees = one
        decoders = Decoders(config, trees)
        try:
            first = await decoders.take_in(candidate, ENTRY, show=True)
            [process] = children()
            process.kill()
            second = await decoders.take_in(candidate, ENTRY, show=True)
            assert decoders.lost == 1
            assert first.order == second.order
            assert first.frames == second.frames
        finally:
            decoders.close()

    asyncio.run(scenario())
    assert not children(), "none is left behind"


def test_given_a_file_that_hangs_every_decoder_when_it_comes_then_it_is_refused_and_others_flow(
    one, monkeypatch
):
    async def scenario():
        config, candidate, trees = one
        decoders = Decoders(config, trees)
        stopped: set[int] = set()

        async def hang() -> None:
            while True:
                for process in children():
                    if process.pid not in stopped:
                        process.send_signal(signal.SIGSTOP)
                        stopped.add(process.pid)
                await asyncio.sleep(0.01)

        try:
            assert await decoders.take_in(candidate, ENTRY, show=True) is not None
            monkeypatch.setattr(module, "START_S", 2.0)
            hanging = asyncio.create_task(hang())
            await until(lambda: stopped)
            with pytest.raises(FileError, match="ended 2 decoders"):
                await decoders.take_in(candidate, ENTRY, show=True)
            hanging.cancel()
            for process in children():
                process.send_signal(signal.SIGCONT)
            monkeypatch.undo()
            assert await decoders.take_in(candidate, ENTRY, show=True) is not None
            assert decoders.lost == 2
        finally:
            decoders.close()

    asyncio.run(scenario())


def test_given_a_file_that_hangs_decoders_when_another_waits_behind_it_then_only_it_is_refused(one):
    async def scenario():
        config, candidate, trees = one
        decoders = Decoders(config, trees)
        stopped: set[int] = set()

        async def hang_two() -> None:
            while len(stopped) < 2:
                for process in children():
                    if process.pid not in stopped:
                        process.send_signal(signal.SIGSTOP)
                        stopped.add(process.pid)
                await asyncio.sleep(0.01)

        try:
            assert await decoders.take_in(candidate, ENTRY, show=True) is not None
            hanging = asyncio.create_task(hang_two())
            await until(lambda: stopped)
            bad, good = await asyncio.gather(
                decoders.take_in(candidate, ENTRY, show=True),
                decoders.take_in(candidate, ENTRY, show=True),
                return_exceptions=True,
            )
            await hanging
            assert isinstance(bad, FileError)
            assert isinstance(good, Prepared), good
            assert decoders.lost == 2
        finally:
            decoders.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "START_S", 8.0)
        asyncio.run(scenario())


def test_given_many_files_at_once_when_two_decoders_take_them_then_each_gets_its_own_order(one):
    config, first, trees = one
    many = [first]
    for number in range(2, 12):
        path = drop(trees[0] / f"CDC_occupancy_{number:04d}.png", plot_png(width=600 + number))
        many.append(candidate_of(config, path))

    async def scenario():
        decoders = Decoders(config.model_copy(), trees)
        try:
            return await asyncio.gather(
                *(decoders.take_in(candidate, ENTRY, show=True) for candidate in many)
            )
        finally:
            decoders.close()

    made = asyncio.run(scenario())
    assert [one.order.path for one in made] == [str(candidate.path) for candidate in many]
    assert [one.order.image_size[1] for one in made[1:]] == [600 + n for n in range(2, 12)]


def test_given_an_image_that_is_not_shown_when_taken_in_then_it_has_no_picture(one):
    async def scenario():
        config, candidate, trees = one
        decoders = Decoders(config, trees)
        try:
            shown = await decoders.take_in(candidate, ENTRY, show=True)
            late = await decoders.take_in(candidate, ENTRY, show=False)
        finally:
            decoders.close()
        assert shown.frames[0] == late.frames[0]
        assert shown.frames[1].startswith(b"\xff\xd8")
        assert late.frames[1] == b""

    asyncio.run(scenario())


def test_given_a_feeder_killed_when_it_is_gone_then_its_decoders_end_by_themselves(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        orphans = psutil.Process(parent.pid).children()
        assert len(orphans) == 2
        os.kill(parent.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(orphans, timeout=20)
        assert not alive
