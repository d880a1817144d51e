"""References beside the image of now, on the Run screen and in the detail window."""

import numpy as np
import pytest
from qtpy.QtCore import QRect
from qtpy.QtGui import QImage

from displays.card_state import Level, Line, Reading, face_of
from displays.catalogue import Label, Plot
from displays.likeness import novelty_text, similarity_text
from displays.reference_view import RED, ReferenceView, View, difference, halves
from pipeline.alarm import Severity, Status
from tests.displays.test_run_screen import WAIT_MS, good, screen, settings  # noqa: F401

COMPARED = Plot("a", labels=(Label("Good"),), references=True, novelty=True)
ALONE = Plot("a", labels=(Label("Good"),), references=True, judged_by_references=True)
READING = Reading(
    connected=True,
    label="Good",
    severity=Severity.NO_ALARM,
    status=Status.NO_ALARM,
    confidence=0.02,
    similarity=0.02,
    similarity_threshold=0.002,
    references="version 2: 6 images",
    novelty=0.4,
)
PALE = np.full((60, 80, 3), 240, np.uint8)


def changed(**values):
    from dataclasses import replace

    return replace(READING, **values)


def test_given_a_plot_judged_by_references_alone_when_shown_then_no_low_percentage_frightens():
    face = face_of(ALONE, READING, Line())
    assert (face.verdict, face.confidence, face.threshold) == ("Good: like references", None, None)
    assert "%" not in face.verdict
    assert face.level is Level.GOOD


@pytest.mark.parametrize(
    ("similarity", "told"),
    [
        (0.02, "like references"),
        (0.001, "UNLIKE references"),
        (None, "not compared with references"),
    ],
)
def test_given_a_similarity_when_shown_then_the_card_says_in_words_what_it_means(similarity, told):
    assert face_of(COMPARED, changed(similarity=similarity), Line()).likeness == told
    stale = changed(similarity=similarity, severity=Severity.INVALID, status=Status.TIMEOUT)
    assert face_of(COMPARED, stale, Line()).likeness == ""
    assert face_of(Plot("b"), changed(similarity=similarity), Line()).likeness == ""


def test_given_similarity_and_novelty_when_written_then_numbers_and_meaning_are_there():
    assert similarity_text(COMPARED, READING) == (
        "like references (0.02 \u2265 0.002), version 2: 6 images"
    )
    low = changed(similarity=0.0001)
    assert similarity_text(COMPARED, low).startswith("UNLIKE references (0.0001 < 0.002)")
    assert similarity_text(COMPARED, changed(similarity=None)).startswith("not known")
    assert similarity_text(Plot("b"), READING) == novelty_text(Plot("b"), READING) == ""
    assert novelty_text(COMPARED, READING).startswith("40 %")
    assert novelty_text(COMPARED, changed(novelty=None)) == "not known"


def test_given_two_pictures_when_compared_then_only_what_differs_is_red():
    now = PALE.copy()
    now[20:40, 30:50] = (0, 0, 90)
    found = difference(now, PALE)
    assert tuple(found[30, 40]) == RED
    assert found[5, 5].min() > 240
    assert (difference(PALE, PALE)[..., 0] == difference(PALE, PALE)[..., 1]).all()
    assert difference(PALE[..., 0], np.zeros((30, 40, 3), np.uint8)).shape == (60, 80, 3)


def test_given_a_room_when_split_then_pictures_lie_as_they_are_largest():
    picture = QImage(80, 60, QImage.Format_RGB32)
    left, right = halves(QRect(0, 0, 1600, 500), picture)
    assert (left.top(), left.right() < right.left()) == (right.top(), True)
    above, below = halves(QRect(0, 0, 500, 900), picture)
    assert (above.left(), above.bottom() < below.top()) == (below.left(), True)


def test_given_no_picture_of_the_references_when_shown_then_it_is_said(qtbot):
    view = ReferenceView(None)
    qtbot.addWidget(view)
    view.resize(600, 400)
    for pictures in ((None, None), (PALE, None), (None, PALE)):
        for chosen in View:
            view.show_pictures(*pictures)
            view.choose(chosen)
            assert not view.grab().isNull()


def test_given_references_when_the_window_opens_then_they_stand_beside_the_image(
    good,  # noqa: F811
    qtbot,
):
    ioc, run = good
    ioc.say(plot="CDC_occupancy", label="Bad", similarity=1e-4, unlike=1, novelty=0.003)
    card = run.store.cards["CDC_occupancy"]
    qtbot.waitUntil(lambda: card.face.likeness == "UNLIKE references", timeout=WAIT_MS)
    run.desk.open("CDC_occupancy")
    window = run.desk.windows["CDC_occupancy"]
    qtbot.waitUntil(lambda: card.link.reference is not None, timeout=WAIT_MS)
    assert card.link.reference.shape == (600, 800, 3)
    assert "UNLIKE" in window.rows["Similarity"].text()
    told = "NOVEL: 0.3 % of the images known in training are farther out (limit 1 %)"
    qtbot.waitUntil(lambda: window.rows["Novelty"].text() == told, timeout=WAIT_MS)
    comparison = window.comparison
    assert all(button.isVisible() for button in comparison.buttons.values())
    comparison.buttons[View.DIFFERENCE].click()
    red = pixels(comparison.view)
    assert ((red == RED).all(axis=-1)).mean() > 0.01
    comparison.buttons[View.TURNS].click()
    qtbot.waitUntil(lambda: comparison.view.reference_on, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not comparison.view.reference_on, timeout=WAIT_MS)
    comparison.buttons[View.NOW].click()
    assert window.picture.isVisible()
    window.close()
    run.desk.open("BCAL_occupancy")
    window = run.desk.windows["BCAL_occupancy"]
    assert not any(button.isVisible() for button in window.comparison.buttons.values())
    window.close()


def pixels(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format_RGB888)
    data = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    rows = data.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    return rows.reshape(image.height(), image.width(), 3)
