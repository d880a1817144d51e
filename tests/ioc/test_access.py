"""Access security: the file, and what it lets clients do."""

import os
from pathlib import Path

import pytest
from p4p.client.thread import RemoteError

from ioc.access import Client, built_in_rules
from ioc.acf import load_rules, parse
from ioc.description import AccessGroup
from pipeline.config import Config
from pipeline.errors import ConfigError
from tests.ioc.rig import Rig, wait_until

HERE = Client("anna", "ws1", "127.0.0.1")
AWAY = Client("anna", "localhost", "192.0.2.10")
STRANGER = Client("mallory", "localhost", "192.0.2.99")
FILE = """
# who may what
UAG(experts) { anna, "ben" }
HAG(counting) { 192.0.2.10, localhost }
ASG(DEFAULT) { RULE(1, READ) }
ASG(THRESHOLDS) {
    RULE(1, READ)
    RULE(1, WRITE, TRAPWRITE) { UAG(experts) HAG(counting) }
}
ASG(OPERATOR) { RULE(0, WRITE) { HAG(counting) } }
"""
RULES = [
    (AccessGroup.THRESHOLDS, HERE, True),
    (AccessGroup.THRESHOLDS, AWAY, True),
    (AccessGroup.THRESHOLDS, Client("carl", "ws1", "127.0.0.1"), False),
    (AccessGroup.THRESHOLDS, STRANGER, False),
    (AccessGroup.OPERATOR, Client("carl", "ws1", "127.0.0.1"), True),
    (AccessGroup.OPERATOR, STRANGER, False),
    (AccessGroup.DEFAULT, HERE, False),
]


@pytest.mark.parametrize(("group", "client", "allowed"), RULES)
def test_given_an_access_file_when_a_client_asks_then_its_rules_decide(group, client, allowed):
    assert parse(FILE, "x.acf").may_write(group, client) is allowed


def test_given_a_group_that_is_not_named_when_asked_then_it_has_the_rules_of_default():
    rules = parse("ASG(DEFAULT) { RULE(1, WRITE) }", "x.acf")
    assert rules.may_write(AccessGroup.THRESHOLDS, STRANGER)
    assert not parse("", "x.acf").may_write(AccessGroup.DEFAULT, HERE)


def test_given_no_access_file_when_asked_then_this_host_writes_and_no_other():
    rules = built_in_rules()
    assert all(rules.may_write(group, HERE) for group in AccessGroup)
    assert not any(rules.may_write(group, AWAY) for group in AccessGroup)
    assert not any(rules.may_write(group, Client("a", "b", "")) for group in AccessGroup)


FAULTS = {
    "ASG(DEFAULT) { RULE(1, WRITE) { UAG(nobody) } }": "x.acf:1: expected a UAG defined above",
    "ASG(DEFAULT)\n{ RULE(2, WRITE) }": "x.acf:2: expected 0 or 1, received '2'",
    "ASG(DEFAULT) { RULE(1, DELETE) }": "expected NONE, READ or WRITE, received 'DELETE'",
    "UAG experts { anna }": "expected '\\(', received 'experts'",
    "UAG(experts) { anna ": "received the end",
    "ASG(DEFAULT) { INPA(beam) }": "INPx and CALC are not supported",
    'ASG(DEFAULT) { RULE(1, WRITE) { CALC("A=1") } }': "INPx and CALC are not supported",
    "GROUP(a) {}": "expected UAG, HAG or ASG, received 'GROUP'",
    "UAG(a) { b; c }": "did not expect ';'",
    "\n\nUAG(": "x.acf:3: expected a name, received the end",
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.items(), ids=range(len(FAULTS)))
def test_given_a_faulty_access_file_when_read_then_the_line_and_the_fault_are_named(text, fault):
    with pytest.raises(ConfigError, match=fault):
        parse(text, "x.acf")


def test_given_random_bytes_when_read_as_access_file_then_only_a_config_error_comes():
    refused = []
    for seed in range(500):
        text = os.urandom(seed % 80).decode("latin-1")
        try:
            parse(f"ASG(DEFAULT) {{ {text} }}", "x.acf")
        except ConfigError as error:
            refused.append(str(error))
    assert len(refused) > 400
    assert all("x.acf" in text for text in refused)


def test_given_a_missing_access_file_when_loaded_then_it_is_an_error():
    with pytest.raises(ConfigError, match=r"nowhere\.acf"):
        load_rules(Config(ioc={"access_file": "/nowhere.acf"}))


def test_given_the_example_file_when_loaded_then_it_is_good():
    example = Path(__file__).parents[2] / "deploy" / "access.acf"
    rules = load_rules(Config(ioc={"access_file": example}))
    assert rules.may_write(AccessGroup.OPERATOR, HERE)
    assert not rules.may_write(AccessGroup.THRESHOLDS, HERE)
    assert not rules.may_write(AccessGroup.DEFAULT, HERE)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """An IOC where only the user ``anna`` may change thresholds, and operators acknowledge."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="hy"))
    access = folder / "x.acf"
    access.write_text(
        "UAG(nobody) { anna }\n"
        "ASG(THRESHOLDS) { RULE(1, WRITE) { UAG(nobody) } }\n"
        "ASG(OPERATOR) { RULE(1, WRITE) }\n"
    )
    rig = Rig(folder, plots=2, ioc={"access_file": str(access)})
    yield rig
    rig.close()
    shutil.rmtree(folder)


def test_given_no_permission_when_connected_then_the_threshold_is_read_only(guarded):
    assert not guarded.ca.ask("connect", pv="BCAL_occupancy:Threshold:Bad")["write"]
    assert guarded.ca.ask("connect", pv="BCAL_occupancy:Ignore")["write"]
    assert guarded.ca.ask("connect", pv="BCAL_occupancy:Class")["write"]
    assert not guarded.ca.ask("connect", pv="Keeper:State")["write"]


def test_given_no_permission_when_put_over_pva_then_it_is_refused_and_counted(guarded):
    count = guarded.ca.value("Ioc:Refused")
    with pytest.raises(RemoteError, match=r"may not write to .* security group THRESHOLDS"):
        guarded.pva.put("T:BCAL_occupancy:Threshold:Bad", 0.4)
    wait_until(lambda: guarded.ca.value("Ioc:Refused") == count + 1, "it is counted")
    assert not guarded.keeper.fake.received[1:]


def test_given_no_permission_when_put_by_hand_over_ca_then_it_is_refused_and_counted(guarded):
    import struct

    from tests.ioc.test_puts import raw_put

    count = guarded.ca.value("Ioc:Refused")
    answer = raw_put(
        guarded.config.ioc.ca_port,
        b"T:BCAL_occupancy:Threshold:Bad",
        6,
        1,
        struct.pack(">d", 0.4),
    )
    assert b"may not write" in answer
    assert guarded.ca.value("Ioc:Refused") == count + 1


def test_given_an_unusable_access_file_when_the_ioc_starts_then_it_says_why_and_exits(folder):
    import subprocess

    from tests.ioc.rig import HYDRA, write_config

    access = folder / "x.acf"
    access.write_text("ASG(")
    path = write_config(folder, ioc={"access_file": str(access)})
    done = subprocess.run(
        [HYDRA, "--config", path, "ioc"], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 1
    assert f"hydra-ioc: {access}:1: expected a name, received the end" in done.stderr
