"""The commands of the self-sustaining loop, on a record with a labelled sample."""

import hashlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from sqlalchemy import Engine, select

from db.catalogue import Plot
from db.catalogue_queries import plot_type
from db.engine import make_engine, reading, writing
from db.label_queries import NewLabel, add_label, labels
from db.models import ActiveModel, TrainingImage
from db.operation import RunHistory
from db.retrain_queries import open_request
from hydra_ioc.cli import cli
from pipeline.config import Config
from pipeline.keeper.imagestore import ImageStore
from tests.pipeline.keeper.deployment import build, make_config

PLOT = "CDC_occupancy"


@pytest.fixture(scope="module")
def deployment() -> Iterator[Config]:
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    config = make_config(folder)
    build(config, [PLOT])
    engine = make_engine(config.database_url())
    with writing(engine) as session:
        fill(config, session)
    engine.dispose()
    (folder / "hydra.toml").write_text(f'state_dir = "{folder}"\n')
    yield config
    shutil.rmtree(folder)


@pytest.fixture
def engine(deployment: Config) -> Iterator[Engine]:
    made = make_engine(deployment.database_url())
    yield made
    made.dispose()


def hydra(config: Config, *words: str) -> Result:
    toml = str(config.state_dir / "hydra.toml")
    return CliRunner().invoke(cli, ["--config", toml, *words], catch_exceptions=True)


def picture(chunk: int) -> bytes:
    """Chunks 1 to 3 look alike, all others differ."""
    seed = 1 if chunk <= 3 else chunk
    pixels = np.random.default_rng(seed).integers(0, 255, (32, 32), np.uint8)
    pixels[0, 0] = chunk
    with io.BytesIO() as data:
        Image.fromarray(pixels).save(data, "PNG")
        return data.getvalue()


def sha(chunk: int) -> str:
    return hashlib.sha256(picture(chunk)).hexdigest()


def fill(config, session):
    """Chunk: weight of Bad, and what people say."""
    target = plot_type(session, PLOT)
    model = session.get_one(ActiveModel, target.id).model_id
    store = ImageStore(config.under_state(config.keeper.images))
    now = time.time()
    images = {1: 0.5, 2: 0.52, 3: 0.48, 4: 0.01, 5: 0.99, 6: 0.02, 7: 0.6}
    for chunk, bad in images.items():
        source = config.state_dir / f"{chunk}.png"
        source.write_bytes(picture(chunk))
        store.keep(source, sha(chunk), "png")
        common = {
            "plot_type_id": target.id,
            "period": "P1",
            "run": 100,
            "chunk": chunk,
            "sha256": sha(chunk),
            "image_time": now - 10 + chunk,
            "unbiased": True,
        }
        plot = Plot(kept_at=now, **common)
        session.add(plot)
        session.flush()
        session.add(
            RunHistory(
                model_id=model,
                plot_id=plot.id,
                inserted_at=now,
                label="Bad" if bad >= 0.5 else "Good",
                confidence=max(bad, 1 - bad),
                confirmed=max(bad, 1 - bad) > 0.65,
                output={"Good": 1 - bad, "Bad": bad},
                thresholds={"Good": 0.5, "Bad": 0.65},
                late=False,
                **common,
            )
        )
    session.flush()
    for chunk, label in {4: "Good", 5: "Good", 6: "Good", 1: "Bad"}.items():
        add_label(session, NewLabel(plot=PLOT, sha256=sha(chunk), label=label, user="ann"))


def test_given_kept_images_when_queued_then_the_most_useful_come_first(deployment):
    done = hydra(deployment, "labels", "queue", PLOT, "--json")
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in done.output.splitlines()]
    assert [(one["kind"], one["chunk"]) for one in found] == [
        ("uncertain", 3),
        ("uncertain", 2),
        ("suspect", 5),
        ("uncertain", 7),
    ]
    assert found[2]["why"] == "labelled Good, the model says Bad 0.990"
    # Labels that the model agrees with are not asked for again.
    assert not {4, 6, 1} & {one["chunk"] for one in found}
    few = hydra(deployment, "labels", "queue", PLOT, "--limit", "1")
    assert few.stdout.count("\n") == 1
    assert f"labels give {PLOT} LABEL SHA256" in few.stderr


def test_given_images_that_look_the_same_when_queued_then_one_stands_for_them():
    from db.queue_queries import Candidate
    from hydra_ioc.labelling_queue import queue

    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(6, 8))
    vectors[1] = vectors[0] + 0.01
    images = [
        Candidate(i, f"{i}" * 64, "png", 1, i, float(i), "Bad", {"Good": 0.45, "Bad": 0.55},
                  False, None, None, vectors[i].astype("<f2").tobytes())
        for i in range(6)
    ]  # fmt: skip
    entries = queue(images, {}, 10)
    assert len(entries) == 5
    assert {entry.image.sha256[0]: entry.folded for entry in entries}["1"] == ["0" * 64]


def test_given_a_shadow_that_differs_when_queued_then_unlabelled_images_come_newest_first():
    from db.queue_queries import Candidate
    from hydra_ioc.labelling_queue import disputed

    images = [
        Candidate(i, f"{i}" * 64, "png", 1, i, float(i), "Bad", {"Good": 0.1, "Bad": 0.9},
                  True, None, "Good" if i == 3 else None)
        for i in range(5)
    ]  # fmt: skip
    found = disputed(images, {f"{i}" * 64: "Good" for i in (1, 2, 3)}, 10)
    assert [one.image.chunk for one in found] == [2, 1]
    assert found[0].why == "the shadow says Good"


def test_given_an_unlabelled_sample_when_queued_then_each_of_its_images_waits(deployment):
    done = hydra(deployment, "labels", "queue", PLOT, "--sample", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["kind"], one["label"]) for one in found] == [("sample", None)] * 3
    assert {one["chunk"] for one in found} == {2, 3, 7}
    assert all(one["folded"] == [] for one in found)


def test_given_a_labelled_sample_when_asked_then_accuracy_and_confusion_are_told(
    deployment, tmp_path
):
    target = tmp_path / "performance.png"
    done = hydra(deployment, "performance", PLOT, "--json", "--plot", str(target))
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)["overall"]
    assert (found["sampled"], found["labelled"], found["known"]) == (7, 4, True)
    assert found["accuracy"] == 0.75
    assert found["confusion"] == {"Good": {"Good": 2, "Bad": 1}, "Bad": {"Bad": 1}}
    with Image.open(target) as image:
        assert image.size[0] > 500
    assert "all" in hydra(deployment, "performance", PLOT).output


def test_given_labels_when_performance_is_asked_of_them_then_recall_and_period_are_told(
    deployment, engine
):
    labelled = json.loads(
        hydra(deployment, "performance", PLOT, "--of", "labelled", "--json").output
    )
    assert labelled["overall"]["sampled"] == labelled["overall"]["labelled"] == 4
    good = labelled["overall"]["recall"]["Good"]
    assert (good["right"], good["labelled"]) == (2, 3)
    assert "recall of Bad: 1/1" in hydra(deployment, "performance", PLOT, "--of", "labelled").output
    other = hydra(deployment, "performance", PLOT, "--of", "labelled", "--period", "P2", "--json")
    assert json.loads(other.output)["overall"]["labelled"] == 0


def test_given_a_training_when_performance_is_asked_of_new_labels_then_its_images_are_left_out(
    deployment, engine
):
    def counted() -> int:
        done = hydra(deployment, "performance", PLOT, "--of", "new", "--json")
        return json.loads(done.output)["overall"]["labelled"]

    assert counted() == 4
    with writing(engine) as session:
        key = plot_type(session, PLOT).id
        model = session.get_one(ActiveModel, key).model_id
        seen = session.scalars(select(Plot.id).where(Plot.chunk == 4)).one()
        row = TrainingImage(model_id=model, plot_id=seen, classification_id=1, purpose="train")
        session.add(row)
    assert counted() == 3


def test_given_a_false_alarm_when_told_then_it_is_a_label_with_its_reason(deployment, engine):
    done = hydra(deployment, "labels", "feedback", PLOT, sha(7), "--reason", "noise")
    assert done.exit_code == 0, done.output
    with reading(engine) as session:
        said = {row.sha256: row for row in labels(session, PLOT)}[sha(7)]
    assert (said.label, said.comment, said.source) == ("Good", "false positive: noise", "live")
    assert hydra(deployment, "labels", "feedback", PLOT, sha(7), "--reason", "boredom").exit_code


def test_given_a_request_when_listed_and_closed_then_its_reason_is_on_record(deployment, engine):
    with writing(engine) as session:
        open_request(session, plot_type(session, PLOT).id, "drift", "far away", 0.0)
    listed = hydra(deployment, "retrain", "list", "--json")
    request = json.loads(listed.output)
    assert (request["cause"], request["reason"]) == ("drift", "far away")
    closed = hydra(deployment, "retrain", "close", str(request["id"]), "--why", "work on crate 5")
    assert closed.exit_code == 0, closed.output
    assert hydra(deployment, "retrain", "list").output == ""
    assert "work on crate 5" in hydra(deployment, "retrain", "list", "--all").output
    again = hydra(deployment, "retrain", "run", str(request["id"]))
    assert "there is no open request" in str(again.exception)


def test_given_a_change_when_asked_for_then_a_plot_is_judged_over_time(deployment, engine):
    done = hydra(
        deployment, "plots", "change", PLOT, "--consecutive", "3", "--hysteresis", "0.05",
        "--hold", "60", "--delay", "30", "--count", "2",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    from db.performance import PlotSteadiness

    with reading(engine) as session:
        row = session.scalars(select(PlotSteadiness)).one()
        found = row.consecutive, row.hysteresis, row.hold_s, row.delay_s, row.count
    assert found == (3, 0.05, 60.0, 30.0, 2)
    assert hydra(deployment, "plots", "change", PLOT, "--consecutive", "0").exit_code != 0


def test_given_the_page_of_a_queue_when_answered_then_the_answers_are_labels(
    deployment, engine, tmp_path
):
    page = tmp_path / "queue.html"
    made = hydra(deployment, "labels", "queue", PLOT, "--page", str(page))
    assert made.exit_code == 0, made.output
    text = page.read_text(encoding="utf-8")
    waiting = hydra(deployment, "labels", "queue", PLOT, "--json").stdout.count("\n")
    assert text.count('class="mistake"') == text.count("data:image/jpeg;base64,") == waiting > 0
    assert "default-src 'none'" in text
    answers = tmp_path / "answers.json"
    said = {"v": 1, "plot": PLOT, "answers": [{"sha256": sha(2), "label": "Bad", "comment": "hot"}]}
    wrong = said | {"answers": [{"sha256": sha(2), "label": "Purple", "comment": ""}]}
    for told, words in ((wrong, "Purple"), ({"v": 1, "model": "a" * 64, "answers": []}, "report")):
        answers.write_text(json.dumps(told), encoding="utf-8")
        refused = hydra(deployment, "labels", "answer", str(answers))
        assert refused.exit_code == 1
        assert words in str(refused.exception)
    answers.write_text(json.dumps(said), encoding="utf-8")
    assert "1 answers, 1 images" in hydra(deployment, "labels", "answer", str(answers)).stdout
    with reading(engine) as session:
        found = {row.sha256: row for row in labels(session, PLOT)}[sha(2)]
    assert (found.label, found.comment, found.source) == ("Bad", "hot", "labeler")


def test_given_the_first_digits_when_images_are_labelled_then_they_are_enough(deployment, engine):
    done = hydra(deployment, "labels", "give", PLOT, "Good", sha(3)[:8], sha(7)[:12])
    assert done.exit_code == 0, done.output
    with reading(engine) as session:
        found = {row.sha256: row.label for row in labels(session, PLOT)}
    assert found[sha(3)] == found[sha(7)] == "Good"
    for digits in ("f" * 12, sha(3)[:4], "../etc/passwd"):
        refused = hydra(deployment, "labels", "give", PLOT, "Good", digits)
        assert refused.exit_code == 1
    assert hydra(deployment, "labels", "pin", PLOT, sha(3)[:8], "--use", "train").exit_code == 0
