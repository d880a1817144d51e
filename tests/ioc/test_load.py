"""Many clients, and clients that do not read: memory stays flat, no final value is lost."""

import signal

import pytest

from tests.benchmarks.ioc_soak import Clients, lost, soak
from tests.conftest import crowd
from tests.ioc.rig import Rig, wait_until
from tests.ioc.test_record_behaviour import BAD, GOOD

WATCHED = ("Class", "Count", "Confidence", "Weight:Bad")


def watched_names(rig: Rig) -> list[str]:
    return [f"T:{plot}:{name}" for plot in rig.keeper.fake.entries for name in WATCHED]


def test_given_a_hundred_plots_and_twenty_clients_when_updated_then_no_final_value_is_lost():
    result = soak(plots=100, clients=20, seconds=4.0, period_s=1.0, names_of=watched_names)
    assert result["final_values_lost"] == 0
    assert result["memory_growth_mb"] < 10
    assert result["ready_s"] < 5.0 * crowd()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    import shutil
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp(prefix="hy"))
    rig = Rig(folder, plots=5)
    clients = Clients(rig, watched_names(rig), 2, folder)
    yield rig, clients
    clients.close()
    rig.close()
    shutil.rmtree(folder)


def test_given_clients_that_do_not_read_when_updated_then_memory_is_bounded_and_they_catch_up(
    small,
):
    rig, clients = small
    plots = list(rig.keeper.fake.entries)
    for number in range(100):
        rig.keeper.show_image(plots[number % 5], BAD if number % 2 else GOOD, drawn=False)
    before = rig.ioc.memory_bytes
    for process in clients._processes:
        process.send_signal(signal.SIGSTOP)
    for number in range(1500):
        rig.keeper.show_image(plots[number % 5], BAD if number % 2 else GOOD, drawn=False)
    assert rig.ca.value(f"{plots[0]}:Count") >= 300
    assert rig.ioc.memory_bytes - before < 15_000_000
    for process in clients._processes:
        process.send_signal(signal.SIGCONT)
    wait_until(lambda: lost(rig, clients.ask()) == 0, "the last values arrive")


def test_given_a_client_that_comes_and_goes_when_repeated_then_memory_is_flat(small):
    rig, _ = small
    names = [f"BCAL_timing:{name}" for name in WATCHED]

    def come_and_go(times: int) -> int:
        for _ in range(times):
            for name in names:
                rig.ca.subscribe(name, 5)
            for name in names:
                rig.ca.ask("clear", pv=name)
        rig.ca.value("Ioc:Refused")
        return rig.ioc.memory_bytes

    before = come_and_go(5)
    assert come_and_go(30) - before < 2_000_000
