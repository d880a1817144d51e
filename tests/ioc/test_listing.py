"""Every PV of a deployment, within the limits of EPICS."""

import re

import msgspec
import pytest
from click.testing import CliRunner, Result

from hydra_ioc.cli import cli
from ioc.description import Kind, PvDescription, name_part
from ioc.listing import list_all
from pipeline.config import Config
from pipeline.errors import HydraError, InputError, WrongRevision
from pipeline.messages import Catalogue
from tests.ioc.fake_keeper import make_catalogue, make_entry
from tests.ioc.rig import Rig, write_config

CONTRACT = """Class Confidence Confirmed Weight:Bad Threshold:Bad GoodMinusBad Run Chunk ImageTime
Age Model Reason ImageFile Count Since Image Heatmap Ignore Contact Guidance Description
Group""".split()
SITE = """Quality Good Bad Unconfirmed Stale Run Beam BeamCurrent News LastUpdate Producer Plots
Catalogue Ioc:Refused AlarmHandler:Heartbeat""".split()
STAGE = "Heartbeat State Rate Latency Queue Dropped Restarts Reason".split()


@pytest.fixture(scope="module")
def listing():
    return list_all(Config(), make_catalogue(92))


def test_given_a_catalogue_when_listed_then_the_contract_is_complete(listing):
    names = set(listing.descriptions)
    assert {f"HYDRA:BCAL_timing:{name}" for name in CONTRACT} <= names
    assert {f"HYDRA:{name}" for name in SITE} <= names
    for stage in ("Feeder", "Balancer", "Predict0", "Predict1", "Keeper", "Ioc"):
        assert {f"HYDRA:{stage}:{name}" for name in STAGE} <= names
    assert {f"HYDRA:BCAL:{name}" for name in ("Quality", "Good", "Bad", "Stale")} <= names
    assert not listing.problems


def test_given_every_pv_when_listed_then_names_texts_and_parts_fit(listing):
    for one in listing.descriptions.values():
        assert len(one.name) <= 60
        assert 0 < len(one.desc) <= 40
        assert all(re.match(r"[A-Z]", part) for part in one.name.split(":")[2:])
        assert (one.target is None) or one.kind is not Kind.IMAGE


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "x" * 61},
        {"name": "with space"},
        {"name": ""},
        {"desc": "x" * 41},
        {"desc": "µ"},
        {"choices": ("a",) * 17},
        {"choices": ("x" * 26,)},
    ],
    ids=str,
)
def test_given_a_description_over_a_limit_when_made_then_it_is_refused(fault):
    good = {"name": "A", "kind": Kind.ENUM, "desc": "d", "choices": ("a", "b")}
    PvDescription(**good)
    with pytest.raises(InputError):
        PvDescription(**{**good, **fault})


def test_given_a_plot_that_cannot_be_served_when_listed_then_it_is_named_and_others_are_there():
    long = make_entry(1, "L" * 45, "A")
    twice = [make_entry(2, "Same.name", "A"), make_entry(3, "Same name", "A")]
    good = make_entry(4, "Good", "A")
    listing = list_all(Config(), Catalogue(serial=1, plots=(long, *twice, good)))
    assert set(listing.problems) == {"L" * 45, "Same name"}
    assert "60 characters" in listing.problems["L" * 45]
    assert "taken by another plot" in listing.problems["Same name"]
    assert "HYDRA:Good:Class" in listing.descriptions
    assert not any("LLL" in name for name in listing.descriptions)


@pytest.mark.parametrize(
    ("text", "part"), [("CDC", "CDC"), ("a b/c", "a_b_c"), ("Ü", "_"), ("x:y", "x_y")]
)
def test_given_any_text_when_made_a_part_of_a_name_then_it_is_safe(text, part):
    assert name_part(text) == part


def test_given_the_running_ioc_when_its_names_are_connected_then_all_are_served(rig: Rig):
    names = [
        one.name
        for one in list_all(rig.config, rig.catalogue).descriptions.values()
        if one.kind is not Kind.IMAGE
    ]
    answer = rig.ca.ask("connect_all", pvs=names)
    assert answer["missing"] == []
    assert len(names) > 400


def test_given_a_new_database_when_pvs_are_listed_then_it_works_without_a_running_system(folder):
    path = write_config(folder)
    runner = CliRunner()

    def run(*arguments: str) -> Result:
        return runner.invoke(cli, ["--config", str(path), *arguments])

    assert isinstance(run("pvs").exception, WrongRevision)
    assert run("db", "upgrade").exit_code == 0
    assert run("plots", "add", "CDC_occupancy", "--group", "CDC").exit_code == 0
    done = run("pvs")
    assert done.exit_code == 0, done.output
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert ["T:CDC_occupancy:Class", "enum", "Label of the last judged image"] in lines
    assert all(len(line) == 3 for line in lines)
    for kind in ("alh", "phoebus"):
        file = folder / f"out.{kind}"
        assert run("alarms", "export", "--format", kind, str(file)).exit_code == 0
        assert "T:CDC_occupancy:Class" in file.read_text()
    assert run("alarms", "export", "--format", "xyz", "f").exit_code == 2
    assert run("alarms", "export", "--format", "alh", str(folder)).exit_code == 2
    nowhere = run("alarms", "export", "--format", "alh", str(folder / "no" / "file"))
    assert isinstance(nowhere.exception, HydraError)


def test_given_a_plot_of_a_palette_of_fourteen_when_described_then_the_enum_is_full():
    entry = make_entry(1, "A", "B")
    labels = tuple(
        msgspec.structs.replace(entry.labels[0], name=f"Label{number}") for number in range(15)
    )
    fits = msgspec.structs.replace(entry, labels=labels[:14])
    assert not list_all(Config(), Catalogue(serial=1, plots=(fits,))).problems
    over = msgspec.structs.replace(entry, labels=labels)
    assert (
        "at most 16 states" in list_all(Config(), Catalogue(serial=1, plots=(over,))).problems["A"]
    )
