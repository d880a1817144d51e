"""From a file in a folder to an alarm at a libca client, through every process."""

import contextlib
import time

import pytest

from hydra_ioc.bench.plots import repeated
from hydra_ioc.bench.stand import wait_for
from tests.conftest import crowd
from tests.system.ca import CaClient
from tests.system.rows import history, keys, recorded

pytestmark = pytest.mark.timeout(240)

RESTART_S = 5.0
GOVERNOR_S = 10.0
"""libca looks at channels that lost their server so often, and then searches for them.

Source:
    epics-base, modules/ca/src/client/disconnectGovernorTimer.cpp.
"""


def test_given_good_and_bad_plots_when_dropped_then_the_pvs_say_so_and_a_caput_re_judges(
    launch, good_files, bad_files
):
    stand, client = launch()
    good, bad = good_files[0], bad_files[0]
    assert client.get(f"{good.plot}:Class")["severity"] == 3

    stand.drop(good.name, good.data)
    wait_for(lambda: client.get(f"{good.plot}:Count")["value"] == 1, "the good plot", 20)
    wait_for(lambda: client.get(f"{good.plot}:Class")["text"] == "Good", "its verdict", 5)
    first = client.get(f"{good.plot}:Class")
    assert (first["text"], first["severity"]) == ("Good", 0)

    stand.drop(f"{bad.plot}_0002.png", bad.data)
    wait_for(lambda: client.get(f"{bad.plot}:Class")["text"] == "Bad", "the bad plot", 20)
    second = client.get(f"{bad.plot}:Class")
    assert second["severity"] == 2
    assert "Bad" in client.get(f"{bad.plot}:Reason.VAL$")["text"]
    assert first["timestamp"] < second["timestamp"]

    confidence = client.get(f"{bad.plot}:Confidence")["value"]
    assert confidence < 1.0
    assert client.put(f"{bad.plot}:Threshold:Bad", 1.0)["ok"]
    assert client.get(f"{bad.plot}:Class")["severity"] == 1
    wait_for(
        lambda: client.get(f"{bad.plot}:Confirmed")["text"] == "Unconfirmed", "the re-judgement", 5
    )

    client.put(f"{bad.plot}:Threshold:Bad", 1.5)
    assert client.get(f"{bad.plot}:Threshold:Bad")["value"] == 1.0
    assert client.get("Ioc:Refused")["value"] == 1

    rows = history(stand)
    assert [row["label"] for row in rows] == ["Bad", "Good"]
    assert rows[0]["thresholds"]["Bad"] < 1.0, "the record keeps what was in force"
    assert sorted(rows[0]) == sorted(
        "plot run chunk image_time sha256 label confidence confirmed weights"
        " thresholds model late".split()
    )
    wait_for(lambda: not list(stand.tree.rglob("*.png")), "the files to be removed", 10)


def test_given_every_process_killed_in_turn_when_200_images_flow_then_each_is_recorded_once(
    launch, good_files
):
    stand, client = launch()
    files = repeated(good_files, 200)
    for number, file in enumerate(files):
        stand.drop(file.name, file.data)
        if number % 40 == 39:
            role = ("keeper", "balancer", "predict-0", "feeder", "ioc")[number // 40]
            for process in stand.processes(role):
                process.kill()
    wait_for(lambda: recorded(stand) >= 200, "200 rows", 120)
    assert keys(history(stand)) == sorted((file.plot, file.chunk) for file in files)
    wait_for(lambda: not list(stand.tree.rglob("*.png")), "the files to be removed", 30)
    newest = max(file.chunk for file in files)
    plot = files[0].plot
    wait_for(lambda: client.get(f"{plot}:Chunk")["value"] == newest, "the newest chunk", 30)

    def good() -> bool:
        shown = client.get(f"{plot}:Class")
        return shown["connected"] and (shown["text"], shown["severity"]) == ("Good", 0)

    wait_for(good, "the newest verdict, which comes beside its chunk", 10)


def test_given_the_ioc_restarted_when_it_is_back_then_all_values_and_times_are_as_before(
    launch, good_files
):
    stand, client = launch()
    names = [
        f"{file.plot}:{pv}"
        for file in good_files
        for pv in ("Class", "Confidence", "Run", "Chunk", "Count", "Weight:Good", "Threshold:Bad")
    ]
    for file in good_files:
        stand.drop(file.name, file.data)
    plots = [f"{file.plot}:Count" for file in good_files]
    wait_for(
        lambda: all(one["value"] == 1 for one in client.get_all(plots).values()), "all plots", 30
    )
    before = client.get_all(names)
    with contextlib.closing(CaClient(stand)) as fresh:
        assert fresh.get_all([]) == {}, "it runs, and has searched nothing yet"
        killed = time.monotonic()
        for process in stand.processes("ioc"):
            process.kill()
            process.wait(10)
        wait_for(lambda: fresh.get_all(names) == before, "all values as before", 60)
    took = time.monotonic() - killed
    assert took < RESTART_S * crowd(), "supervisor's pause, start-up and libca's search together"
    # A client that was connected comes back later, whatever the server does.
    wait_for(lambda: client.get_all(names) == before, "the old client to see it", 60)
    took = time.monotonic() - killed
    assert took < (GOVERNOR_S + RESTART_S) * crowd()
