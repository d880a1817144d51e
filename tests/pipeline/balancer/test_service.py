"""The Balancer as a process, with real workers and with workers of the test."""

import os
import random
import signal
import socket
import time

import pytest

from pipeline.messages import Beat, Finished, Order, Ready, decode, encode
from tests.conftest import free_port
from tests.pipeline.models import make_model_folder
from tests.pipeline.predict.stand import Stand


class HandWorker:
    """A worker driven by the test, message by message."""

    def __init__(self, stand: Stand, name: str, held_limit: int = 1):
        self.name = name
        self.socket = stand.dealer("workers")
        self.held = []
        self.kinds = []
        self.say(Ready(worker=name, host="here", pid=1, credits=held_limit))

    def say(self, message):
        self.socket.send_multipart(encode(message))

    def beat(self):
        self.say(Beat(worker=self.name))

    def read(self):
        while self.socket.poll(0):
            message, _ = decode(self.socket.recv_multipart())
            self.kinds.append(type(message).__name__)
            if isinstance(message, Order):
                self.held.append(message)

    def finish(self):
        order = self.held.pop(0)
        self.say(Finished(worker=self.name, order_id=order.order_id))
        return order


def holding(workers, count):
    """A condition: together the workers hold so many orders; they beat meanwhile."""

    def condition():
        for worker in workers:
            worker.beat()
            worker.read()
        return sum(len(worker.held) for worker in workers) == count

    return condition


def test_given_equal_workers_when_round_robin_then_their_counts_differ_by_one_at_most(make_stand):
    stand = make_stand(balancer={"policy": "round-robin"})
    stand.plot("plot")
    stand.start("balancer")
    for instance in range(2):
        stand.start_worker(instance)
    stand.wait_workers(2)
    stand.send(*(stand.order("plot") for _ in range(101)))
    stand.wait_all_reported()
    counts = [sum(one.worker == f"Predict{i}" for one in stand.reports) for i in range(2)]
    assert sorted(counts) == [50, 51]
    assert len(stand.reports) == 101


def test_given_a_long_queue_when_a_worker_is_free_then_live_images_go_first(make_stand):
    stand = make_stand()
    stand.plot("a")
    stand.plot("b")
    stand.start("balancer")
    orders = [stand.order(plot, image_time=time_) for time_ in (1.0, 2.0, 3.0) for plot in "ab"]
    orders.append(stand.order("a", offline=True, image_time=9.0))
    stand.send(*orders)
    stand.wait(lambda: stand.beat() and stand.beat().queue == 7, "seven orders in the queue")
    worker = HandWorker(stand, "hand", held_limit=7)
    stand.wait(holding([worker], 7), "seven orders at the worker")
    given = [(order.plot.name, order.image_time) for order in worker.held]
    live, late, offline = given[:2], given[2:6], given[6:]
    assert live == [("a", 3.0), ("b", 3.0)]
    assert late == [("a", 1.0), ("b", 1.0), ("a", 2.0), ("b", 2.0)]
    assert offline == [("a", 9.0)]


def test_given_an_order_when_it_is_sent_again_then_it_is_not_given_twice(make_stand):
    stand = make_stand()
    stand.plot("plot")
    stand.start("balancer")
    first, second = stand.order("plot"), stand.order("plot")
    stand.send(first, second, first, second)
    worker = HandWorker(stand, "hand")
    stand.wait(holding([worker], 1), "an order at the worker")
    stand.send(first, second)
    stand.wait(lambda: stand.gauge("Duplicates") == 4, "four duplicates")
    taken = {worker.finish().order_id}
    stand.wait(holding([worker], 1), "the other order at the worker")
    taken.add(worker.finish().order_id)
    assert taken == {first.order_id, second.order_id}
    stand.wait(lambda: stand.beat().handled == 2 and stand.beat().queue == 0, "an empty queue")


def test_given_a_full_queue_when_orders_come_then_the_newest_are_refused_and_counted(make_stand):
    stand = make_stand(balancer={"queue_limit": 10})
    stand.plot("plot")
    stand.start("balancer")
    stand.send(*(stand.order("plot") for _ in range(15)))
    stand.wait(lambda: stand.gauge("RefusedQueueFull") == 5, "five refusals")
    stand.wait(lambda: "the queue of 10 is full, 5 orders refused" in stand.state(), "a reason")
    assert stand.state().startswith("Degraded")
    assert stand.beat().queue == 10
    stand.start_worker(0)
    stand.wait_reports(10)
    assert set(stand.ids()) == {f"order-{number}" for number in range(1, 11)}
    stand.resend_missing()
    stand.wait_all_reported()
    stand.wait(lambda: stand.state() == "Running: ", "state Running")


def test_given_malformed_messages_when_they_come_then_each_is_counted_and_work_goes_on(make_stand):
    stand = make_stand()
    stand.plot("plot")
    stand.start("balancer")
    stand.start_worker(0)
    stand.wait_workers(1)
    intruder = stand.dealer("workers")
    noise = random.Random(1)
    order = stand.order("plot")
    good = encode(order, [b"", b""])
    for number in range(1000):
        parts = [
            [noise.randbytes(noise.randrange(1, 300))],
            [bytes(good[0])[: noise.randrange(1, 50)], b"", b""],
            good[: number % 3],
            [*good, b"one too many"],
            [b"\xdd\xff\xff\xff\xff" * 20],
            [b"\x91" * 5000],
            [b"x" * 1_000_001],
        ][number % (7 if number < 100 else 6)] or [b""]
        (stand.feeder if number % 2 else intruder).send_multipart(parts)
        if number % 100 == 0:
            stand.send(stand.order("plot"))
    # A message of the wrong kind is no better than noise.
    stand.feeder.send_multipart(encode(Beat(worker="who")))
    intruder.send_multipart(good)
    stand.send(order)
    stand.wait_all_reported()
    stand.wait(lambda: stand.gauge("RefusedMalformed") == 1000, "1,000 refusals")
    stand.wait(lambda: stand.gauge("RefusedUnexpected") == 2, "2 refusals")
    assert stand.beat().dropped == 1002
    assert stand.state() == "Running: "


def test_given_a_worker_at_work_when_it_is_killed_then_its_orders_go_to_the_other(make_stand):
    stand = make_stand(balancer={"silence_s": 10.0})
    stand.plot("plot", make_model_folder(stand.store))
    stand.start("balancer")
    victim, other = HandWorkerProcess(stand), stand.start_worker(1)
    stand.wait_workers(2)
    stand.send(*(stand.order("plot") for _ in range(50)))
    stand.wait(lambda: stand.gauge("HeldVictim") == 4, "orders at the victim")
    begun = time.monotonic()
    victim.kill()
    stand.wait_all_reported()
    # Far less than the silence: the loss of the connection tells.
    assert time.monotonic() - begun < 5
    assert len(stand.reports) == 50
    assert stand.gauge("Reassigned") is not None
    stand.wait(lambda: stand.gauge("Reassigned") == 4, "four orders given anew")
    assert other.poll() is None


class HandWorkerProcess:
    """A process that takes four orders and never finishes them."""

    CODE = """
import sys, time
from pathlib import Path
import zmq
from pipeline.config import load
from pipeline.messages import Beat, Ready, encode
config = load(Path(sys.argv[2]))
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(config.endpoint("workers"))
socket.send_multipart(encode(Ready(worker="Victim", host="here", pid=1, credits=4)))
while True:
    socket.send_multipart(encode(Beat(worker="Victim")))
    time.sleep(0.3)
"""

    def __init__(self, stand):
        self.process = stand.start("victim", code=self.CODE)

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)


def test_given_a_stopped_worker_when_it_is_silent_then_its_orders_go_on_and_it_may_return(
    make_stand,
):
    stand = make_stand(balancer={"silence_s": 1.0})
    stand.plot("plot", make_model_folder(stand.store))
    stand.start("balancer")
    workers = [stand.start_worker(instance) for instance in range(2)]
    stand.wait_workers(2)
    os.kill(workers[0].pid, signal.SIGSTOP)
    stand.send(*(stand.order("plot") for _ in range(40)))
    stand.wait_all_reported()
    assert {report.worker for report in stand.reports} == {"Predict1"}
    stand.wait(lambda: stand.gauge("Workers") == 1, "one worker")
    # Back again: it reports late what others have reported, and takes part.
    os.kill(workers[0].pid, signal.SIGCONT)
    stand.wait_workers(2)
    stand.send(*(stand.order("plot") for _ in range(20)))
    stand.wait_all_reported()
    stand.wait(lambda: stand.gauge("UnderWay") == 0, "nothing under way")
    assert all(report.error == "" for report in stand.reports)
    assert "Predict0" in {report.worker for report in stand.reports}
    assert all(worker.poll() is None for worker in workers)


def test_given_a_balancer_that_was_stopped_when_it_goes_on_then_it_blames_no_worker(make_stand):
    stand = make_stand(balancer={"silence_s": 1.0})
    stand.plot("plot")
    balancer = stand.start("balancer")
    stand.start_worker(0)
    stand.wait_workers(1)
    os.kill(balancer.pid, signal.SIGSTOP)
    stand.send(stand.order("plot"))
    stand.wait(lambda: "the Balancer is silent" in stand.state("Predict0"), "a reason")
    time.sleep(1.0)
    os.kill(balancer.pid, signal.SIGCONT)
    stand.wait_all_reported()
    stand.wait(lambda: stand.state("Predict0") == "Running: ", "state Running")
    assert "event=silent" not in stand.log()
    assert stand.gauge("Reassigned") == 0


def test_given_a_flow_when_the_balancer_is_killed_then_all_heals_and_nothing_is_lost(make_stand):
    stand = make_stand()
    stand.plot("plot", make_model_folder(stand.store))
    balancer = stand.start("balancer")
    workers = [stand.start_worker(instance) for instance in range(2)]
    stand.wait_workers(2)
    for number in range(200):
        stand.send(stand.order("plot"))
        stand.pump(0.001)
        if number == 100:
            os.kill(balancer.pid, signal.SIGKILL)
            balancer.wait()
            stand.start("balancer")
    resent = time.monotonic()

    def all_reported():
        nonlocal resent
        if time.monotonic() - resent > 1:
            stand.resend_missing()
            resent = time.monotonic()
        return set(stand.ids()) == set(stand.orders)

    stand.wait(all_reported, "a report of every order")
    assert {report.worker for report in stand.reports} == {"Predict0", "Predict1"}
    assert all(worker.poll() is None for worker in workers)
    stand.wait(lambda: stand.state("Predict0") == "Running: ", "state Running")


def test_given_two_workers_when_each_is_killed_in_turn_under_flow_then_nothing_is_lost(make_stand):
    stand = make_stand()
    stand.plot("plot", make_model_folder(stand.store))
    stand.start("balancer")
    workers = [stand.start_worker(instance) for instance in range(2)]
    stand.wait_workers(2)
    for number in range(200):
        stand.send(stand.order("plot"))
        stand.pump(0.001)
        if number in (60, 130):
            instance = number // 100
            os.kill(workers[instance].pid, signal.SIGKILL)
            workers[instance].wait()
            workers[instance] = stand.start_worker(instance)
    # What a killed worker had reported to its own socket only is sent again.
    stand.wait(lambda: stand.gauge("UnderWay") == 0 and not stand.beat().queue, "an idle Balancer")
    stand.resend_missing()
    stand.wait_all_reported()
    assert all(report.error == "" for report in stand.reports)
    stand.wait_workers(2)


def test_given_workers_over_tcp_when_one_is_killed_then_its_orders_go_to_the_other(make_stand):
    endpoints = {name: f"tcp://127.0.0.1:{free_port()}" for name in ("orders", "workers")}
    stand = make_stand(sockets=endpoints, balancer={"silence_s": 60.0})
    stand.plot("plot", make_model_folder(stand.store))
    stand.start("balancer")
    victim = HandWorkerProcess(stand)
    stand.start_worker(1)
    stand.wait_workers(2)
    stand.send(*(stand.order("plot") for _ in range(20)))
    stand.wait(lambda: stand.gauge("HeldVictim") == 4, "orders at the victim")
    victim.kill()
    stand.wait_all_reported()
    assert len(stand.reports) == 20


def test_given_a_poison_order_when_it_killed_two_workers_then_the_keeper_is_told(make_stand):
    stand = make_stand()
    stand.plot("plot")
    stand.start("balancer")
    orders = [stand.order("plot") for _ in range(3)]
    stand.send(*orders)
    # The first dies holding all three, so none is to blame yet; each then goes alone.
    for held in (3, 1, 1):
        worker = HandWorker(stand, "Doomed", held_limit=3)
        stand.wait(holding([worker], held), f"{held} orders at the worker")
        suspect = worker.held[0]
        stand.wait_workers(1)
        worker.socket.close(0)
        stand.wait(lambda: stand.gauge("Workers") == 0, "no worker")
    stand.wait_reports(1)
    assert stand.reports[0].order == suspect == orders[0]
    assert stand.reports[0].error == "worker died 2 times on this image"
    assert stand.frames[0] == [b"", b"", b"jpeg"]
    stand.start_worker(0)
    stand.wait_all_reported()
    assert [one.error for one in stand.reports[1:]] == ["", ""]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_given_a_signal_when_the_balancer_runs_then_it_stops_in_good_order(make_stand, number):
    stand = make_stand()
    balancer = stand.start("balancer")
    stand.wait(stand.state, "a heartbeat")
    balancer.send_signal(number)
    assert balancer.wait(10) == 0
    assert "Traceback" not in stand.log()


def test_given_a_taken_endpoint_when_the_balancer_starts_then_it_says_so_and_fails(make_stand):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        stand = make_stand(sockets={"workers": endpoint})
        assert stand.start("balancer").wait(20) == 1
    assert f"hydra-ioc: socket workers at {endpoint}" in stand.log()
