"""The parts of a worker one by one: runner, quarantine, journal, reports, shelf."""

import asyncio
import threading
import time

import msgspec
import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.messages import ModelRef, Order, PlotEntry, decode, encode
from pipeline.predict import quarantine as quarantine_module
from pipeline.predict.journal import Journal
from pipeline.predict.quarantine import Quarantine
from pipeline.predict.reports import make_report, no_result, tensor_of
from pipeline.predict.runner import Hung, Runner
from pipeline.predict.shelf import Shelf
from pipeline.vision.card import read_card
from pipeline.vision.serving import Outputs
from tests.pipeline.models import make_model_folder

DIGEST, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def runner():
    one = Runner("test")
    yield one
    one.close()


def test_given_a_call_when_it_ends_then_its_result_or_failure_comes_back(runner):
    assert asyncio.run(runner.call(lambda: threading.current_thread().name, 5.0)) == "test"
    with pytest.raises(ZeroDivisionError):
        asyncio.run(runner.call(lambda: 1 // 0, 5.0))
    assert asyncio.run(runner.call(lambda: 7, 5.0)) == 7


def test_given_a_hanging_call_when_it_obeys_then_the_thread_is_reclaimed(runner):
    over = threading.Event()
    with pytest.raises(Hung, match=r"longer than 0\.1 s") as caught:
        asyncio.run(runner.call(lambda: over.wait(20), 0.1, stop=over.set))
    assert caught.value.reclaimed
    assert asyncio.run(runner.call(lambda: 7, 5.0)) == 7


def test_given_a_hanging_call_when_it_does_not_obey_then_that_is_said():
    runner, over = Runner("stuck"), threading.Event()
    with pytest.raises(Hung) as caught:
        asyncio.run(runner.call(lambda: over.wait(20), 0.1))
    assert not caught.value.reclaimed
    over.set()
    runner.close()


def test_given_a_process_that_was_stopped_when_it_goes_on_then_the_call_has_not_hung(runner):
    async def stopped_meanwhile():
        call = asyncio.create_task(runner.call(lambda: time.sleep(1.2) or "done", 1.0))
        await asyncio.sleep(0.05)
        time.sleep(1.0)  # the loop stands still, as after SIGSTOP
        return await call

    assert asyncio.run(stopped_meanwhile()) == "done"


def test_given_a_model_set_aside_when_asked_then_all_workers_know_until_it_cools_off(
    tmp_path, monkeypatch
):
    mine, theirs = Quarantine(tmp_path / "q"), Quarantine(tmp_path / "q")
    assert theirs.reason(DIGEST) == ""
    mine.add(DIGEST, "hung")
    assert (theirs.reason(DIGEST), theirs.reason(OTHER)) == ("hung", "")
    later = time.time() + quarantine_module.COOL_OFF_S + 1
    monkeypatch.setattr(quarantine_module.time, "time", lambda: later)
    assert theirs.reason(DIGEST) == ""


def test_given_a_model_that_crashes_workers_when_it_is_the_third_then_it_is_set_aside(
    tmp_path, monkeypatch
):
    quarantine, now = Quarantine(tmp_path), [1000.0]
    monkeypatch.setattr(quarantine_module.time, "time", lambda: now[0])
    for step in (0, 50, 50, 50):
        now[0] += step
        quarantine.crashed(DIGEST)
        assert quarantine.reason(DIGEST) == ""
    now[0] += 1
    quarantine.crashed(DIGEST)
    assert "3 workers died" in quarantine.reason(DIGEST)


def test_given_a_broken_quarantine_file_when_read_then_the_model_gets_its_chance(tmp_path):
    (tmp_path / f"{DIGEST}.json").write_bytes(b"\xff{")
    assert Quarantine(tmp_path).reason(DIGEST) == ""


def test_given_a_worker_that_died_at_work_when_it_starts_again_then_the_journal_tells(tmp_path):
    path = tmp_path / "sub" / "journal-0"
    first = Journal(path)
    assert first.left_over == []
    first.begin("infer", DIGEST)
    first.begin("load", OTHER)
    first.end("load")
    first.begin("load", OTHER)
    first.close()
    second = Journal(path)
    assert second.left_over == [DIGEST, OTHER]
    second.begin("infer", DIGEST)
    second.end("infer")
    second.close()
    third = Journal(path)
    assert third.left_over == []
    third.close()
    path.write_bytes(b"\xff" * 500)
    fourth = Journal(path)
    assert fourth.left_over == []
    fourth.close()


def make_order(model=True):
    ref = ModelRef(
        model_id=1,
        digest=DIGEST,
        input_shape=(2, 2, 3),
        preprocessing="area-rgb",
        labels=("Good", "Bad"),
    )
    return Order(
        order_id="1",
        plot=PlotEntry(plot_type_id=1, name="plot", model=ref if model else None),
        run=1,
        period="NA",
        chunk=0,
        image_time=0.0,
        closed_time=0.0,
        sha256="0" * 64,
        path="/p",
    )


def outputs(probabilities=(0.25, 0.75), cell=1.0, component=1.0):
    return Outputs(
        np.array([[0.5, 0.5], probabilities], np.float32),
        np.full((2, 2, 4, 5), cell, np.float32),
        np.full((2, 7), component, np.float32),
    )


def test_given_good_outputs_when_reported_then_the_report_passes_its_own_validation():
    report, frames = make_report(make_order(), "Predict0", outputs((1.00001, -0.00001)), 1, 0.01)
    received, parts = decode([bytes(part) for part in encode(report, [*frames, b"jpeg"])])
    assert received == report
    assert received.probabilities == (1.0, 0.0)
    assert received.map_shape == (2, 4, 5)
    assert np.frombuffer(parts[0], np.float32).shape == (40,)
    assert np.frombuffer(parts[1], np.float32).shape == (7,)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"probabilities": (np.nan, 0.5)}, "probabilities that are not finite"),
        ({"cell": np.inf}, "maps that are not finite"),
        ({"component": np.nan}, "embedding that are not finite"),
        ({"probabilities": (1.2, 0.0)}, "outside 0..1"),
        ({"probabilities": (0.5, -0.2)}, "outside 0..1"),
    ],
)
def test_given_doubtful_outputs_when_reported_then_there_is_no_verdict(changes, what):
    with pytest.raises(ModelError, match=what):
        make_report(make_order(), "Predict0", outputs(**changes), 1, 0.0)


def test_given_one_doubtful_image_in_a_batch_when_reported_then_the_other_is_good():
    doubtful = outputs(probabilities=(np.nan, np.nan))
    assert make_report(make_order(), "Predict0", doubtful, 0, 0.0)[0].probabilities == (0.5, 0.5)


def test_given_a_long_error_when_reported_then_it_is_cut_to_what_a_report_takes():
    report, frames = no_result(make_order(model=False), "Predict0", "x" * 10_000)
    decode([bytes(part) for part in encode(report, [*frames, b""])])
    assert len(report.error) == 4000


def test_given_a_tensor_when_it_fits_the_card_then_it_is_taken_without_a_copy(tmp_path):
    card = read_card(tmp_path / make_model_folder(tmp_path, shape=(4, 8, 3)))
    order = make_order()
    with pytest.raises(ModelError, match="the catalogue says"):
        tensor_of(order, bytes(4 * 8 * 3), card)
    model = msgspec.structs.replace(order.plot.model, input_shape=(4, 8, 3))
    order = msgspec.structs.replace(order, plot=msgspec.structs.replace(order.plot, model=model))
    assert tensor_of(order, bytes(range(96)), card).shape == (4, 8, 3)
    with pytest.raises(ModelError, match="got 95 bytes"):
        tensor_of(order, bytes(95), card)
    with pytest.raises(ModelError, match="has no model"):
        tensor_of(make_order(model=False), b"", card)


class ShelfStand:
    """A shelf with its threads and files."""

    def __init__(self, folder):
        self.store = folder / "models"
        self.store.mkdir()
        self.quarantine = Quarantine(folder / "quarantine")
        self.journal = Journal(folder / "journal")
        self.infer = Runner("infer")
        self.settled = asyncio.Queue()
        self.shelf = Shelf(
            store=self.store,
            quarantine=self.quarantine,
            journal=self.journal,
            infer=self.infer,
            threads=1,
            timeout_s=0.05,
            settled=self.settled.put_nowait,
        )

    def ref(self, digest):
        return ModelRef(
            model_id=1, digest=digest, input_shape=(32, 32, 3), preprocessing="x", labels=("a",)
        )

    async def load(self, *digests):
        self.shelf.activate(self.ref(digest) for digest in digests)
        for _ in digests:
            await asyncio.wait_for(self.settled.get(), 20)


def on_shelf(tmp_path, scenario):
    async def run():
        stand = ShelfStand(tmp_path)
        task = asyncio.create_task(stand.shelf.run())
        try:
            await scenario(stand)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            stand.journal.close()
            stand.infer.close()

    asyncio.run(run())


def test_given_models_of_a_catalogue_when_loaded_then_faults_are_named_and_others_serve(tmp_path):
    async def scenario(stand):
        good, hang = (
            make_model_folder(stand.store),
            make_model_folder(stand.store, kind="hang", trigger=0),
        )
        await stand.load(good, hang, DIGEST)
        assert stand.shelf.find(good).model is not None
        assert "took longer" in stand.shelf.find(hang).fault
        assert "took longer" in stand.quarantine.reason(hang)
        assert "install the model again" in stand.shelf.find(DIGEST).fault
        assert len(stand.shelf.faults()) == 2
        assert (stand.shelf.ready(), stand.shelf.loading()) == (1, 0)

    on_shelf(tmp_path, scenario)


def test_given_a_missing_model_when_it_is_installed_then_it_is_found_after_a_while(
    tmp_path, monkeypatch
):
    async def scenario(stand):
        digest = make_model_folder(stand.store)
        away = tmp_path / "away"
        (stand.store / digest).rename(away)
        await stand.load(digest)
        assert stand.shelf.find(digest).fault
        away.rename(stand.store / digest)
        assert stand.shelf.find(digest).fault
        monkeypatch.setattr("pipeline.predict.shelf.RETRY_S", 0.0)
        assert not stand.shelf.find(digest).fault
        await asyncio.wait_for(stand.settled.get(), 20)
        assert stand.shelf.find(digest).model is not None

    on_shelf(tmp_path, scenario)


def test_given_a_model_another_worker_set_aside_when_asked_for_then_it_is_not_run(tmp_path):
    async def scenario(stand):
        digest = make_model_folder(stand.store)
        await stand.load(digest)
        stand.quarantine.add(digest, "hung elsewhere")
        place = stand.shelf.find(digest)
        assert (place.model, place.fault) == (None, "hung elsewhere")

    on_shelf(tmp_path, scenario)


def test_given_a_model_out_of_the_catalogue_when_unused_for_a_while_then_it_is_dropped(
    tmp_path, monkeypatch
):
    async def scenario(stand):
        old = make_model_folder(stand.store, name="old")
        new = make_model_folder(stand.store, name="new")
        await stand.load(old)
        await stand.load(new)
        stand.shelf.tend()
        assert stand.shelf.ready() == 2
        monkeypatch.setattr("pipeline.predict.shelf.RETIRE_S", -1.0)
        stand.shelf.tend()
        assert stand.shelf.ready() == 1
        assert stand.shelf.find(new).model is not None

    on_shelf(tmp_path, scenario)
