"""Training reports: from a training by command to a signed review."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("matplotlib")
from db.catalogue_queries import add_plot
from db.engine import reading, writing
from db.label_queries import labels
from db.startup import upgrade
from hydra_ioc.cli import cli
from hydra_ioc.record import open_record
from pipeline.config import Config
from tests.pipeline.vision.toys import toy

pytestmark = pytest.mark.timeout(300)
PLOT = "toy"


def call(folder: Path, *arguments: str, good: bool = True) -> str:
    found = CliRunner().invoke(cli, ["--config", str(folder / "h.toml"), *arguments])
    text = found.output + (str(found.exception) if found.exception else "")
    assert (found.exit_code == 0) == good, text
    return text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A deployment whose model was trained with two images that have the wrong label."""
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("report")
    (folder / "h.toml").write_text('state_dir = "var"\n')
    config = Config(state_dir=folder / "var")
    upgrade(config.database_url())
    with writing(open_record(config)) as session:
        add_plot(session, PLOT, labels=("Good", "Bad"))
    rng = np.random.default_rng(4)
    lines = ["plot,path,label,run,chunk"]
    for index in range(40):
        label = ("Good", "Bad")[index % 2]
        image = cv2.resize(toy(label, rng), (320, 240), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"{index}.png"), image[..., ::-1])
        said = {10: "Bad", 21: "Good"}.get(index, label)
        lines.append(f"{PLOT},{index}.png,{said},{7 * (index // 2) + 100},{index}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    call(folder, "labels", "import", str(folder / "labels.csv"))
    text = call(folder, "train", PLOT, "--seed", "3")
    page = next(line.split()[1][:-1] for line in text.splitlines() if line.startswith("report "))
    assert "Training report" in Path(page).read_text()
    digest = next(line.split()[1] for line in text.splitlines() if line.startswith("model "))
    return folder, digest


@pytest.mark.train
def test_given_wrong_labels_when_answered_in_the_report_then_they_are_labels_and_the_review_signs(
    site: tuple[Path, str],
):
    folder, digest = site
    file = folder / "page.html"
    assert "images seen differently" in call(
        folder, "models", "report", digest, "--into", str(file)
    )
    text = file.read_text()
    wrong = [hashlib.sha256((folder / f"{n}.png").read_bytes()).hexdigest() for n in (10, 21)]
    assert all(f'data-name="{one}"' in text for one in wrong)
    assert text.count("data:image/jpeg;base64,") >= 2
    assert "not answered" in call(folder, "models", "sign", digest, "report-reviewed", good=False)
    names = [part.split('"')[0] for part in text.split('class="mistake" data-name="')[1:]]
    given = {wrong[0]: "Good", wrong[1]: "Bad"}
    config = Config(state_dir=folder / "var")
    with reading(open_record(config)) as session:
        old = {row.sha256: row.label for row in labels(session, PLOT)}
    answers = [{"sha256": one, "label": given.get(one, old[one])} for one in names]
    said = folder / "answers.json"
    said.write_text(json.dumps({"v": 1, "model": digest, "answers": answers}))
    assert "0 images of the report are open" in call(folder, "models", "answer", str(said))
    with reading(open_record(config)) as session:
        now = {row.sha256: (row.label, row.source) for row in labels(session, PLOT)}
    assert [now[one] for one in wrong] == [("Good", "report"), ("Bad", "report")]
    call(folder, "models", "sign", digest, "report-reviewed")


@pytest.mark.train
def test_given_a_report_when_read_then_each_cell_brings_its_images_with_pictures(
    site: tuple[Path, str],
):
    folder, digest = site
    file = folder / "cells.html"
    call(folder, "models", "report", digest, "--into", str(file))
    text = file.read_text()
    cells = json.loads(text.split('id="cells">')[1].split("</script>")[0])
    images = [one for cell in cells for one in cell["images"]]
    assert len({one["name"] for one in images}) == 40
    assert all(one["picture"].startswith("data:image/jpeg;base64,") for one in images)
    assert max(len(one["picture"]) for one in images) < 20_000
    right, wrong = cells[0]["images"], [one for cell in cells[1:3] for one in cell["images"]]
    held_out = [one["weight"] for one in right if one["held_out"]]
    assert held_out == sorted(held_out), "those it is least sure of lead"
    assert all(f'id="seen-{one["name"]}"' in text for one in wrong)


@pytest.mark.train
def test_given_a_report_that_cannot_be_written_when_trained_then_the_model_stays_and_it_is_said(
    site: tuple[Path, str],
):
    folder, digest = site
    text = call(folder, "train", PLOT, "--seed", "4", "--report", str(folder), good=False)
    assert "is a directory" in text
    (folder / "file").write_text("in the way")
    page = str(folder / "file" / "page.html")
    text = call(folder, "train", PLOT, "--seed", "4", "--report", page, good=False)
    assert "but its report is not: cannot write the report" in text
    made = next(line.split()[1] for line in text.splitlines() if line.startswith("model "))
    assert made != digest
    shown = call(folder, "models", "show", made[:12])
    assert "calibration: logits divided by" in shown
    assert "on 40 images it was not fitted to" in shown
    call(folder, "models", "report", made[:12], "--into", str(folder / "again.html"))
