"""Judging over time: what is published, how late at most, and after a restart."""

from dataclasses import replace as change

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.alarm import Severity, Status
from pipeline.keeper.judge import NOTHING, Reading, judge
from pipeline.keeper.steadiness import Course, Seen, run_through, step, tell
from pipeline.messages import LabelPolicy, PlotEntry, Steadiness

NONE, MINOR, MAJOR, INVALID = Severity
PALETTE = (
    LabelPolicy(name="Good"),
    LabelPolicy(name="Bad", confirmed=MAJOR, unconfirmed=MINOR),
)
ENTRY = PlotEntry(plot_type_id=1, name="CDC_occupancy", labels=PALETTE)
THRESHOLDS = {"Good": 0.5, "Bad": 0.65}


def seen(bad: float | None, at: float, threshold: float = 0.65) -> Seen:
    """An image by the weight of Bad; None is a model that failed."""
    if bad is None:
        reading = Reading(error="out of memory", run=1, chunk=int(at))
    else:
        reading = Reading(weights={"Good": 1.0 - bad, "Bad": bad}, run=1, chunk=int(at))
    thresholds = THRESHOLDS | {"Bad": threshold}
    verdict = judge(ENTRY, thresholds, reading, None)
    return Seen(at, verdict, reading.weights, thresholds)


def stream(weights, every: float = 10.0, threshold: float = 0.65):
    return [seen(bad, every * i, threshold) for i, bad in enumerate(weights)]


def shows(rules: Steadiness, images) -> list:
    """What is published right after each image."""
    course, told = Course(), []
    for image in images:
        course = step(rules, ENTRY, course, image)
        told.append(tell(rules, course, image.at))
    return told


weights = st.lists(st.none() | st.floats(0.0, 1.0), min_size=1, max_size=40)
rules_of = st.builds(
    Steadiness,
    consecutive=st.integers(1, 4),
    hysteresis=st.floats(0.0, 0.3),
    hold_s=st.sampled_from([0.0, 15.0, 60.0]),
    delay_s=st.sampled_from([0.0, 15.0, 60.0]),
    count=st.integers(0, 3),
)
few = settings(max_examples=80, deadline=None)


@few
@given(weights)
def test_given_no_rules_when_images_come_then_each_is_judged_by_itself(bad):
    images = stream(bad)
    assert shows(Steadiness(), images) == [image.verdict for image in images]


@few
@given(weights, rules_of)
def test_given_any_rules_when_the_model_fails_then_it_shows_at_once(bad, rules):
    for verdict, image in zip(shows(rules, stream(bad)), stream(bad), strict=True):
        if image.verdict.severity is INVALID:
            assert verdict == image.verdict


@few
@given(st.lists(st.floats(0.0, 0.49), min_size=1, max_size=30), rules_of)
def test_given_only_good_images_when_judged_over_time_then_nothing_alarms(bad, rules):
    told = shows(rules, stream(bad))
    assert all(v.severity is NONE or v.label == NOTHING for v in told)


@few
@given(weights, rules_of)
def test_given_an_alarm_when_it_shows_then_an_image_within_its_bounds_caused_it(bad, rules):
    images = stream(bad)
    for index, verdict in enumerate(shows(rules, images)):
        if verdict.severity in (NONE, INVALID):
            continue
        causes = [i for i in range(index + 1) if images[i].verdict.severity >= MINOR]
        assert causes, verdict


@few
@given(weights, rules_of)
def test_given_enough_bad_images_when_the_delay_is_over_then_it_alarms(bad, rules):
    firm = rules.consecutive + int(rules.delay_s // 10) + 1
    images = stream([*(b for b in bad if b is not None), *[0.99] * firm])
    assert shows(rules, images)[-1].severity is MAJOR


@few
@given(weights, rules_of)
def test_given_enough_good_images_when_the_hold_is_over_then_nothing_alarms(bad, rules):
    calm = rules.consecutive + int(rules.hold_s // 10) + 2
    images = stream([*bad, *[0.0] * calm])
    last = shows(rules, images)[-1]
    assert (last.label, last.severity) == ("Good", NONE)


@few
@given(weights, rules_of, st.integers(0, 40))
def test_given_a_restart_anywhere_when_images_go_on_then_the_same_is_shown(bad, rules, cut):
    images = stream(bad)
    again = run_through(rules, ENTRY, images[:cut])
    told = []
    for image in images[cut:]:
        again = step(rules, ENTRY, again, image)
        told.append(tell(rules, again, image.at))
    assert told == shows(rules, images)[min(cut, len(images)) :]


@few
@given(
    st.lists(st.floats(0.51, 1.0), min_size=1, max_size=30),
    rules_of,
    st.floats(0.5, 0.95),
    st.floats(0.0, 0.3),
)
def test_given_a_lower_threshold_when_bad_goes_on_then_it_confirms_no_less(
    bad, rules, threshold, less
):
    # One label all the time, no waiting: confirmation alone depends on the threshold.
    plain = replace(rules, consecutive=1)
    high = shows(plain, stream(bad, threshold=threshold))
    low = shows(plain, stream(bad, threshold=max(0.0, threshold - less)))
    assert all(one.confirmed <= other.confirmed for one, other in zip(high, low, strict=True))


def test_given_a_weight_that_oscillates_about_its_threshold_then_one_alarm_not_many():
    swing = [0.65 + 0.02 * (-1) ** i for i in range(20)]
    course, alarms, before = Course(), {0.0: 0, 0.05: 0}, NONE
    for margin in alarms:
        before = NONE
        rules = Steadiness(hysteresis=margin)
        for verdict in shows(rules, stream([0.1, *swing])):
            alarms[margin] += verdict.severity is MAJOR and before is not MAJOR
            before = verdict.severity
    assert course == Course()
    assert alarms == {0.0: 10, 0.05: 1}


def test_given_a_weight_that_oscillates_about_one_half_then_the_label_stays():
    swing = [0.52, 0.48, 0.52, 0.48]
    told = shows(Steadiness(hysteresis=0.1), stream(swing))
    assert [v.label for v in told] == ["Bad"] * 4
    assert "Bad until Good is heavier by 0.1" in told[1].reason
    # The worse label is never kept waiting.
    assert shows(Steadiness(hysteresis=0.1), stream([0.1, 0.52]))[1].label == "Bad"


def test_given_three_in_a_row_when_pending_then_the_reason_counts_them():
    told = shows(Steadiness(consecutive=3), stream([0.1, 0.1, 0.1, 0.9, 0.9, 0.9]))
    assert [v.label for v in told] == [NOTHING, NOTHING, "Good", "Good", "Good", "Bad"]
    assert (told[0].severity, told[0].status) == (INVALID, Status.UDF)
    assert "no state yet: pending Good 1 of 3" in told[0].reason
    assert "pending Bad 2 of 3: Bad 0.9 >= threshold 0.65" in told[4].reason
    assert told[4].severity is NONE
    assert told[5].severity is MAJOR


def test_given_a_delay_when_time_passes_between_images_then_the_alarm_comes_by_itself():
    rules = Steadiness(delay_s=30.0)
    course = run_through(rules, ENTRY, stream([0.1, 0.9]))
    early, late = tell(rules, course, 39.0), tell(rules, course, 40.0)
    assert early is not None and late is not None
    assert (early.label, early.severity) == ("Bad", NONE)
    assert "not OK for 29 s, no alarm before 30 s" in early.reason
    assert late.severity is MAJOR


def test_given_a_count_when_it_is_not_ok_too_often_then_it_alarms_before_the_delay():
    rules = Steadiness(delay_s=100.0, count=2)
    told = shows(rules, stream([0.9, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1]))
    assert [v.severity for v in told] == [NONE, NONE, NONE, NONE, MAJOR, MAJOR, NONE]
    assert "more than 2 times, now 2" in told[2].reason


def test_given_a_hold_when_the_cause_goes_then_the_alarm_stays_for_it():
    rules = Steadiness(hold_s=25.0)
    images = stream([0.9, 0.1, 0.1])
    told = shows(rules, images)
    assert [v.severity for v in told] == [MAJOR, MAJOR, MAJOR]
    assert "alarm held for 25 s after its cause" in told[1].reason
    assert told[1].label == "Bad"
    after = tell(rules, run_through(rules, ENTRY, images), 35.0)
    assert after is not None
    assert (after.label, after.severity) == ("Good", NONE)


def test_given_a_cut_past_when_it_was_never_ok_then_no_delay_holds_the_alarm_back():
    rules = Steadiness(delay_s=1000.0)
    images = stream([0.9, 0.9])
    kept = tell(rules, run_through(rules, ENTRY, images), 10.0)
    cut = tell(rules, run_through(rules, ENTRY, images, cut=True), 10.0)
    assert kept is not None and cut is not None
    assert (kept.severity, cut.severity) == (NONE, MAJOR)


def test_given_no_beam_when_an_image_was_taken_then_hysteresis_alarms_neither():
    dark = change(seen(0.6, 10.0), beam_on=False)
    dark = change(dark, verdict=change(dark.verdict, severity=NONE))
    rules = Steadiness(hysteresis=0.1)
    course = run_through(rules, ENTRY, [seen(0.9, 0.0), dark])
    told = tell(rules, course, 10.0)
    assert told is not None
    assert (told.label, told.confirmed, told.severity) == ("Bad", True, NONE)
