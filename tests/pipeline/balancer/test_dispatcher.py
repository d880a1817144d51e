"""Dispatcher, queue and policies without sockets: facts and properties."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline.balancer.dispatcher import Dispatcher, Intake
from pipeline.balancer.figures import gauge_name
from pipeline.balancer.policy import LeastLoaded, RoundRobin, make_policy
from pipeline.balancer.queue import OrderQueue, Parcel
from pipeline.balancer.registry import Registry
from pipeline.errors import ConfigError
from pipeline.messages import Order, PlotEntry, Ready


def make_order(name, plot="plot", image_time=0.0, offline=False):
    return Order(
        order_id=str(name),
        plot=PlotEntry(plot_type_id=1, name=plot),
        run=1,
        period="NA",
        chunk=0,
        image_time=image_time,
        closed_time=0.0,
        sha256="0" * 64,
        path="/p",
        offline=offline,
    )


def ready(name="W", held_limit=2, pid=1):
    return Ready(worker=name, host="here", pid=pid, credits=held_limit)


def make_dispatcher(policy=None, queue_limit=100, silence_s=3.0, lost_s=10.0):
    return Dispatcher(policy or LeastLoaded(), queue_limit, silence_s, lost_s)


def hand_out(dispatcher, now=0.0):
    return [(worker.name, parcel.order.order_id) for worker, parcel in dispatcher.assignments(now)]


orders = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 5).map(float), st.booleans(), st.booleans()),
    max_size=40,
)


@given(orders)
def test_given_any_orders_when_taken_then_each_comes_once_live_before_late_before_offline(rows):
    queue = OrderQueue()
    parcels = []
    for number, (plot, time_, offline, _) in enumerate(rows):
        parcels.append(Parcel(make_order(number, plot, time_, offline), (), 0.0))
        queue.put(parcels[-1])
    newest = {}
    for parcel in parcels:
        order = parcel.order
        if not order.offline and order.image_time > newest.get(order.plot.name, (-1.0, 0))[0]:
            newest[order.plot.name] = (order.image_time, order.order_id)
    live = {order_id for _, order_id in newest.values()}
    tiers = {
        one.order.order_id: 2 if one.order.offline else 0 if one.order.order_id in live else 1
        for one in parcels
    }
    assert len(queue) == len(rows)
    taken = []
    while (parcel := queue.take()) is not None:
        taken.append(parcel)
    ids = [one.order.order_id for one in taken]
    assert sorted(ids, key=int) == [str(number) for number in range(len(rows))]
    assert [tiers[one] for one in ids] == sorted(tiers[one] for one in ids)
    for tier in (1, 2):
        numbers = [int(one) for one in ids if tiers[one] == tier]
        assert numbers == sorted(numbers)
    assert len(queue) == 0


def test_given_a_plot_that_comes_often_when_it_waits_then_it_keeps_its_place():
    queue = OrderQueue()
    for name, plot, time_ in (("1", "often", 1.0), ("2", "rare", 1.0), ("3", "often", 2.0)):
        queue.put(Parcel(make_order(name, plot, time_), (), 0.0))
    assert [queue.take().order.order_id for _ in range(3)] == ["3", "2", "1"]


def test_given_an_order_that_comes_back_when_taken_then_it_goes_before_later_ones():
    queue = OrderQueue()
    for name in "1234":
        queue.put(Parcel(make_order(name, image_time=0.0), (), 0.0))
    first, second = queue.take(), queue.take()
    queue.put(second)
    queue.put(first)
    taken = [queue.take().order.order_id for _ in range(4)]
    assert taken.index("2") < taken.index("3") < taken.index("4")


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 200))
def test_given_equal_workers_when_round_robin_then_counts_differ_by_one_at_most(steps, count):
    dispatcher = make_dispatcher(RoundRobin(), queue_limit=1000)
    for worker in range(len(steps)):
        dispatcher.ready(bytes([worker]), ready(f"W{worker}"), 0.0)
    for number in range(count):
        dispatcher.submit(make_order(number), (), 0.0)
    turn = 0
    while True:
        hand_out(dispatcher)
        given_so_far = [worker.given for worker in dispatcher.registry.all()]
        assert max(given_so_far) - min(given_so_far) <= 1
        holders = [worker for worker in dispatcher.registry.all() if worker.held]
        if not holders:
            break
        worker = holders[turn % len(holders)]
        turn += steps[turn % len(steps)]
        dispatcher.finished(worker.identity, next(iter(worker.held)))
    assert sum(worker.given for worker in dispatcher.registry.all()) == count


def test_given_unequal_workers_when_least_loaded_then_the_share_of_credits_decides():
    dispatcher = make_dispatcher()
    dispatcher.ready(b"small", ready("small", 1), 0.0)
    dispatcher.ready(b"large", ready("large", 4), 0.0)
    for number in range(6):
        dispatcher.submit(make_order(number), (), 0.0)
    names = [name for name, _ in hand_out(dispatcher)]
    assert names.count("small") == 1
    assert names.count("large") == 4
    assert dispatcher.waiting == 1


def test_given_no_worker_when_policies_choose_then_the_order_waits():
    for policy in (RoundRobin(), LeastLoaded()):
        assert policy.choose([], make_order("1")) is None


def test_given_an_unknown_policy_when_made_then_it_is_refused():
    with pytest.raises(ConfigError, match="one of"):
        make_policy("fastest")


def test_given_a_policy_of_ones_own_when_used_then_it_sees_the_order():
    class ByPlot:
        def choose(self, workers, order):
            able = [one for one in workers if one.name == order.plot.name and one.free]
            return able[0] if able else None

    dispatcher = make_dispatcher(ByPlot())
    dispatcher.ready(b"1", ready("gpu"), 0.0)
    dispatcher.ready(b"2", ready("cpu"), 0.0)
    dispatcher.submit(make_order("1", "cpu"), (), 0.0)
    dispatcher.submit(make_order("2", "gpu"), (), 0.0)
    assert hand_out(dispatcher) == [("cpu", "1"), ("gpu", "2")]


@pytest.mark.parametrize("how", ["died", "leave", "expire"])
def test_given_a_worker_that_goes_when_it_held_orders_then_they_are_given_once_more(how):
    dispatcher = make_dispatcher()
    dispatcher.ready(b"1", ready("first", 3), 0.0)
    for number in range(3):
        dispatcher.submit(make_order(number), (), 0.0)
    assert len(hand_out(dispatcher)) == 3
    if how == "expire":
        assert [one.name for one in dispatcher.expire(2.9)] == []
        assert [one.name for one in dispatcher.expire(3.1)] == ["first"]
    else:
        getattr(dispatcher, how)(b"1")
    assert (dispatcher.waiting, dispatcher.under_way, dispatcher.reassigned) == (3, 0, 3)
    dispatcher.ready(b"2", ready("second", 3), 4.0)
    given_again = []
    while batch := hand_out(dispatcher):
        given_again += batch
        if how != "leave":
            assert len(batch) == 1
        for _, order_id in batch:
            dispatcher.finished(b"2", order_id)
    assert sorted(given_again) == [("second", str(number)) for number in range(3)]
    assert (dispatcher.waiting, dispatcher.under_way) == (0, 0)


def test_given_suspects_when_others_wait_then_the_others_go_on_at_other_workers():
    dispatcher = make_dispatcher()
    dispatcher.ready(b"1", ready("one", 2), 0.0)
    dispatcher.submit(make_order("suspect"), (), 0.0)
    hand_out(dispatcher)
    dispatcher.died(b"1")
    dispatcher.ready(b"2", ready("two", 2), 0.0)
    dispatcher.ready(b"3", ready("three", 2), 0.0)
    for number in range(4):
        dispatcher.submit(make_order(number), (), 0.0)
    given_out = hand_out(dispatcher)
    holder = next(name for name, order_id in given_out if order_id == "suspect")
    assert [order_id for name, order_id in given_out if name == holder] == ["suspect"]
    assert len(given_out) == 3


def test_given_an_order_that_kills_when_it_was_alone_twice_then_it_is_condemned_only_once():
    dispatcher = make_dispatcher()
    order = make_order("killer")
    dispatcher.submit(order, ("parts",), 0.0)
    for identity in (b"1", b"2"):
        assert dispatcher.condemned() == []
        dispatcher.ready(identity, ready(), 0.0)
        assert hand_out(dispatcher) == [("W", "killer")]
        dispatcher.died(identity)
    assert [one.order for one in dispatcher.condemned()] == [order]
    assert dispatcher.condemned() == []
    assert dispatcher.submit(order, ("parts",), 0.0) is Intake.POISON
    assert [one.deaths for one in dispatcher.condemned()] == [2]
    dispatcher.ready(b"3", ready(), 0.0)
    assert hand_out(dispatcher) == []


def test_given_an_order_that_could_not_be_sent_when_its_worker_is_lost_then_it_is_no_suspect():
    dispatcher = make_dispatcher()
    dispatcher.submit(make_order("1"), (), 0.0)
    dispatcher.ready(b"1", ready(), 0.0)
    for worker, parcel in dispatcher.assignments(0.0):
        dispatcher.take_back(parcel)
        dispatcher.died(worker.identity)
    assert dispatcher.queue.head().deaths == 0
    assert not dispatcher.queue.head().suspect


def test_given_an_order_lost_on_its_way_when_sent_again_late_then_it_is_given_anew():
    dispatcher = make_dispatcher(lost_s=10.0)
    dispatcher.ready(b"1", ready(held_limit=1), 0.0)
    order = make_order("1")
    assert dispatcher.submit(order, (), 0.0) is Intake.QUEUED
    hand_out(dispatcher, now=0.0)
    assert dispatcher.submit(order, (), 9.0) is Intake.DUPLICATE
    assert dispatcher.submit(order, (), 11.0) is Intake.REVIVED
    assert hand_out(dispatcher, now=11.0) == [("W", "1")]


def test_given_a_late_report_when_its_order_waits_again_then_it_is_closed():
    dispatcher = make_dispatcher()
    dispatcher.ready(b"1", ready(), 0.0)
    dispatcher.submit(make_order("1"), (), 0.0)
    hand_out(dispatcher)
    dispatcher.died(b"1")
    assert dispatcher.finished(b"1", "1").order.order_id == "1"
    assert dispatcher.waiting == 0
    assert dispatcher.finished(b"1", "1") is None


def test_given_a_full_queue_when_an_order_comes_then_it_is_refused_until_there_is_room():
    dispatcher = make_dispatcher(queue_limit=2)
    kinds = [dispatcher.submit(make_order(number), (), 0.0) for number in range(3)]
    assert kinds == [Intake.QUEUED, Intake.QUEUED, Intake.FULL]
    assert dispatcher.full
    dispatcher.ready(b"1", ready(), 0.0)
    hand_out(dispatcher)
    assert dispatcher.submit(make_order("2"), (), 0.0) is Intake.QUEUED


def test_given_a_known_worker_when_it_is_ready_again_then_it_keeps_what_it_holds():
    registry = Registry()
    worker = registry.add(b"1", ready(held_limit=2), 0.0)
    worker.held["1"] = Parcel(make_order("1"), (), 0.0)
    assert registry.add(b"1", ready(held_limit=5), 1.0) is worker
    assert (worker.free, worker.seen, len(registry)) == (4, 1.0, 1)


class Chaos(RuleBasedStateMachine):
    """Orders, deaths, late words and resends in any order: nothing is lost or doubled."""

    def __init__(self):
        super().__init__()
        self.dispatcher = make_dispatcher(queue_limit=30)
        self.now = 0.0
        self.submitted = {}
        self.done = set()
        self.poison = set()
        self.refused = set()
        self.workers = []
        self.names = iter(range(10**6))

    @rule(plot=st.sampled_from("ab"), time_=st.integers(0, 3), offline=st.booleans())
    def submit(self, plot, time_, offline):
        order = make_order(next(self.names), plot, float(time_), offline)
        if self.dispatcher.submit(order, (), self.now) is Intake.QUEUED:
            self.submitted[order.order_id] = order

    @precondition(lambda self: self.submitted)
    @rule(data=st.data())
    def resend(self, data):
        open_ones = sorted(set(self.submitted) - self.done, key=int)
        if open_ones:
            order = self.submitted[data.draw(st.sampled_from(open_ones))]
            intake = self.dispatcher.submit(order, (), self.now)
            if order.order_id in self.poison:
                assert intake is Intake.POISON
            else:
                assert intake in (Intake.DUPLICATE, Intake.REVIVED)

    @rule(held_limit=st.integers(1, 4))
    def register(self, held_limit):
        identity = str(next(self.names)).encode()
        self.workers.append(identity)
        self.dispatcher.ready(identity, ready(held_limit=held_limit), self.now)

    @rule()
    def hand_out(self):
        for worker, parcel in self.dispatcher.assignments(self.now):
            assert len(worker.held) <= worker.ready.credits
            assert parcel.order.order_id not in self.poison
            if parcel.suspect:
                assert len(worker.held) == 1

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), how=st.sampled_from(["finished", "died", "leave"]))
    def worker_event(self, data, how):
        identity = data.draw(st.sampled_from(self.workers))
        worker = self.dispatcher.registry.get(identity)
        if how != "finished":
            getattr(self.dispatcher, how)(identity)
        elif worker is not None and worker.held:
            order_id = data.draw(st.sampled_from(sorted(worker.held)))
            assert self.dispatcher.finished(identity, order_id) is not None
            self.done.add(order_id)

    @rule(step=st.floats(0.0, 6.0))
    def time_passes(self, step):
        self.now += step
        self.dispatcher.expire(self.now)

    @invariant()
    def every_order_is_in_one_place(self):
        self.poison |= {one.order.order_id for one in self.dispatcher.condemned()}
        held = [key for one in self.dispatcher.registry.all() for key in one.held]
        assert len(held) == len(set(held)) == self.dispatcher.under_way
        count = self.dispatcher.waiting + self.dispatcher.under_way
        assert count == len(set(self.submitted) - self.done - self.poison)


TestChaos = Chaos.TestCase
TestChaos.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.text(string.printable, min_size=1, max_size=60))
def test_given_any_worker_name_when_shown_then_the_gauge_has_a_valid_name(name):
    assert gauge_name(name).isalnum()
    assert len(gauge_name(name)) <= 31
