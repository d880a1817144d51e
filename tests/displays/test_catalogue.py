"""The catalogue PV is text from outside."""

import json

import pytest

from displays.catalogue import CatalogueError, Label, Plot, name_part, palette, parse
from displays.text import age_text, clock, percent
from pipeline.alarm import Severity

ENTRY = {
    "name": "CDC_occupancy",
    "group": "CDC",
    "cadence_s": 20,
    "labels": [
        {"name": "Bad", "colour": "#d62728", "confirmed": 2, "unconfirmed": 1},
        {"name": "Good", "colour": "#2e8b57", "confirmed": 0},
    ],
    "something_new": [1, 2],
}


def test_given_a_catalogue_when_parsed_then_plots_keep_order_labels_and_colours():
    plots = parse(json.dumps({"serial": 3, "plots": [ENTRY, ENTRY | {"name": "FDC"}]}))
    assert [plot.name for plot in plots] == ["CDC_occupancy", "FDC"]
    assert plots[0].label("Bad") == Label("Bad", "#d62728", Severity.MAJOR)
    assert [label.name for label in palette(plots)] == ["Good", "Bad"]
    assert plots[0].is_bad("Bad")
    assert not plots[0].is_bad("Good")
    assert not plots[0].is_bad(None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        "{}",
        "3",
        '{"plots": 3}',
        '{"plots": [3]}',
        '{"plots": [{}]}',
        json.dumps({"plots": [ENTRY, ENTRY]}),
        json.dumps({"plots": [ENTRY | {"name": "x" * 61}]}),
        json.dumps({"plots": [ENTRY | {"name": 3}]}),
        json.dumps({"plots": [ENTRY | {"group": None}]}),
        json.dumps({"plots": [ENTRY | {"cadence_s": 0}]}),
        json.dumps({"plots": [ENTRY | {"cadence_s": True}]}),
        json.dumps({"plots": [ENTRY | {"cadence_s": "1"}]}),
        json.dumps({"plots": [ENTRY | {"labels": 3}]}),
        json.dumps({"plots": [ENTRY | {"labels": [3]}]}),
        json.dumps({"plots": [ENTRY | {"labels": [{"name": "Bad", "colour": "red"}]}]}),
        json.dumps({"plots": [ENTRY | {"labels": [{"name": "Bad", "confirmed": 9}]}]}),
        json.dumps({"plots": [ENTRY | {"labels": [{"name": "Bad", "confirmed": []}]}]}),
        json.dumps({"plots": [ENTRY | {"labels": [{"name": "L"}] * 17}]}),
        json.dumps({"plots": [ENTRY | {"name": f"p{i}"} for i in range(501)]}),
        '{"plots": [{"name": "a", "cadence_s": NaN}]}',
    ],
)
def test_given_a_malformed_catalogue_when_parsed_then_it_is_refused(text):
    with pytest.raises(CatalogueError, match=r"expected|malformed"):
        parse(text)


def test_given_a_name_with_other_characters_when_a_pv_is_named_then_they_become_underscores():
    assert name_part("BCAL: hits (E>1)") == "BCAL_hits_E_1_"
    assert Plot("a.b").pv_part == "a_b"


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (None, "age unknown"),
        (float("nan"), "age unknown"),
        (float("inf"), "age unknown"),
        (-400.0, "in the future"),
        (-3.0, "now"),
        (0.4, "now"),
        (12.9, "12 s ago"),
        (61.0, "1 min ago"),
        (7300.0, "2 h ago"),
        (200_000.0, "2 d ago"),
    ],
)
def test_given_an_age_when_written_then_its_size_is_plain(age, text):
    assert age_text(age) == text


def test_given_a_weight_just_below_one_when_written_then_it_is_not_rounded_up():
    assert percent(0.99999) == "99.9 %"
    assert percent(1.0) == "100.0 %"
    assert percent(0.8023) == "80.2 %"
    assert percent(None) == "?"


def test_given_a_time_when_shortened_then_the_time_of_day_is_left():
    assert clock("2026-11-21T02:40:00.100+00:00") == "02:40:00"
    assert clock("2026-11-21 02:40:00") == "02:40:00"
    assert clock("Tuesday morning") == "Tuesday morning"
