"""The Keeper looks by itself whether references are to follow."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from db.engine import make_engine
from pipeline.config import Config
from pipeline.keeper.adapting import STAMP, Adapting
from pipeline.keeper.core import Core
from pipeline.keeper.publisher import Publisher
from pipeline.sockets import open_socket
from tests.pipeline.keeper.deployment import make_config

WAIT_S = 20.0


def with_period(folder: Path, period: float) -> Config:
    return make_config(folder, references={"adapt_period_s": period})


async def play(config: Config, script: str, until: Callable[[Core], bool]) -> Core:
    """Let a command of one line of Python look, until something holds."""
    context = zmq.asyncio.Context()
    engine = make_engine(config.database_url())
    core = Core(config, engine, Publisher(open_socket(context, config, zmq.PUB, bind="states")))
    task = asyncio.create_task(Adapting(core, (sys.executable, "-c", script)).run())
    try:
        async with asyncio.timeout(WAIT_S):
            while not until(core):
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        core.store.close()
        context.destroy(0)
    return core


def test_given_a_period_when_it_is_over_then_it_is_looked_at_again(folder):
    config, found = with_period(folder, 0.1), folder / "looks"
    script = f"open({str(found)!r}, 'a').write('x')"
    asyncio.run(play(config, script, lambda _: found.exists() and len(found.read_text()) >= 2))


def test_given_a_look_not_long_ago_when_started_again_then_it_waits(folder):
    config, found = with_period(folder, 3600.0), folder / "looks"
    stamp = config.under_state(STAMP)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()
    script = f"open({str(found)!r}, 'a').write('x')"
    begun = time.monotonic()
    asyncio.run(play(config, script, lambda _: time.monotonic() - begun > 1.0))
    assert not found.exists()
    os.utime(stamp, (1.0, 1.0))
    asyncio.run(play(config, script, lambda _: found.exists()))
    assert time.time() - stamp.stat().st_mtime < WAIT_S


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; print('no space'); sys.exit(1)", "no space"),
        ("import sys; sys.exit(3)", "exit status 3"),
    ],
)
def test_given_a_look_that_fails_when_it_ends_then_the_keeper_tells_it(folder, script, words):
    config = with_period(folder, 3600.0)
    core = asyncio.run(play(config, script, lambda one: "Adapt" in one.pulse.refusals))
    core.show_health()
    assert f"references cannot be adapted: {words}" in core.pulse.reason


def test_given_a_look_that_hangs_when_the_keeper_ends_then_it_ends_too(folder):
    config, found = with_period(folder, 3600.0), folder / "pid"
    script = f"import os, time; open({str(found)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    asyncio.run(play(config, script, lambda _: found.exists() and bool(found.read_text())))
    with pytest.raises(ProcessLookupError):
        os.kill(int(found.read_text()), 0)
