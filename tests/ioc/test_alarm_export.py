"""The configurations of alarm handlers obey what the handlers ask for."""

import re
from xml.etree import ElementTree

import msgspec
import pytest

from ioc.alarm_alh import export_alh
from ioc.alarm_phoebus import export_phoebus
from ioc.alarm_tree import alarm_tree
from ioc.listing import expected_stages, list_all
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.messages import Catalogue
from tests.ioc.fake_keeper import make_catalogue, make_entry

CONFIG = Config()
NASTY = (
    "$END of the shift\n"
    "Überprüfe die Hochspannung - 5 µA?\r\n"
    "\tsecond\x07 line\n\n" + "word " * 400 + "\n" + "x" * 700 + "\n" + "line\n" * 300
)


def catalogue() -> Catalogue:
    plots = list(make_catalogue(92).plots)
    plots[0] = msgspec.structs.replace(
        plots[0], guidance=NASTY, description="Besetzung für alle Kanäle " + "y" * 400
    )
    plots[1] = msgspec.structs.replace(plots[1], ignored=True)
    plots[2] = msgspec.structs.replace(plots[2], guidance="", contact="")
    plots[3] = msgspec.structs.replace(plots[3], group="Forward Drift Chamber (1)")
    return Catalogue(serial=1, plots=tuple(plots))


def tree():
    listing = list_all(CONFIG, catalogue())
    return alarm_tree(CONFIG.prefix, CONFIG.deployment, listing, expected_stages(CONFIG))


@pytest.fixture(scope="module")
def text() -> str:
    return export_alh(tree(), CONFIG.prefix)


@pytest.fixture(scope="module")
def lines(text: str) -> list[str]:
    return text.split("\n")[:-1]


def test_given_any_catalogue_when_exported_then_lines_are_short_ascii_and_end_with_lf(text):
    assert text.isascii()
    assert "\r" not in text
    assert text.endswith("\n")
    assert max(map(len, text.split("\n"))) <= 499
    assert all(line.isprintable() for line in text.split("\n"))


def test_given_groups_when_exported_then_there_is_one_root_and_names_are_single_words(lines):
    groups = [line.split(" ") for line in lines if line.startswith("GROUP ")]
    assert all(len(words) == 3 for words in groups)
    assert all(len(name) <= 64 for _, _, name in groups)
    assert [parent for _, parent, _ in groups].count("NULL") == 1
    assert groups[0] == ["GROUP", "NULL", "Hydra_demo"]
    assert ["GROUP", "Plots", "Forward_Drift_Chamber_1_"] in groups


def test_given_the_tree_when_exported_then_every_parent_is_the_current_group_or_above(lines):
    """As ALH reads it: a channel or group under an ancestor makes that current."""
    path: list[str] = []
    for line in lines:
        words = line.split(" ")
        if words[0] == "GROUP":
            parent = words[1]
            if parent != "NULL":
                assert parent in path, line
                path = path[: path.index(parent) + 1]
            path.append(words[2])
        elif words[0] == "CHANNEL":
            assert words[1] == path[-1], line
            assert len(words[2]) <= 65


def test_given_plots_when_exported_then_every_one_that_is_not_ignored_is_a_channel_once(lines):
    channels = [line.split(" ")[2] for line in lines if line.startswith("CHANNEL ")]
    assert len(channels) == len(set(channels))
    expected = {f"HYDRA:{entry.name}:Class" for entry in catalogue().plots if not entry.ignored}
    assert expected <= set(channels)
    assert "HYDRA:BCAL_hit_rate:Class" not in channels
    assert {"HYDRA:Keeper:State", "HYDRA:Predict1:State", "HYDRA:Feeder:Queue"} <= set(channels)


def test_given_guidance_when_exported_then_it_ends_once_and_is_short_enough(lines):
    blocks, inside = [], None
    for line in lines:
        if line == "$GUIDANCE":
            assert inside is None
            inside = []
        elif line == "$END":
            blocks.append(inside)
            inside = None
        elif inside is not None:
            assert not line.startswith("$"), line
            inside.append(line)
    assert inside is None
    assert blocks
    assert all(0 < len(block) < 199 for block in blocks)


def test_given_guidance_when_exported_then_it_names_the_contact(text):
    assert "Uberprufe die Hochspannung - 5 ?A?" in text
    assert "Point of contact: BCAL expert, phone 5123" in text
    assert "Point of contact: none is entered in the catalogue" in text


def test_given_a_silent_producer_when_handled_then_it_is_one_alarm(lines):
    """The plots are masked by the producer; the producer's own alarm is outside."""
    assert "$FORCEPV HYDRA:Producer -D--- 1 0" in lines
    force = lines.index("$FORCEPV HYDRA:Producer -D--- 1 0")
    owner = next(line for line in reversed(lines[:force]) if line.startswith("GROUP "))
    assert owner == "GROUP Hydra_demo Plots"
    assert "CHANNEL Hydra_demo HYDRA:Producer" in lines


def test_given_options_when_exported_then_each_stands_where_alh_takes_it(lines):
    root = lines.index("GROUP NULL Hydra_demo")
    assert lines[root + 1 : root + 4] == [
        "$ALIAS Hydra demo",
        "$BEEPSEVERITY MINOR",
        "$HEARTBEATPV HYDRA:AlarmHandler:Heartbeat 10 1",
    ]
    owner = ""
    seen: set[str] = set()
    for line in lines:
        if line.startswith(("GROUP ", "CHANNEL ")):
            owner, seen = line.split(" ")[0], set()
        elif match := re.match(r"\$(\w+)", line):
            option = match[1]
            assert option in {
                "ALIAS", "BEEPSEVERITY", "HEARTBEATPV", "FORCEPV", "GUIDANCE", "END",
                "ALARMCOUNTFILTER",
            }  # fmt: skip
            assert option not in seen or option == "END"
            seen.add(option)
            if option == "ALARMCOUNTFILTER":
                assert owner == "CHANNEL"
                assert line == "$ALARMCOUNTFILTER 1 3"


def test_given_a_group_name_that_alh_would_cut_when_exported_then_it_is_refused():
    entry = make_entry(1, "Plot", "G" * 65)
    listing = list_all(CONFIG, Catalogue(serial=1, plots=(entry,)))
    grown = alarm_tree("HYDRA:", "demo", listing, [])
    with pytest.raises(InputError, match="has 65 characters, ALH takes 64"):
        export_alh(grown, "HYDRA:")


@pytest.fixture(scope="module")
def xml() -> ElementTree.Element:
    return ElementTree.fromstring(  # noqa: S314 - our own text
        export_phoebus(tree(), delay_s=5, screen="run.py")
    )


def test_given_the_tree_when_exported_for_phoebus_then_it_has_the_same_alarms(xml, lines):
    channels = {line.split(" ")[2] for line in lines if line.startswith("CHANNEL ")}
    assert {pv.get("name") for pv in xml.iter("pv")} == channels
    assert xml.tag == "config"
    assert xml.get("name") == "Hydra_demo"


def test_given_a_plot_when_exported_for_phoebus_then_it_says_what_to_do(xml):
    pv = next(pv for pv in xml.iter("pv") if pv.get("name") == "HYDRA:BCAL_timing:Class")
    assert pv.findtext("enabled") == "true"
    assert pv.findtext("latching") == "true"
    assert pv.findtext("delay") == "5"
    assert pv.findtext("filter") == "'HYDRA:Producer' == 0"
    assert "Point of contact" in pv.findtext("guidance/details")
    assert pv.findtext("display/details") == "run.py"
    producer = next(pv for pv in xml.iter("pv") if pv.get("name") == "HYDRA:Producer")
    assert producer.find("filter") is None


def test_given_nested_groups_when_exported_for_phoebus_then_names_differ_in_each(xml):
    for component in (xml, *xml.iter("component")):
        names = [child.get("name") for child in component if child.get("name")]
        assert len(names) == len(set(names))
