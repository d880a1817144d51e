"""Shadows beside the model that judges: whatever they do, the verdict comes."""

import os
import signal
import time
from pathlib import Path

import msgspec
import pytest

from pipeline.messages import Companion, ModelRef
from pipeline.vision.card import read_card
from tests.conftest import crowd
from tests.pipeline.models import make_model_folder
from tests.pipeline.predict.stand import GREEN, RED, TRIGGER


def with_shadow(stand, name, digest, *, role="shadow", **changes):
    """Give a plot a shadow."""
    card = read_card(stand.store / digest)
    facts = {
        "model_id": 7,
        "digest": digest,
        "input_shape": card.input_shape,
        "preprocessing": card.preprocessing,
        "labels": card.labels,
    }
    companion = Companion(role=role, model=ModelRef(**facts | changes), term_id=1)
    entry = stand.plots[name]
    stand.plots[name] = msgspec.structs.replace(entry, companions=(*entry.companions, companion))


def said(stand, order, role="shadow"):
    report = stand.report_of(order)
    return next(one for one in report.companions if one.role == role)


def ask_until(stand, name, wanted, colour=RED):
    """Send images until the shadow says what is waited for."""
    orders = []

    def asked():
        if not orders or len(stand.reports) >= len(stand.orders):
            if orders and wanted(said(stand, orders[-1])):
                return True
            orders.append(stand.order(name, colour))
            stand.send(orders[-1])
        return False

    stand.wait(asked, "the shadow's word")
    return orders


@pytest.fixture
def shadowed(make_stand):
    """A plot with a model, a shadow of a kind and a reference."""

    def make(kind, **facts):
        stand = make_stand()
        stand.plot("occupancy", make_model_folder(stand.store))
        digest = make_model_folder(stand.store, name="shadow", kind=kind)
        with_shadow(stand, "occupancy", digest, **facts)
        reference = make_model_folder(stand.store, name="reference")
        with_shadow(stand, "occupancy", reference, role="reference")
        stand.start("balancer")
        stand.start_worker(0)
        stand.wait_workers(1)
        return stand

    return make


def test_given_a_shadow_and_a_reference_when_an_image_comes_then_all_three_are_reported(shadowed):
    stand = shadowed("good")
    orders = ask_until(stand, "occupancy", lambda one: one.labels, GREEN)
    report = stand.report_of(orders[-1])
    assert report.error == ""
    assert said(stand, orders[-1]).probabilities == pytest.approx(report.probabilities, abs=1e-6)
    assert said(stand, orders[-1], "reference").labels == ("Good", "Bad")
    assert {stand.report_of(one).error for one in orders} == {""}


@pytest.mark.parametrize(("kind", "why"), [("hang", "longer than"), ("stuck", "longer than")])
def test_given_a_shadow_that_hangs_when_images_come_then_each_is_judged_and_none_waits_long(
    shadowed, kind, why
):
    stand = shadowed(kind)
    ask_until(stand, "occupancy", lambda one: one.labels)
    process = next(iter(stand.processes.values()))
    orders = ask_until(stand, "occupancy", lambda one: why in one.error, TRIGGER)
    begun = time.monotonic()
    more = [stand.order("occupancy", TRIGGER) for _ in range(5)]
    stand.send(*more)
    stand.wait_all_reported()
    assert time.monotonic() - begun < 2.0 * crowd()
    for order in (*orders, *more):
        report = stand.report_of(order)
        assert (report.error, len(report.probabilities)) == ("", 2)
    assert all(why in said(stand, one).error for one in more)
    stand.wait(lambda: stand.gauge("BadShadows", "Predict0") == 1, "the gauge")
    stand.wait(lambda: stand.state("Predict0") == "Running: ", "state Running")
    assert process.poll() is None


def children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def test_given_a_shadow_that_crashes_when_images_come_then_the_worker_lives_and_judges(shadowed):
    stand = shadowed("good")
    ask_until(stand, "occupancy", lambda one: one.labels)
    worker = stand.processes["predict", "--instance", "0"]
    (child,) = children(worker.pid)
    os.kill(child, signal.SIGSEGV)
    orders = ask_until(stand, "occupancy", lambda one: "crashed" in one.error, GREEN)
    assert {stand.report_of(one).error for one in orders} == {""}
    assert "exit status -11" in said(stand, orders[-1]).error
    assert worker.poll() is None
    stand.wait(lambda: stand.state("Predict0") == "Running: ", "state Running")


def test_given_a_shadow_that_is_no_model_when_images_come_then_the_report_says_why(shadowed):
    stand = shadowed("good", labels=("Good", "Worse"))
    orders = ask_until(stand, "occupancy", lambda one: "the card of" in one.error)
    assert stand.report_of(orders[-1]).error == ""


def test_given_a_killed_worker_when_it_is_gone_then_so_is_the_shadows_process(shadowed):
    stand = shadowed("good")
    ask_until(stand, "occupancy", lambda one: one.labels)
    worker = stand.processes["predict", "--instance", "0"]
    (child,) = children(worker.pid)
    stand.kill(worker)
    worker.wait()

    def gone():
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"

    stand.wait(gone, "the end of the process")
