"""The judge: tables for the rules, properties for what must hold always."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.alarm import Severity, Status
from pipeline.keeper.judge import (
    UNDEFINED,
    Reading,
    beam_is_on,
    judge,
    needs_a_look,
    present,
)
from pipeline.messages import LabelPolicy, ModelRef, PlotEntry

NONE, MINOR, MAJOR, INVALID = Severity
PALETTE = (
    LabelPolicy(name="Good"),
    LabelPolicy(name="Bad", confirmed=MAJOR, unconfirmed=MINOR),
    LabelPolicy(name="NoData", confirmed=MINOR, unconfirmed=MINOR),
    LabelPolicy(name="Cosmic"),
)
MODEL = ModelRef(
    model_id=1,
    digest="a" * 64,
    input_shape=(8, 8, 3),
    preprocessing="area-rgb",
    labels=("Good", "Bad"),
)
ENTRY = PlotEntry(plot_type_id=1, name="CDC_occupancy", labels=PALETTE, model=MODEL)
THRESHOLDS = {"Good": 0.5, "Bad": 0.65, "NoData": 0.5, "Cosmic": 0.5}
EPSILON = math.ulp(0.65)

fractions = st.floats(0.0, 1.0)
names = [policy.name for policy in PALETTE]
weights = st.dictionaries(st.sampled_from(names), fractions, min_size=1)
thresholds = st.dictionaries(st.sampled_from(names), fractions)
faults = st.tuples(st.text(max_size=5000), st.text(max_size=5000))
beams = st.sampled_from([None, True, False])
odd_weights = st.dictionaries(st.text(max_size=5) | st.sampled_from(names), st.floats())
entries = st.builds(
    lambda ignored, probation, model: replace(
        ENTRY, ignored=ignored, model=replace(MODEL, probation=probation) if model else None
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
readings = st.builds(
    Reading,
    weights=odd_weights,
    judged=st.booleans(),
    error=st.text(max_size=5000),
    offline=st.booleans(),
    beam_on=beams,
    run=st.integers(-1, 10**9),
    chunk=st.integers(0, 10**9),
)


def verdict(given_weights, limits=THRESHOLDS, entry=ENTRY, beam_on=None, **fields):
    return judge(entry, limits, Reading(weights=given_weights, run=7, chunk=3, **fields), beam_on)


@pytest.mark.parametrize(
    ("weight", "confirmed", "severity"),
    [
        (0.65 - EPSILON, False, MINOR),
        (0.65, True, MAJOR),
        (0.65 + EPSILON, True, MAJOR),
        (1.0, True, MAJOR),
        (0.51, False, MINOR),
    ],
)
def test_given_a_weight_at_the_threshold_when_judged_then_equality_confirms(
    weight, confirmed, severity
):
    found = verdict({"Good": 0.1, "Bad": weight})
    assert (found.label, found.confirmed, found.severity) == ("Bad", confirmed, severity)
    assert found.status is Status.STATE


@pytest.mark.parametrize(
    ("label", "weight", "severity"),
    [
        ("Good", 0.9, NONE),
        ("Good", 0.4, NONE),
        ("Bad", 0.9, MAJOR),
        ("Bad", 0.4, MINOR),
        ("NoData", 0.9, MINOR),
        ("NoData", 0.4, MINOR),
        ("Cosmic", 0.9, NONE),
    ],
)
def test_given_a_label_when_judged_then_the_palette_decides_severity_and_status(
    label, weight, severity
):
    found = verdict({label: weight})
    assert (found.label, found.severity) == (label, severity)
    assert found.status is (Status.STATE if severity else Status.NO_ALARM)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (verdict({"Bad": 0.97}), "Bad 0.97 >= threshold 0.65, run 7 chunk 3"),
        (verdict({"Bad": 0.6}), "Bad 0.6 < threshold 0.65: unconfirmed, run 7 chunk 3"),
        (
            verdict({"Bad": 0.65 - EPSILON}),
            "Bad 0.6499999999999999 < threshold 0.65: unconfirmed, run 7 chunk 3",
        ),
        (
            verdict({"Bad": 0.9}, limits={}),
            "Bad 0.9, no threshold: unconfirmed, run 7 chunk 3",
        ),
        (
            verdict({"Bad": 0.97}, beam_on=False),
            "no beam: Bad 0.97 >= threshold 0.65, run 7 chunk 3",
        ),
        (verdict({}, judged=False), "no model, run 7 chunk 3"),
        (verdict({}, error="killed"), "the model failed: killed, run 7 chunk 3"),
        (
            verdict({"Bad": 0.97}, entry=replace(ENTRY, model=replace(MODEL, probation=True))),
            "Bad 0.97 >= threshold 0.65, run 7 chunk 3, model on probation: at most MINOR",
        ),
        (UNDEFINED, "no image yet"),
    ],
)
def test_given_a_verdict_when_read_then_its_reason_is_in_words(found, reason):
    assert found.reason == reason


@pytest.mark.parametrize(
    ("tied", "label"),
    [
        ({"Good": 0.5, "Bad": 0.5}, "Bad"),
        ({"Bad": 0.5, "Good": 0.5}, "Bad"),
        ({"Good": 0.4, "NoData": 0.4}, "NoData"),
        ({"NoData": 0.4, "Bad": 0.4, "Good": 0.2}, "Bad"),
    ],
)
def test_given_equal_weights_when_judged_then_the_one_that_alarms_most_wins(tied, label):
    assert verdict(tied).label == label


@pytest.mark.parametrize("beam_on", [True, None])
@pytest.mark.parametrize("weight", [0.9, 0.4])
def test_given_beam_or_no_knowledge_of_it_when_judged_then_the_gate_is_open(beam_on, weight):
    assert verdict({"Bad": weight}, beam_on=beam_on).severity


@pytest.mark.parametrize("weight", [0.9, 0.4])
@pytest.mark.parametrize(("now", "then"), [(False, None), (False, True), (True, False)])
def test_given_no_beam_now_or_then_when_judged_then_neither_confirmed_nor_not_alarms(
    weight, now, then
):
    found = judge(ENTRY, THRESHOLDS, Reading(weights={"Bad": weight}, beam_on=then), now)
    assert (found.label, found.severity, found.status) == ("Bad", NONE, Status.NO_ALARM)
    assert found.reason.startswith("no beam")


@pytest.mark.parametrize(
    ("given_weights", "word"),
    [
        ({}, "no weights"),
        ({"Good": 0.2, "Diamond": 0.8}, "outside of the palette: Diamond"),
        ({"Good": math.nan}, "no fractions for Good"),
        ({"Good": 0.2, "Bad": math.inf}, "no fractions for Bad"),
    ],
)
def test_given_a_result_of_no_use_when_judged_then_invalid_with_the_reason(given_weights, word):
    found = verdict(given_weights)
    assert (found.label, found.severity, found.status) == ("Nothing", INVALID, Status.CALC)
    assert word in found.reason


@pytest.mark.parametrize(
    ("current", "on"), [(None, None), (math.nan, None), (0.99, False), (1.0, True), (-5.0, False)]
)
def test_given_a_beam_current_when_compared_then_equality_is_beam(current, on):
    assert beam_is_on(current, 1.0) is on


def shown(found, reading=None, entry=ENTRY, stale="", away=""):
    return present(entry, reading or Reading(), found, stale=stale, away=away)


def test_given_a_stale_image_when_presented_then_label_and_weight_stay():
    found = shown(verdict({"Good": 0.9}), stale="no image for 00:03:12, expected every 60 s")
    assert (found.label, found.confidence, found.severity, found.status) == (
        "Good",
        0.9,
        INVALID,
        Status.TIMEOUT,
    )
    assert found.reason.startswith("no image for 00:03:12, expected every 60 s; Good")


def test_given_the_record_away_when_presented_then_comm_before_all_else():
    found = shown(verdict({"Bad": 0.9}), stale="old", away="database away: refused")
    assert (found.severity, found.status) == (INVALID, Status.COMM)
    assert found.reason.startswith("database away: refused; Bad")


@given(readings, entries, thresholds, beams, faults)
def test_given_anything_when_judged_then_it_never_raises(reading, entry, limits, beam_on, ails):
    stale, away = ails
    found = judge(entry, limits, reading, beam_on)
    final = present(entry, reading, found, stale=stale, away=away)
    assert (final.label, final.confidence) == (found.label, found.confidence)
    assert 0.0 <= final.confidence <= 1.0
    assert len(final.reason) <= 4000
    assert final.reason
    assert (final.severity is NONE) == (final.status is Status.NO_ALARM)
    assert isinstance(needs_a_look(entry, found), bool)


@given(weights, thresholds, st.sampled_from(names), fractions, beams)
def test_given_a_higher_threshold_when_judged_then_nothing_becomes_confirmed(
    given_weights, limits, label, higher, beam_on
):
    before = verdict(given_weights, limits, beam_on=beam_on)
    raised = {**limits, label: max(higher, limits.get(label, 0.0))}
    if label in limits:
        after = verdict(given_weights, raised, beam_on=beam_on)
        assert after.label == before.label
        assert after.confirmed <= before.confirmed
        assert after.severity <= before.severity


@given(weights, thresholds)
def test_given_any_weights_when_judged_then_the_heaviest_label_wins(given_weights, limits):
    found = verdict(given_weights, limits)
    assert found.confidence == max(given_weights.values())
    assert given_weights[found.label] == found.confidence


@given(weights, thresholds)
def test_given_the_same_weights_in_another_order_when_judged_then_the_verdict_is_the_same(
    given_weights, limits
):
    turned = dict(reversed(given_weights.items()))
    assert verdict(turned, limits) == verdict(given_weights, limits)


@given(readings, entries, thresholds, beams, faults)
def test_given_an_ignored_or_offline_plot_when_presented_then_it_never_alarms(
    reading, entry, limits, beam_on, ails
):
    stale, away = ails
    final = present(entry, reading, judge(entry, limits, reading, beam_on), stale=stale, away=away)
    if entry.ignored or reading.offline:
        assert final.severity is NONE
        assert final.reason.startswith("ignored" if entry.ignored else "offline")


@given(weights, thresholds, beams)
def test_given_a_model_on_probation_when_judged_then_minor_at_most(given_weights, limits, beam_on):
    trial = replace(ENTRY, model=replace(MODEL, probation=True))
    tried = verdict(given_weights, limits, trial, beam_on)
    sure = verdict(given_weights, limits, ENTRY, beam_on)
    assert tried.severity == min(sure.severity, MINOR)
    assert (tried.label, tried.confirmed) == (sure.label, sure.confirmed)


@given(st.floats(0.26, 1.0), thresholds)
def test_given_bad_and_good_of_one_weight_when_judged_then_bad_is_never_milder(weight, limits):
    level = dict.fromkeys(names, limits.get("Bad", 0.5))
    assert (
        verdict({"Bad": weight}, level).severity
        >= verdict({"NoData": weight}, level).severity
        >= verdict({"Good": weight}, level).severity
    )


@pytest.mark.parametrize(
    ("given_weights", "looks"),
    [
        ({"Bad": 0.9}, True),
        ({"Bad": 0.4}, True),
        ({"Good": 0.4}, True),
        ({"Good": 0.9}, False),
        ({"NoData": 0.9}, False),
        ({}, True),
    ],
)
def test_given_a_verdict_when_asked_then_bad_and_unconfirmed_need_a_look(given_weights, looks):
    assert needs_a_look(ENTRY, verdict(given_weights)) is looks


def test_given_no_model_when_asked_then_nobody_needs_to_look():
    assert not needs_a_look(ENTRY, verdict({}, judged=False))
