"""From a folder of one's own plots to a model that judges, by the commands of the docs."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("sklearn")
from hydra_ioc.cli import cli
from pipeline.errors import InputError, LabelError
from tests.pipeline.vision.toys import toy

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]


def draw(folder: Path, runs: range) -> None:
    rng = np.random.default_rng(runs.start)
    for run in runs:
        for label in ("Good", "Bad"):
            image = cv2.resize(toy(label, rng), (320, 240), interpolation=cv2.INTER_NEAREST)
            path = folder / label / f"DC_hits_{run}_{'ab'[label == 'Bad']}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image[..., ::-1])


class Site:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "hall.toml"

    def invoke(self, *words: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(self.file), *words])

    def call(self, *words: str) -> str:
        found = self.invoke(*words)
        assert found.exit_code == 0, f"{words}: {found.output} {found.exception!r}"
        return found.output


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    folder = tmp_path_factory.mktemp("hall")
    draw(folder / "plots", range(5000, 5012))
    draw(folder / "test", range(6000, 6010))
    done = CliRunner().invoke(cli, ["config", "propose", str(folder / "plots")])
    site = Site(folder)
    # Here a letter behind the run belongs to no plot: an expert changes the proposal.
    site.file.write_text(done.stdout.replace("(?P<part>[A-Za-z0-9_-]+)", "[ab]"))
    site.call("db", "upgrade")
    assert "added DC_hits (24 files)" in site.call("plots", "discover", str(folder / "plots"))
    assert "24 images labelled" in site.call("labels", "import", str(folder / "plots"))
    return site


@pytest.fixture(scope="module")
def digest(site) -> str:
    found = re.search(r"^model (\w{64})$", site.call("train", "DC_hits"), re.MULTILINE)
    assert found is not None
    return found[1]


def test_given_folders_of_labels_when_trained_signed_and_activated_then_the_plot_has_its_model(
    site, digest
):
    refused = site.invoke("plots", "model", "DC_hits", digest)
    assert "report-reviewed" in str(refused.exception)
    for step in ("report-reviewed", "ai-signoff", "expert-signoff"):
        site.call("models", "sign", digest, step, "--why", "looked at it")
    site.call("plots", "model", "DC_hits", digest)
    assert digest[:8] in site.call("plots", "list")


def test_given_runs_that_no_training_saw_when_evaluated_then_folders_tell_their_labels(
    site, digest
):
    told = site.call("evaluate", "--data", str(site.file.parent / "test"), "--model", digest)
    assert told.startswith("20 images of 10 runs")
    accuracy = re.search(r"accuracy +([\d.]+) %", told)
    assert accuracy is not None
    assert float(accuracy[1]) >= 95


def test_given_a_folder_of_another_label_when_evaluated_then_the_model_does_not_guess(
    site, digest, tmp_path
):
    draw(tmp_path, range(7000, 7002))
    (tmp_path / "Bad").rename(tmp_path / "Broken")
    found = site.invoke("evaluate", "--data", str(tmp_path), "--model", digest)
    assert isinstance(found.exception, LabelError)
    assert "['Broken']" in str(found.exception)


def test_given_no_table_and_no_folders_of_labels_when_trained_then_it_says_what_it_wants(
    site, tmp_path
):
    cv2.imwrite(str(tmp_path / "DC_hits_1_a.png"), np.zeros((8, 8, 3), np.uint8))
    found = site.invoke("train", "DC_hits", "--data", str(tmp_path))
    assert isinstance(found.exception, InputError)
    assert "expected a folder named after the label" in str(found.exception)
