"""From labels of the record to a registered model, and the same model once more."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("sklearn")
from db.catalogue_queries import add_plot
from db.engine import reading, writing
from db.startup import upgrade
from db.training_queries import labelled_images
from db.training_records import images_of, training_of, validation_of
from hydra_ioc.cli import cli
from hydra_ioc.record import open_record
from hydra_ioc.training import weak_labels
from pipeline.config import Config
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.card import Metrics
from tests.pipeline.vision.test_card import a_card
from tests.pipeline.vision.toys import toy

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]
PLOT = "toy"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with 24 labelled images of 12 runs; one pinned, one heavier, one ignored."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "h.toml").write_text('state_dir = "var"\n')
    config = Config(state_dir=folder / "var")
    upgrade(config.database_url())
    with writing(open_record(config)) as session:
        add_plot(session, PLOT, labels=("Good", "Bad", "NoData"))
    rng = np.random.default_rng(4)
    lines = ["plot,path,label,run,chunk,use,weight"]
    for index in range(25):
        label = ("Good", "Bad")[index % 2]
        name = f"{index}.png"
        image = cv2.resize(toy(label, rng), (320, 240), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / name), image[..., ::-1])
        use = {0: "validate,", 1: "validate,", 2: ",3", 3: "train,"}.get(index, ",")
        said = "Ignore" if index == 24 else label
        lines.append(f"{PLOT},{name},{said},{7 * (index // 2) + 100},{index},{use}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    call(folder, "labels", "import", str(folder / "labels.csv"))
    return folder


def call(folder: Path, *arguments: str, code: int = 0) -> str:
    found = CliRunner().invoke(cli, ["--config", str(folder / "h.toml"), *arguments])
    text = found.output + (str(found.exception) if found.exception else "")
    assert (found.exit_code == 0) == (code == 0), text
    return text


def digest_in(text: str) -> str:
    return next(line.split()[1] for line in text.splitlines() if line.startswith("model "))


@pytest.fixture(scope="module")
def few(site: Path) -> str:
    """The digest of a model trained from the record."""
    return digest_in(call(site, "train", PLOT, "--seed", "3"))


def test_given_labels_with_uses_when_read_then_ignored_images_are_left_out(site: Path) -> None:
    with reading(open_record(Config(state_dir=site / "var"))) as session:
        images = labelled_images(session, PLOT)
    assert len(images) == 24
    assert [one.forced_validation for one in images[:4]] == [True, True, False, False]
    assert (images[2].weight, images[3].forced_training) == (3, True)


def test_given_a_training_when_read_from_the_record_then_images_settings_and_results_are_there(
    site: Path, few: str
) -> None:
    with reading(open_record(Config(state_dir=site / "var"))) as session:
        row, images = training_of(session, few), images_of(session, few)
        assert images == labelled_images(session, PLOT)
        assert set(validation_of(session, few)) == {one.sha256 for one in images[:2]}
        assert (row.source, row.merged, row.settings["request"]["seed"]) == ("record", False, 3)
        assert {one["name"] for one in row.judged} == {one.sha256 for one in images}
        assert all(abs(sum(one["probabilities"]) - 1) < 1e-3 for one in row.judged)


def test_given_a_registered_model_when_remade_then_the_same_comes_of_it(
    site: Path, few: str
) -> None:
    assert few in call(site, "models", "remake", few[:12])


def test_given_a_missing_image_when_trained_then_it_is_named_and_nothing_is_lost(
    site: Path,
) -> None:
    first = hashlib.sha256((site / "4.png").read_bytes()).hexdigest()
    config = Config(state_dir=site / "var")
    stored = ImageStore(config.under_state(config.keeper.images)).path(first, "png")
    hidden = stored.rename(stored.with_suffix(".away"))
    try:
        before = sorted((site / "var/models").glob("*"))
        text = call(site, "train", PLOT, code=1)
        assert "1 of 24 labelled images" in text
        assert first[:16] in text
        assert sorted((site / "var/models").glob("*")) == before
    finally:
        hidden.rename(stored)


def test_given_labels_outside_the_palette_when_trained_then_it_is_refused_before_the_work(
    site: Path,
) -> None:
    rows = ["file,label,run", *(f"{n}.png,{('Good', 'Awful')[n % 2]},{n // 2}" for n in range(12))]
    (site / "odd.csv").write_text("\n".join(rows) + "\n")
    before = sorted((site / "var/models").glob("*"))
    text = call(site, "train", PLOT, "--data", str(site), "--labels", str(site / "odd.csv"), code=1)
    assert "Awful" in text and PLOT in text and "palette" in text
    assert sorted((site / "var/models").glob("*")) == before


def test_given_a_plot_that_nobody_registered_when_trained_then_it_is_refused_before_the_work(
    site: Path,
) -> None:
    before = sorted((site / "var/models").glob("*"))
    text = call(site, "train", "toi", "--data", str(site), "--labels", str(site / "h.toml"), code=1)
    assert "there is no plot toi" in text
    assert sorted((site / "var/models").glob("*")) == before


def test_given_a_training_interrupted_from_the_keyboard_when_listed_then_no_model_is_there(
    site: Path,
) -> None:
    pytest.importorskip("tensorflow")
    before = sorted((site / "var/models").glob("*"))
    stopped = start(site, "--seed", "5")
    for line in stopped.stdout:
        if line.startswith("epoch 2/4"):
            stopped.send_signal(signal.SIGINT)
            break
    text, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 1, text
    assert "Traceback" not in text
    assert sorted((site / "var/models").glob("*")) == before
    assert list((site / "var/trainings").glob("*/*")), "what was learnt is kept for --resume"


def net(site: Path, *more: str) -> list[str]:
    return [
        *("--config", str(site / "h.toml"), "train", PLOT, "--architecture", "domain-cbam"),
        *("--shape", "64x96", "--epochs", "4", "--anneal-epochs", "2", "--validation", "0.4"),
        *more,
    ]


def start(site: Path, *more: str) -> subprocess.Popen[str]:
    code = "import sys; from hydra_ioc.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *net(site, *more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_given_a_training_killed_in_the_middle_when_resumed_then_the_model_is_the_same(
    site: Path,
) -> None:
    pytest.importorskip("tensorflow")
    whole = start(site)
    text, _ = whole.communicate(timeout=250)
    assert whole.returncode == 0, text
    killed = start(site)
    for line in killed.stdout:
        if line.startswith("epoch 3/4"):
            os.kill(killed.pid, signal.SIGKILL)
            break
    killed.communicate(timeout=60)
    resumed = start(site, "--resume")
    again, _ = resumed.communicate(timeout=250)
    assert resumed.returncode == 0, again
    assert "epoch 1/4" not in again
    assert digest_in(again) == digest_in(text)


def test_given_a_label_hardly_ever_recalled_when_looked_at_then_it_is_called_weak(
    tmp_path: Path,
) -> None:
    for confusion, weak in (
        (((5, 0), (1, 4)), ()),
        (((5, 0), (4, 4)), ("Bad",)),
        (((0, 5), (0, 5)), ("Good",)),
    ):
        card = a_card(tmp_path, metrics=Metrics(confusion=confusion, loss=0.1, epochs=1))
        assert weak_labels(card) == weak
