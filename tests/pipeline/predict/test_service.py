"""Workers as processes between a real Balancer and the Keeper's sockets."""

import signal
import statistics
import time

import msgspec
import numpy as np
import pytest
import zmq

from pipeline.messages import decode
from pipeline.predict.quick import HUNG_EXIT, PROVEN
from tests.pipeline.models import make_model_folder
from tests.pipeline.predict.stand import BLUE, GREEN, RED, TRIGGER


def test_given_models_when_orders_come_then_each_is_reported_with_map_and_picture(make_stand):
    stand = make_stand()
    labels = ("Good", "Bad", "NoData")
    stand.plot("occupancy", make_model_folder(stand.store, labels))
    stand.plot("new_plot")
    stand.start("balancer")
    stand.start_worker(0)
    stand.wait_workers(1)
    orders = [stand.order("occupancy", colour) for colour in (RED, GREEN, BLUE)]
    orders.append(stand.order("new_plot", picture=b"other"))
    stand.send(*orders)
    stand.wait_all_reported()
    for order, label in zip(orders, labels, strict=False):
        report = stand.report_of(order)
        maps, embedding, picture = stand.frames[stand.reports.index(report)]
        assert (report.error, report.worker, report.order) == ("", "Predict0", order)
        assert report.labels[int(np.argmax(report.probabilities))] == label
        assert report.map_shape == (3, 4, 4)
        assert np.frombuffer(maps, np.float32).reshape(report.map_shape).max() > 0
        assert len(embedding) == 3 * 4
        assert picture == b"jpeg"
    report = stand.report_of(orders[3])
    assert (report.error, report.probabilities, report.labels) == ("", (), ())
    assert stand.frames[stand.reports.index(report)] == [b"", b"", b"other"]
    stand.wait(lambda: stand.state("Predict0") == "Running: ", "state Running")
    assert stand.gauge("Models", "Predict0") == 1
    assert stand.state() == "Running: "


def test_given_a_plot_whose_model_is_bad_when_its_orders_come_then_the_others_go_on(make_stand):
    stand = make_stand()
    good = stand.plot("good", make_model_folder(stand.store))
    digest = make_model_folder(stand.store, name="tampered")
    stand.plot("tampered", digest)
    (stand.store / digest / "model.onnx").write_bytes(b"something else")
    stand.plot("nan", make_model_folder(stand.store, kind="nan"))
    stand.plot("wrong", make_model_folder(stand.store, kind="wrong-size"))
    stand.start("balancer")
    stand.start_worker(0)
    stand.wait_workers(1)
    orders = {name: stand.order(name, TRIGGER) for name in ("tampered", "nan", "wrong", "good")}
    orders["short"] = stand.order("good", tensor=b"123")
    other = stand.order("good")
    orders["relabelled"] = msgspec.structs.replace(
        other,
        plot=msgspec.structs.replace(
            good, model=msgspec.structs.replace(good.model, labels=("Bad", "Good"))
        ),
    )
    stand.orders[other.order_id] = (orders["relabelled"], *stand.orders[other.order_id][1:])
    stand.send(*orders.values())
    stand.wait_all_reported()
    errors = {name: stand.report_of(order).error for name, order in orders.items()}
    assert "does not match its card" in errors["tampered"]
    assert "not finite" in errors["nan"]
    assert "expected probabilities as float32 (1, 2)" in errors["wrong"]
    assert "got 3 bytes" in errors["short"]
    assert "the catalogue says labels" in errors["relabelled"]
    assert errors["good"] == ""
    failed = [report for report in stand.reports if report.error]
    assert all(report.probabilities == () for report in failed)
    stand.wait(lambda: "does not match its card" in stand.state("Predict0"), "a reason")
    assert stand.state("Predict0").startswith("Degraded")


def test_given_a_hanging_model_when_it_can_be_stopped_then_the_worker_lives_on(make_stand):
    stand = make_stand(predict={"timeout_s": 0.5, "workers": 1})
    stand.plot("hang", make_model_folder(stand.store, kind="hang"))
    stand.plot("good", make_model_folder(stand.store))
    stand.start("balancer")
    worker = stand.start_worker(0)
    stand.wait_workers(1)
    hang, good = stand.order("hang", TRIGGER), stand.order("good")
    later = stand.order("hang", RED)
    stand.send(hang, good, later)
    stand.wait_all_reported()
    assert "took longer than 0.5 s" in stand.report_of(hang).error
    assert stand.report_of(good).error == ""
    assert "took longer than 0.5 s" in stand.report_of(later).error
    assert worker.poll() is None
    stand.wait(lambda: "took longer" in stand.state("Predict0"), "state Degraded")


def test_given_a_model_stuck_in_one_operator_when_it_hangs_then_the_process_ends(make_stand):
    stand = make_stand(predict={"timeout_s": 1.5})
    stand.plot("stuck", make_model_folder(stand.store, kind="stuck"))
    stand.plot("good", make_model_folder(stand.store))
    stand.start("balancer")
    worker = stand.start_worker(0)
    stand.wait_workers(1)
    stuck, good = stand.order("stuck", TRIGGER), stand.order("good")
    stand.send(stuck, good)
    stand.wait(lambda: worker.poll() is not None, "the end of the worker")
    assert worker.returncode == 3
    stand.wait_reports(1)
    assert "took longer than 1.5 s" in stand.report_of(stuck).error
    # Started again, it keeps away from that model and does the rest.
    stand.start_worker(0)
    again = stand.order("stuck", RED)
    stand.send(again)
    stand.wait_all_reported()
    assert stand.report_of(good).error == ""
    assert "took longer than 1.5 s" in stand.report_of(again).error


@pytest.mark.parametrize("kind", ["hang", "stuck"])
def test_given_a_model_that_was_quick_when_it_hangs_then_no_image_is_lost_and_it_is_set_aside(
    make_stand, kind
):
    stand = make_stand(predict={"timeout_s": 1.0})
    stand.plot("odd", make_model_folder(stand.store, kind=kind))
    stand.plot("good", make_model_folder(stand.store))
    stand.start("balancer")
    worker = stand.start_worker(0)
    stand.wait_workers(1)
    stand.send(*(stand.order("odd", RED) for _ in range(PROVEN + 10)))
    stand.wait_all_reported()
    assert not any(report.error for report in stand.reports), "quick and sound so far"
    hanging, good = stand.order("odd", TRIGGER), stand.order("good")
    stand.send(hanging, good)
    if kind == "stuck":
        stand.wait(lambda: worker.poll() is not None, "the end of the worker")
        assert worker.returncode == HUNG_EXIT
        stand.start_worker(0)
    stand.wait_all_reported()
    assert "took longer than 1 s" in stand.report_of(hanging).error
    assert stand.report_of(good).error == ""
    assert (worker.poll() is None) == (kind == "hang")


CRASHING = """
import ctypes
from pipeline.vision import serving
run = serving.ServedModel.run
def crash(self, batch, **options):
    if batch.max() == 255:
        ctypes.string_at(0)
    return run(self, batch, **options)
serving.ServedModel.run = crash
from hydra_ioc.cli import main
main()
"""


def test_given_a_model_that_crashes_on_one_image_when_it_comes_then_only_that_image_fails(
    make_stand,
):
    stand = make_stand()
    stand.plot("plot", make_model_folder(stand.store))
    stand.start("balancer")
    workers = {instance: stand.start_worker(instance, CRASHING) for instance in (0, 1)}
    stand.wait_workers(2)
    orders = [stand.order("plot", TRIGGER if number == 7 else RED) for number in range(20)]
    stand.send(*orders)

    def all_reported():
        for instance, worker in workers.items():
            if worker.poll() is not None:
                assert worker.returncode == -signal.SIGSEGV
                workers[instance] = stand.start_worker(instance, CRASHING)
        return set(stand.ids()) >= set(stand.orders)

    stand.wait(all_reported, "a report of every order")
    assert "died 2 times" in stand.report_of(orders[7]).error
    # A worker that dies between a report and its Finished leaves a report twice.
    assert {one.error for one in stand.reports if one.order != orders[7]} == {""}
    # Sent again, it is reported again and kills nobody.
    reported = len(stand.reports)
    stand.send(orders[7])
    stand.wait_reports(reported + 1)
    assert all(worker.poll() is None for worker in workers.values())


CRASHING_LOAD = """
import ctypes
from pipeline.vision import serving
load = serving.load
def crash(folder, threads=1):
    model = load(folder, threads)
    if model.card.name == "crash":
        ctypes.string_at(0)
    return model
serving.load = crash
from hydra_ioc.cli import main
main()
"""


def test_given_a_model_that_crashes_while_loaded_when_it_did_so_three_times_then_it_is_set_aside(
    make_stand,
):
    stand = make_stand()
    stand.plot("good", make_model_folder(stand.store))
    stand.plot("crash", make_model_folder(stand.store, name="crash"))
    stand.start("balancer")
    for _ in range(3):
        worker = stand.start_worker(0, CRASHING_LOAD)
        stand.wait(lambda worker=worker: worker.poll() is not None, "the crash")
        assert worker.returncode == -signal.SIGSEGV
    stand.start_worker(0, CRASHING_LOAD)
    orders = [stand.order("crash"), stand.order("good")]
    stand.send(*orders)
    stand.wait_all_reported()
    assert "3 workers died" in stand.report_of(orders[0]).error
    assert stand.report_of(orders[1]).error == ""


def test_given_a_keeper_that_takes_nothing_when_reports_pile_up_then_the_worker_says_so(
    make_stand,
):
    stand = make_stand(sockets={"high_water": 2}, balancer={"silence_s": 1.0})
    stand.plot("plot")
    stand.start("balancer")
    stand.start_worker(0)
    stand.wait_workers(1)
    pull, stand.pull = stand.pull, stand._socket(zmq.PULL, "states", bind=False)
    picture = bytes(5_000_000)
    stand.send(*(stand.order("plot", picture=picture) for _ in range(12)))
    stand.wait(lambda: "the Keeper takes no reports" in stand.state("Predict0"), "a reason")
    stand.pull.close()
    stand.pull = pull
    stand.wait_reports(1)
    stand.resend_missing()
    stand.wait_all_reported()
    stand.wait(lambda: stand.state("Predict0") == "Running: ", "state Running")


def test_given_a_changed_catalogue_when_orders_flow_then_models_swap_without_loss(make_stand):
    stand = make_stand()
    old = make_model_folder(stand.store, name="old")
    stand.plot("plot", old)
    stand.plot("other", make_model_folder(stand.store, name="other"))
    stand.start("balancer")
    worker = stand.start_worker(0)
    stand.wait_workers(1)
    new = make_model_folder(stand.store, ("Good", "Bad", "NoData"), (64, 64, 3), name="new")
    for number in range(300):
        if number == 100:
            stand.plot("plot", new)
            stand.publish()
        stand.send(stand.order("plot"), stand.order("other"))
        stand.pump(0.001)
    stand.wait_all_reported()
    assert all(report.error == "" for report in stand.reports)
    by_model = {}
    for report in stand.reports:
        if report.order.plot.name == "plot":
            by_model.setdefault(report.order.plot.model.digest, set()).add(report.labels)
    assert by_model == {old: {("Good", "Bad")}, new: {("Good", "Bad", "NoData")}}
    assert worker.poll() is None
    assert len(stand.ids()) == 600


def test_given_a_fresh_worker_when_it_registers_then_its_first_inference_is_not_slower(make_stand):
    stand = make_stand(predict={"credits": 1})
    stand.plot("plot", make_model_folder(stand.store, shape=(512, 512, 3)))
    stand.start("balancer")
    ratios = []
    # A slow moment of a shared machine may hit the one image that counts: five tries.
    while not ratios or (min(ratios) >= 2 and len(ratios) < 5):
        stand.reports.clear()
        worker = stand.start_worker(0)
        stand.wait_workers(1)
        for number in range(21):
            stand.send(stand.order("plot"))
            stand.wait_reports(number + 1)
        times = [report.infer_s for report in stand.reports]
        ratios.append(times[0] / statistics.median(times))
        worker.terminate()
        stand.wait_workers(0)
    assert min(ratios) < 2, ratios


def test_given_no_keeper_when_a_worker_starts_then_it_waits_and_says_why(make_stand):
    stand = make_stand()
    stand.commands.close()
    stand.start("balancer")
    stand.start_worker(0)
    health = stand.health
    end = time.monotonic() + 20
    while time.monotonic() < end and not stand.state("Predict0"):
        if health.poll(100):
            message, _ = decode(health.recv_multipart())
            stand.beats[f"{message.stage}{message.instance}"] = message
    assert stand.state("Predict0") == "Starting: waiting for the Keeper's catalogue"
    stand.commands = stand._socket(zmq.ROUTER, "commands")
    stand.wait_workers(1)


def test_given_a_worker_when_it_is_told_to_stop_then_it_leaves_in_good_order(make_stand):
    stand = make_stand()
    stand.plot("plot", make_model_folder(stand.store))
    stand.start("balancer")
    worker = stand.start_worker(0)
    stand.wait_workers(1)
    worker.terminate()
    stand.wait(lambda: worker.poll() is not None, "the end of the worker")
    assert worker.returncode == 0
    stand.wait(lambda: "event=left worker='Predict0'" in stand.log(), "the Leaving")
    stand.wait(lambda: "no worker is registered" in stand.state(), "state Degraded")
