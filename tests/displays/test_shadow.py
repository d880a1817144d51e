"""A model on trial in the detail window: its counts, never its label."""

from displays.card_state import Reading
from displays.catalogue import Label, Plot
from displays.likeness import shadow_text

PLOT = Plot("a", labels=(Label("Good"), Label("Bad")), shadow=True)


def test_given_a_shadow_when_written_then_it_is_said_not_to_be_the_verdict():
    reading = Reading(label="Good", shadow="5" * 39, shadow_count=200, shadow_disagreed=6)
    text = shadow_text(PLOT, reading)
    assert text == (
        "model 555555555555 runs along, not the verdict: another label on 6 of 200 images (3 %)"
    )
    assert not any(label in text for label in ("Good", "Bad"))
    assert "no image compared yet" in shadow_text(PLOT, Reading(shadow="5" * 39))
    assert shadow_text(Plot("b"), reading) == ""
