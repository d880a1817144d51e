"""Unknown instead of a guess: tables for the rules, properties for what must hold always."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.alarm import Severity, Status
from pipeline.keeper.judge import Likeness, Reading, judge, novelty_severity, similarity_severity
from pipeline.messages import SimilarityRef
from tests.pipeline.keeper.test_judge import ENTRY, THRESHOLDS

NONE, MINOR, MAJOR, INVALID = Severity
REFERENCES = SimilarityRef(set_id=3, version=1, count=5, threshold=0.01)
LIKE = Likeness(3, 0.4, 0.01)
UNLIKE = Likeness(3, 0.001, 0.01)
BROKEN = Likeness(3, None, 0.01, "the graph is gone")
GOOD = {"Good": 0.9, "Bad": 0.1}
BAD = {"Good": 0.1, "Bad": 0.9}
WITH = replace(ENTRY, similarity=REFERENCES)
ALONE = replace(WITH, model=None)

fractions = st.floats(0.0, 1.0)
likenesses = st.none() | st.builds(
    Likeness, st.integers(1, 4), st.none() | fractions, fractions, st.text(max_size=50)
)


def verdict(entry, reading, beam_on=True):
    return judge(entry, THRESHOLDS, reading, beam_on)


@pytest.mark.parametrize(
    ("entry", "weights", "likeness", "label", "severity"),
    [
        (WITH, GOOD, LIKE, "Good", NONE),
        (WITH, GOOD, UNLIKE, "Unknown", MINOR),
        (WITH, BAD, LIKE, "Bad", MAJOR),
        (WITH, BAD, UNLIKE, "Bad", MAJOR),
        (WITH, GOOD, BROKEN, "Good", NONE),
        (ALONE, {}, LIKE, "Good", NONE),
        (ALONE, {}, UNLIKE, "Unknown", MINOR),
        (ALONE, {}, BROKEN, "Nothing", INVALID),
    ],
)
def test_given_weights_and_similarity_when_judged_then_the_table_holds(
    entry, weights, likeness, label, severity
):
    found = verdict(entry, Reading(weights=weights, likeness=likeness))
    assert (found.label, found.severity) == (label, severity)
    assert "similarity" in found.reason


def test_given_references_that_only_watch_when_an_image_is_unlike_them_then_the_label_stays():
    entry = replace(WITH, similarity=replace(REFERENCES, decides=False))
    reading = Reading(weights=GOOD, likeness=UNLIKE)
    assert verdict(entry, reading).label == "Good"
    assert similarity_severity(entry, reading, True) is MINOR


def test_given_other_references_now_when_the_image_on_show_is_judged_then_its_threshold_stays():
    entry = replace(WITH, similarity=replace(REFERENCES, set_id=4, threshold=0.9))
    assert verdict(entry, Reading(weights=GOOD, likeness=LIKE)).label == "Good"
    changed = replace(WITH, similarity=replace(REFERENCES, threshold=0.9))
    assert verdict(changed, Reading(weights=GOOD, likeness=LIKE)).label == "Unknown"


def test_given_a_missing_similarity_when_shown_then_it_is_invalid_and_no_beam_does_not_hide_it():
    reading = Reading(weights=GOOD, likeness=BROKEN)
    assert similarity_severity(WITH, reading, False) is INVALID


def test_given_a_low_weight_when_the_plot_asks_for_more_then_it_is_unknown_and_alarms():
    entry = replace(ENTRY, unknown_below=0.6)
    found = verdict(entry, Reading(weights={"Good": 0.55, "Bad": 0.45}))
    assert (found.label, found.severity, found.status) == ("Unknown", MINOR, Status.STATE)
    assert "no weight reaches 0.6" in found.reason
    assert verdict(entry, Reading(weights=GOOD)).label == "Good"


def test_given_a_novel_image_when_judged_then_it_is_unknown():
    entry = replace(ENTRY, novel_below=0.01)
    assert verdict(entry, Reading(weights=GOOD, novelty=0.001)).label == "Unknown"
    assert verdict(entry, Reading(weights=GOOD, novelty=0.5)).label == "Good"


def test_given_a_novel_image_when_its_bad_label_is_confirmed_then_it_stays_bad():
    entry = replace(ENTRY, novel_below=0.01)
    found = verdict(entry, Reading(weights={"Good": 0.01, "Bad": 0.99}, novelty=0.0))
    assert (found.label, found.confirmed, found.severity) == ("Bad", True, Severity.MAJOR)
    assert "novel: 0 < 0.01" in found.reason


def test_given_a_novel_image_when_bad_is_not_confirmed_then_it_is_unknown_and_no_quieter():
    entry = replace(ENTRY, novel_below=0.01)
    weights = {"Good": 0.4, "Bad": 0.6}
    plain, novel = (verdict(entry, Reading(weights=weights, novelty=n)) for n in (0.5, 0.0))
    assert not plain.confirmed
    assert novel.label == "Unknown"
    assert novel.severity >= max(plain.severity, MINOR)


@given(fractions, st.none() | fractions, fractions)
def test_given_any_novelty_when_bad_is_confirmed_then_nothing_makes_it_less(
    bad, novelty, novel_below
):
    reading = Reading(weights={"Good": 1 - bad, "Bad": bad}, novelty=novelty)
    plain = verdict(ENTRY, reading)
    novel = verdict(replace(ENTRY, novel_below=novel_below), reading)
    if plain.confirmed and plain.severity:
        assert (novel.label, novel.severity, novel.confirmed) == (plain.label, plain.severity, True)


def test_given_a_limit_when_the_novelty_is_not_known_then_the_verdict_stands_and_says_so():
    entry = replace(ENTRY, novel_below=0.01)
    found = verdict(entry, Reading(weights=GOOD))
    assert found.label == "Good"
    assert "how novel it is is not known" in found.reason


@pytest.mark.parametrize(
    ("change", "beam", "expected"),
    [
        ({}, True, MINOR),
        ({"ignored": True}, True, 0),
        ({}, False, 0),
        ({"novel_below": 0.0}, True, 0),
    ],
)
def test_given_a_novel_image_when_shown_then_the_novelty_itself_alarms_where_the_plot_may(
    change, beam, expected
):
    entry = replace(replace(ENTRY, novel_below=0.01), **change)
    assert novelty_severity(entry, Reading(weights=GOOD, novelty=0.001), beam) == expected
    assert novelty_severity(entry, Reading(weights=GOOD), beam) == 0


@given(fractions, fractions, fractions, likenesses, st.none() | fractions)
def test_given_anything_when_unknown_then_it_alarms_and_never_confirms(
    good, unknown_below, novel_below, likeness, novelty
):
    entry = replace(WITH, unknown_below=unknown_below, novel_below=novel_below)
    reading = Reading(weights={"Good": good, "Bad": 1 - good}, likeness=likeness, novelty=novelty)
    found = verdict(entry, reading)
    if found.label == "Unknown":
        assert found.severity >= MINOR
        assert not found.confirmed


@given(fractions, fractions, likenesses, st.none() | fractions)
def test_given_anything_when_doubted_then_the_alarm_is_never_lower_than_without_the_doubt(
    good, below, likeness, novelty
):
    weights = {"Good": good, "Bad": 1 - good}
    plain = verdict(ENTRY, Reading(weights=weights))
    doubted = verdict(
        replace(WITH, unknown_below=below, novel_below=below),
        Reading(weights=weights, likeness=likeness, novelty=novelty),
    )
    assert doubted.severity >= plain.severity


@given(likenesses.filter(bool))
def test_given_references_alone_when_judged_then_good_needs_a_similarity_that_reaches(likeness):
    found = verdict(ALONE, Reading(likeness=likeness))
    if found.label == "Good":
        threshold = 0.01 if likeness.set_id == 3 else likeness.threshold
        assert likeness.value >= threshold


def test_given_a_similarity_that_is_no_number_when_judged_then_it_is_unlike():
    found = verdict(ALONE, Reading(likeness=Likeness(3, math.nan, 0.01)))
    assert (found.label, found.severity) == ("Unknown", MINOR)
