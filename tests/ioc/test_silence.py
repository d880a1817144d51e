"""Processes fall silent and come back: seen through the PVs, within ten seconds."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import msgspec
import pytest
import zmq

from pipeline.alarm import Severity, Status
from pipeline.config import load
from tests.conftest import crowd
from tests.ioc.fake_keeper import FakeKeeper, make_entry
from tests.ioc.rig import CaClient, IocProcess, KeeperThread, Rig, wait_until, write_config
from tests.ioc.test_record_behaviour import BAD, GOOD, acks

BOUND_S = 10.0


@pytest.fixture(scope="module")
def living():
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    rig = Rig(folder, plots=5, predict={"workers": 2})
    yield rig
    rig.close()
    shutil.rmtree(folder)


@pytest.fixture
def own(living):
    """The rig of this module, with images of all plots, one of them bad."""
    for name in living.keeper.fake.entries:
        living.keeper.show_image(name, BAD if name == "BCAL_occupancy" else GOOD)
    for stage in ("Feeder", "Balancer", "Predict0", "Predict1", "Keeper"):
        wait_until(lambda name=stage: living.ca.value(f"{name}:State") == 1, f"{stage} runs")
    count = living.keeper.fake.states["BCAL_occupancy"].count
    wait_until(lambda: living.ca.value("BCAL_occupancy:Count") == count, "the images are served")
    return living


def alarm(rig: Rig, pv: str) -> tuple[int, int]:
    got = rig.ca.get(pv)
    return got["severity"], got["status"]


@pytest.mark.parametrize("stages", [["Feeder0"], ["Balancer0"], ["Predict0", "Predict1"]])
def test_given_a_broken_chain_when_it_heals_then_plots_were_invalid_and_are_back(own, stages):
    begin = time.monotonic()
    for stage in stages:
        own.keeper.stop(stage)
    broken = (Severity.INVALID, Status.COMM)
    wait_until(lambda: alarm(own, "BCAL_timing:Class") == broken, "the plot is INVALID", BOUND_S)
    assert time.monotonic() - begin < BOUND_S
    name = stages[0].rstrip("01")
    assert own.ca.value("BCAL_timing:Reason.VAL$").startswith(f"{name} is silent")
    state = f"{stages[0] if name == 'Predict' else name}:State"
    wait_until(lambda: alarm(own, state) == broken, "the stage is INVALID")
    assert own.ca.get("BCAL_timing:Weight:Good")["severity"] == Severity.INVALID
    assert own.pva.get("T:BCAL_timing:Image").raw.alarm.severity == Severity.INVALID
    assert own.ca.get("BCAL:Quality")["severity"] == Severity.INVALID
    assert own.ca.value("Stale") == len(own.keeper.fake.entries)
    for stage in stages:
        own.keeper.beat(name, int(stage[-1]))
    wait_until(lambda: alarm(own, "BCAL_timing:Class") == (0, 0), "the plot is back", BOUND_S)
    assert alarm(own, "BCAL_occupancy:Class") == (Severity.MAJOR, Status.STATE)
    assert own.pva.get("T:BCAL_timing:Image").raw.alarm.severity == 0
    assert own.ca.get("BCAL:Quality")["severity"] == Severity.MAJOR


def test_given_one_worker_of_two_is_silent_when_shown_then_only_its_own_pvs_are_invalid(own):
    own.keeper.stop("Predict1")
    wait_until(
        lambda: alarm(own, "Predict1:State") == (Severity.INVALID, Status.COMM), "Predict1", BOUND_S
    )
    assert alarm(own, "Predict0:State") == (0, 0)
    assert alarm(own, "BCAL_timing:Class") == (0, 0)
    own.keeper.beat("Predict", 1)
    wait_until(lambda: alarm(own, "Predict1:State") == (0, 0), "Predict1 is back", BOUND_S)


def test_given_a_killed_keeper_when_another_comes_then_everything_is_asked_for_again(own):
    catalogue, config = own.keeper.fake.catalogue, own.config
    states = dict(own.keeper.fake.states)
    own.keeper.close()
    broken = (Severity.INVALID, Status.COMM)
    wait_until(lambda: alarm(own, "BCAL_timing:Class") == broken, "the plot is INVALID", BOUND_S)
    # The other stages of the fake may have fallen silent a moment before the Keeper.
    wait_until(
        lambda: own.ca.get("Producer")["severity"] == Severity.INVALID, "Keeper is silent", BOUND_S
    )
    begin = time.monotonic()
    answer = own.ca.put("BCAL_timing:Threshold:Bad", 0.1, wait=True)
    assert "the Keeper is not connected; nothing was changed" in answer["exceptions"][0]["text"]
    assert time.monotonic() - begin < 5
    own.keeper = KeeperThread(config, catalogue)
    own.keeper.fake.states.update(states)
    own.keeper.show_image("BCAL_timing", BAD)
    wait_until(
        lambda: alarm(own, "BCAL_timing:Class") == (Severity.MAJOR, Status.STATE),
        "the new Keeper is heard",
        BOUND_S,
    )
    assert own.ca.put("BCAL_timing:Threshold:Bad", 0.1, wait=True)["status"] == 1
    assert own.ca.value("Keeper:Restarts") == 1


def test_given_a_restarted_ioc_when_ready_then_values_times_and_acknowledgements_are_as_before(
    own,
):
    for plot in ("BCAL_occupancy", "BCAL_timing"):
        own.ca.put(f"{plot}:Class", Severity.INVALID, ftype=36, wait=True)
    own.keeper.show_image("BCAL_timing", BAD)
    count = own.keeper.show_image("BCAL_timing", GOOD).count
    wait_until(lambda: own.ca.value("BCAL_timing:Count") == count, "the images are served")
    wait_until(lambda: acks(own, "BCAL_timing") == 2, "the alarm is latched")
    names = [
        f"{plot}:{name}"
        for plot in ("BCAL_occupancy", "BCAL_timing")
        for name in (
            "Class",
            "Confidence",
            "Count",
            "Run",
            "ImageTime",
            "Threshold:Bad",
            "Weight:Good",
            "Reason",
            "Since",
            "Contact",
            "Description",
            "Group",
            "Model",
            "Ignore",
        )
    ] + ["Quality", "BCAL:Quality", "Good", "Bad", "Run", "Plots", "Catalogue"]
    time.sleep(0.7)  # what is remembered is on disk twice a second
    before = {name: own.ca.get(name) for name in names}
    own.restart_ioc()
    assert own.ioc.ready_s < 5.0 * crowd()
    own.ca.close()
    own.ca = CaClient(own.config.ioc.ca_port)
    for name, old in before.items():
        new = own.ca.get(name)
        del old["received"], new["received"]
        assert new == old, name
    assert acks(own, "BCAL_occupancy") == 0
    assert acks(own, "BCAL_timing") == 2


def test_given_a_new_plot_when_the_catalogue_changes_then_its_pvs_come_without_restart(own):
    assert not own.ca.ask("connect", pv="New_plot:Class", timeout=0.3)["connected"]
    own.keeper.call(own.keeper.fake.show_catalogue(make_entry(99, "New_plot", "NEW")))
    own.keeper.show_image("New_plot", BAD)
    assert own.ca.ask("connect", pv="New_plot:Class")["connected"]
    wait_until(lambda: own.ca.value("New_plot:Class") == 1, "the new plot is served")
    assert own.pva.get("T:New_plot:Class") == 1
    assert own.ca.ask("connect", pv="NEW:Quality")["connected"]
    assert "New_plot" in own.ca.value("Plots")


def test_given_a_changed_palette_when_the_catalogue_changes_then_property_subscribers_hear(own):
    fake: FakeKeeper = own.keeper.fake
    keys = {mask: own.ca.subscribe("CDC_occupancy:Class", mask) for mask in (1, 4, 8)}
    entry = fake.entries["CDC_occupancy"]
    changed = msgspec.structs.replace(entry, labels=entry.labels[:4])
    own.keeper.call(fake.show_catalogue(changed))
    assert len(own.ca.events(keys[8], 1)) == 1
    choices = own.ca.get("CDC_occupancy:Class", ftype=31)["choices"]
    assert len(choices) == 7
    assert choices[-3:] == ["NoModel", "Nothing", "Unknown"]
    assert not own.ca.ask("connect", pv="CDC_occupancy:Weight:LED", timeout=0.3)["connected"]
    assert own.ca.events(keys[1]) == []
    assert own.ca.events(keys[4]) == []


def test_given_the_keeper_is_away_when_the_ioc_starts_then_site_and_stages_are_served(folder):
    path = write_config(folder)
    ioc = IocProcess(path, wait=False)
    client = CaClient(load(path).ioc.ca_port)
    answer = client.ask("connect", pv="Keeper:State", timeout=20)
    assert answer["connected"], ioc.log.read_text()
    wait_until(lambda: client.get("Keeper:State")["status"] == Status.COMM, "Keeper is silent")
    assert client.value("Keeper:Reason").startswith("Keeper is silent")
    assert client.get("Producer")["severity"] == Severity.INVALID
    client.close()
    assert ioc.stop() == 0


def test_given_malformed_messages_when_they_arrive_then_they_are_counted_and_nothing_stops(own):
    context = zmq.Context()
    sender = context.socket(zmq.PUB)
    sender.connect(own.config.endpoint("health_ioc"))

    async def publish() -> None:
        for number in range(500):
            parts = [os.urandom(number % 64) for _ in range(number % 4)]
            await own.keeper.fake.publisher.send_multipart([b"state", *parts])

    own.keeper.call(publish())
    time.sleep(0.3)
    for number in range(500):
        sender.send(os.urandom(number % 200))
    wait_until(lambda: own.ca.value("Ioc:Dropped") >= 900, "they are counted")
    own.keeper.show_image("BCAL_timing", BAD)
    wait_until(lambda: own.ca.value("BCAL_timing:Class") == 1, "states are still heard")
    sender.close(0)
    context.term()
