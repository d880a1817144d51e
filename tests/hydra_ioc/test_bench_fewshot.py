"""The benchmark of models from a handful of labels."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from hydra_ioc.bench.fewshot_methods import Method
from hydra_ioc.bench.fewshot_overview import overview_table
from hydra_ioc.bench.fewshot_report import write_report
from hydra_ioc.bench.fewshot_summary import (
    SHIPPED,
    SIMULATED,
    accuracy_table,
    calibration_table,
    grouped,
    mean_of,
)
from hydra_ioc.bench.fewshot_tasks import real_tasks
from hydra_ioc.cli import cli
from pipeline.vision.backbone import shipped
from pipeline.vision.dataset import Dataset
from pipeline.vision.fewshot import VERSION


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Real plots to be: twelve runs, the bad ones dark, in two kinds."""
    place = tmp_path / "gauge"
    (place / "png").mkdir(parents=True)
    rows = ["file,run,label"]
    rng = np.random.default_rng(1)
    for run in range(24):
        label = ("GOOD", "BAD_dark", "GOOD", "BAD_low")[run % 4]
        level = 60 if label.startswith("BAD") else 220
        image = rng.integers(level - 20, level + 20, (120, 160, 3)).astype(np.uint8)
        cv2.imwrite(str(place / "png" / f"{run}.png"), image)
        rows.append(f"{run}.png,{run},{label}")
    (place / "labels.csv").write_text("\n".join(rows) + "\n")
    return place


def test_given_several_bad_labels_when_read_then_a_second_task_takes_them_as_one(folder):
    apart, together = real_tasks(folder)
    assert set(apart.images.labels) == {"Good", "BAD_dark", "BAD_low"}
    assert set(together.images.labels) == {"Good", "BAD"}


@pytest.mark.parametrize("repeat", range(4))
def test_given_a_real_task_when_split_then_no_run_is_on_both_sides_and_every_label_is(
    folder, repeat
):
    task = real_tasks(folder)[0]
    pool, test = task.sides(repeat)
    images = task.images
    assert len(pool) + len(test) == len(images)
    assert not set(images.runs[pool]) & set(images.runs[test])
    assert len(set(images.truth[pool])) == len(set(images.truth[test])) == 3
    chosen = task.choose(pool, 2, repeat)
    assert set(chosen) <= set(pool)
    assert np.bincount(images.truth[chosen]).tolist() == [2, 2, 2]


def test_given_titles_to_exchange_when_run_then_the_test_images_keep_all_but_their_titles():
    rng = np.random.default_rng(2)
    images = rng.integers(0, 255, (6, 240, 320, 3)).astype(np.uint8)
    learn = Dataset(images, np.zeros(6, np.int64), np.arange(6), ("Good", "Bad"), ("",) * 6)
    shown = []
    for titles in ("exchanged", "blanked"):
        Method("x", lambda _, __: shown.append, titles=titles).run(learn, images, seed=1, title=12)
    exchanged, blanked = shown
    assert np.array_equal(exchanged[:, 12:], images[:, 12:])
    assert not any(np.array_equal(a, b) for a, b in zip(exchanged, images, strict=True))
    assert (blanked[:, :12] == 255).all()


def test_given_repeats_when_averaged_then_the_interval_is_students():
    mean = mean_of([0.9, 0.92, 0.94])
    assert mean.value == pytest.approx(0.92)
    assert mean.margin == pytest.approx(4.303 * 0.02 / 3**0.5, rel=1e-3)
    assert mean.percent == "92.0 ± 5.0 (3)"
    assert mean_of([0.5]).percent == "50.0 (once)"


def test_given_simulated_results_when_grouped_then_they_are_averaged_repeat_by_repeat():
    results = [
        {"task": task, "real": False, "method": "m", "size": 5, "repeat": 0, "balanced": value}
        for task, value in (("a", 0.8), ("b", 1.0))
    ]
    assert grouped(results, "balanced")[(SIMULATED, "m", 5)] == {0: pytest.approx(0.9)}
    assert "| a | m | 80.0 (once) |" in accuracy_table(results, ["a"], ["m"])


def test_given_errors_of_calibration_when_laid_out_then_each_plot_type_has_its_mean():
    results = [
        {
            "task": "A", "real": True, "method": "m", "size": 10, "repeat": repeat,
            "calibration_error": value,
        }
        for repeat, value in enumerate((0.01, 0.03))
    ]  # fmt: skip
    assert "| A | m | 0.020 ±" in calibration_table(results, ["A"], ["m"])


def test_given_real_plots_when_measured_twice_then_the_second_call_measures_nothing(
    folder, tmp_path
):
    file, picture = tmp_path / "few.json", tmp_path / "few.png"
    arguments = ["bench-fewshot", "--json", str(file), "--real", str(folder), "--size", "2"]
    arguments += ["--repeats", "2", "--plot", str(picture), "--no-simulated"]
    arguments += ["--method", "tiny-logistic", "--method", "unlabelled"]
    first = CliRunner().invoke(cli, arguments)
    assert first.exit_code == 0, first.output
    results = json.loads(file.read_text())["results"]
    assert len(results) == 2 * 2 * 2
    assert cv2.imread(str(picture)) is not None
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 0
    assert "repeat" not in again.stderr
    assert json.loads(file.read_text())["results"] == results


def test_given_results_of_another_head_when_read_then_they_are_dropped_aloud(tmp_path):
    file = tmp_path / "few.json"
    digest = shipped().card.sha256
    results = [
        {"task": "A", "method": method, "size": 5, "repeat": 0, "real": True, "backbone": on}
        | ({"head": head} if head else {})
        for method, on, head in (
            (SHIPPED, digest, None),
            (SHIPPED, digest, VERSION),
            ("unlabelled", digest, None),
            ("tiny-logistic", None, None),
        )
    ]
    file.write_text(json.dumps({"backbone": digest, "results": results}))
    arguments = ["bench-fewshot", "--json", str(file), "--tables-only"]
    done = CliRunner().invoke(cli, arguments)
    assert "1 results are of another backbone or head and are dropped" in done.stderr


def test_given_results_of_another_draw_when_measured_then_the_file_is_left_alone(tmp_path):
    file = tmp_path / "few.json"
    kept = json.dumps({"backbone": "a", "draw": "first", "results": []})
    file.write_text(kept)
    done = CliRunner().invoke(
        cli, ["bench-fewshot", "--json", str(file), "--no-simulated", "--draw", "second"]
    )
    assert done.exit_code == 1
    assert "of draw 'first', not of 'second'" in str(done.exception)
    assert file.read_text() == kept


def test_given_a_file_of_something_else_when_measured_then_it_is_left_alone(tmp_path):
    file = tmp_path / "other.json"
    file.write_text('{"figures": 1}')
    found = CliRunner().invoke(cli, ["bench-fewshot", "--json", str(file), "--no-simulated"])
    assert found.exit_code != 0
    assert "holds no results" in str(found.exception)
    assert file.read_text() == '{"figures": 1}'


def test_given_simulated_results_when_summed_up_then_plot_types_that_reach_it_are_counted():
    found = {"method": SHIPPED, "real": False, "size": 10, "recalls": {"Bad": 0.9}}
    found |= {"tested": {"Bad": 20}, "reliability": [[10, 0.9, 0.8]]}
    results = [
        found | {"task": task, "repeat": 0, "balanced": accuracy, "calibration_error": error}
        for task, accuracy, error in (("A", 0.99, 0.01), ("B", 0.95, 0.03))
    ]
    results.append(results[1] | {"task": "C", "real": True})
    table = overview_table(results)
    assert "| reach 97 % balanced accuracy | 1 |" in table
    assert "| lowest | B 95.0 % |" in table
    assert "| calibration error of all images together | 0.1000 |" in table
    assert "| Bad taken for something else | 4 of 40 |" in table


def test_given_networks_of_fresh_weights_when_reported_then_their_plot_types_have_a_table():
    common = {"real": False, "size": 10, "repeat": 0, "calibration_error": 0.1, "seconds": 1.0}
    common |= {"recalls": {"Bad": 1.0}, "tested": {"Bad": 2}}
    results = [
        common | {"task": task, "method": method, "balanced": 0.75}
        for task, method in (("A", "inceptionv3-cbam"), ("A", SHIPPED), ("B", SHIPPED))
    ]
    text = write_report({"backbone": "0" * 64, "results": results, "draw": "fresh"}, None, None)
    assert "| A | inceptionv3-cbam | 75.0 (once) |" in text
    assert "draw `fresh`" in text
