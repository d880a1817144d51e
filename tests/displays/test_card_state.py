"""What a card says, as tables."""

import pytest

from displays.card_state import Level, Line, Reading, Tally, face_of, in_bad_column
from displays.catalogue import Label, Plot
from displays.headline import Headline, headline
from pipeline.alarm import Severity, Status

PLOT = Plot(
    "CDC_occupancy",
    "CDC",
    (
        Label("Good", "#2e8b57"),
        Label("Bad", "#d62728", Severity.MAJOR),
        Label("NoData", "#8b5a2b", Severity.MINOR),
        Label("Cosmic", "#00bcd4"),
    ),
)
BEATS, SILENT = Line(), Line(silent_since="02:47:10")
NO, MINOR, MAJOR, INVALID = Severity


def reading(label="Good", severity=NO, **more):
    more = {"connected": True, "confidence": 0.9731, "confirmed": True, "age_s": 3.0} | more
    return Reading(label=label, severity=severity, **more)


LEVELS = [
    (Reading(), BEATS, Level.DISCONNECTED, "DISCONNECTED"),
    (Reading(), SILENT, Level.DISCONNECTED, "DISCONNECTED"),
    (reading("Bad", MAJOR, connected=False), BEATS, Level.DISCONNECTED, "DISCONNECTED"),
    (reading("Good", INVALID, connected=False), BEATS, Level.DISCONNECTED, "DISCONNECTED"),
    (reading("Good"), SILENT, Level.SILENT, "IOC SILENT"),
    (reading("Bad", MAJOR), SILENT, Level.SILENT, "IOC SILENT"),
    (reading(None, None), BEATS, Level.INVALID, "INVALID"),
    (reading("Good", None), BEATS, Level.INVALID, "INVALID"),
    (reading(None, NO), BEATS, Level.INVALID, "INVALID"),
    (reading("Good", INVALID, status=Status.COMM), BEATS, Level.INVALID, "INVALID"),
    (reading("Good", INVALID), BEATS, Level.INVALID, "INVALID"),
    (reading("Good", INVALID, status=Status.TIMEOUT), BEATS, Level.STALE, "STALE"),
    (reading("Bad", INVALID, status=Status.TIMEOUT), BEATS, Level.STALE, "STALE"),
    (reading("Nothing", INVALID, status=Status.UDF), BEATS, Level.NOTHING, "Nothing yet"),
    (reading("NoModel"), BEATS, Level.NO_MODEL, "No model"),
    (reading("Good"), BEATS, Level.GOOD, "Good"),
    (reading("Cosmic"), BEATS, Level.GOOD, "Cosmic"),
    (reading("NoData", MINOR), BEATS, Level.WARNING, "NoData"),
    (reading("Bad", MAJOR), BEATS, Level.BAD, "BAD"),
    (reading("NoData", MAJOR), BEATS, Level.BAD, "NODATA"),
    (reading("Bad", MINOR, confirmed=False), BEATS, Level.UNCONFIRMED, "Bad, unconfirmed"),
    (reading("Bad", MINOR), BEATS, Level.UNCONFIRMED, "Bad, minor"),
    (reading("Bad", NO), BEATS, Level.UNALARMED, "Bad"),
]


@pytest.mark.parametrize(("values", "line", "level", "word"), LEVELS)
def test_given_a_reading_when_judged_then_level_and_word_follow(values, line, level, word):
    face = face_of(PLOT, values, line)
    assert (face.level, face.word) == (level, word)


def test_given_every_reading_of_the_table_when_not_plainly_good_then_it_is_never_good():
    for values, line, level, _ in LEVELS:
        good = (
            values.connected
            and line is BEATS
            and values.label in ("Good", "Cosmic")
            and values.severity == NO
        )
        assert (level == Level.GOOD) == good


def test_given_a_judged_image_when_shown_then_confidence_threshold_age_and_origin_are_told():
    values = reading(thresholds={"Good": 0.8}, run=131458, chunk=12, age_s=130.0)
    face = face_of(PLOT, values, BEATS)
    assert face.verdict == "Good @ 97.3 %"
    assert (face.confidence, face.threshold) == (0.9731, 0.8)
    assert (face.age, face.origin) == ("2 min ago", "Run 131458 · chunk 12")
    assert face.confirmed
    assert face.colour == "#2e8b57"


@pytest.mark.parametrize(
    ("values", "line", "note"),
    [
        (Reading(), BEATS, "no PV of this plot is heard"),
        (reading("Good"), SILENT, "IOC silent since 02:47:10"),
        (
            reading(
                "Good", INVALID, status=Status.TIMEOUT, image_time="2026-11-21T02:40:00.1+00:00"
            ),
            BEATS,
            "no image since 02:40:00",
        ),
        (reading("Good", INVALID, reason="Keeper is silent"), BEATS, "Keeper is silent"),
        (reading("Nothing", INVALID), BEATS, "waiting for the first image"),
        (reading("Bad", MAJOR, reason="Bad 0.97"), BEATS, "Bad 0.97"),
        (reading("Good", reason="Good 0.97"), BEATS, ""),
    ],
)
def test_given_a_state_when_shown_then_the_note_says_why(values, line, note):
    assert face_of(PLOT, values, line).note == note


@pytest.mark.parametrize("line", [BEATS, SILENT])
def test_given_a_verdict_that_is_not_live_when_shown_then_nothing_confirms_it(line):
    values = reading("Good", INVALID, status=Status.TIMEOUT)
    face = face_of(PLOT, values, line)
    assert face.veiled
    assert not face.confirmed
    assert face.verdict.startswith("was ")


def test_given_a_lost_ioc_when_shown_then_no_age_is_claimed():
    assert face_of(PLOT, reading(connected=False), BEATS).age == ""
    assert face_of(PLOT, reading(), SILENT).age == ""


@pytest.mark.parametrize(
    ("values", "moved"),
    [
        (reading("Bad", MAJOR), True),
        (reading("Bad", MINOR), True),
        (reading("Bad", INVALID), True),
        (reading("Bad", MAJOR, connected=False), True),
        (reading("Bad", NO), False),
        (reading("NoData", MINOR), False),
        (reading("Good", INVALID), False),
        (Reading(), False),
    ],
)
def test_given_a_verdict_when_bad_with_alarm_then_it_belongs_into_the_bad_column(values, moved):
    assert in_bad_column(PLOT, values) == moved


@pytest.mark.parametrize("label", ["Good", "Bad", "NoData"])
def test_given_a_plot_taken_out_of_the_alarms_when_shown_then_it_is_never_good(label):
    plot = Plot("p", labels=PLOT.labels, ignored=True)
    face = face_of(plot, reading(label), BEATS)
    assert (face.level, face.word) == (Level.UNALARMED, f"{label}, ignored")
    assert face.note == "taken out of the alarms"


def test_given_a_verdict_that_began_in_sight_when_images_come_then_they_are_counted():
    tally = Tally()
    assert tally.images(reading(since="02:00", count=7)) == 0
    assert tally.images(reading(since="02:00", count=8)) == 0
    assert tally.images(reading(since="03:00", count=9)) == 1
    assert tally.images(reading(since="03:00", count=11)) == 3
    assert tally.images(reading(since="", count=11)) == 0
    assert tally.images(reading(since="04:00", count=12)) == 1


@pytest.mark.parametrize(
    ("levels", "level", "text"),
    [
        ([], Level.DISCONNECTED, "NO PLOTS"),
        ([Level.GOOD] * 3, Level.GOOD, "ALL GOOD"),
        ([Level.GOOD, Level.NO_MODEL], Level.NO_MODEL, "1 GOOD OF 2"),
        ([Level.NO_MODEL], Level.NO_MODEL, "0 GOOD OF 1"),
        ([Level.DISCONNECTED] * 2, Level.DISCONNECTED, "DISCONNECTED"),
        ([Level.SILENT] * 2, Level.SILENT, "IOC SILENT"),
        ([Level.GOOD, Level.NOTHING], Level.NOTHING, "1 nothing yet"),
        ([Level.GOOD, Level.BAD, Level.BAD, Level.STALE], Level.BAD, "2 BAD   1 STALE"),
        ([Level.BAD, Level.DISCONNECTED], Level.BAD, "1 BAD   1 DISCONNECTED"),
        ([Level.UNCONFIRMED, Level.UNALARMED], Level.UNCONFIRMED, "1 unconfirmed"),
    ],
)
def test_given_levels_when_summed_up_then_the_worst_leads(levels, level, text):
    made = headline(levels)
    assert Headline(made.level, made.text.replace("\u00a0", " ")) == Headline(level, text)


@pytest.mark.parametrize(
    ("label", "severity", "level"),
    [
        ("InRange", Severity.NO_ALARM, Level.GOOD),
        ("OutOfRange", Severity.MINOR, Level.WARNING),
        ("OutOfRange", Severity.MAJOR, Level.BAD),
        ("OutOfRange", Severity.NO_ALARM, Level.UNALARMED),
    ],
)
def test_given_a_number_when_shown_then_value_and_unit_stand_for_the_weight(label, severity, level):
    plot = Plot("CDC_peak", unit="ns")
    face = face_of(plot, reading(label, severity, value=9.53124), Line())
    assert face.level is level
    assert face.verdict == f"{label}: 9.531 ns"
    assert face.confidence is None
