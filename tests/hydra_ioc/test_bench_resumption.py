"""Series of trials go on where they were, and say what they found."""

import dataclasses
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from hydra_ioc.bench import emulated_trials
from hydra_ioc.bench.emulated import Plan
from hydra_ioc.cli import cli
from pipeline.errors import InputError

PLAN = Plan(images=40, faulty=2, epochs=1, few=20, seed=1)
SMALL = ("--no-backbone", "--references", 3, "--repeats", 1, "--good", 4, "--odd", 4)


def evaluate(*words: object) -> str:
    arguments = ["references", "evaluate", *SMALL, *words]
    result = CliRunner().invoke(cli, [str(word) for word in arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


def test_given_an_interrupted_series_of_references_when_repeated_then_only_the_rest_is_tried(
    tmp_path: Path,
):
    file, table = tmp_path / "trials.json", tmp_path / "tables.md"
    first = evaluate("--plot", "RF_time", "--json", file, "--tables", table)
    assert "RF_time: 1 trials, 0 were there" in first
    assert "| RF_time |" in table.read_text()
    kept = file.read_text()
    assert "RF_time: 1 trials, 1 were there" in evaluate("--plot", "RF_time", "--json", file)
    assert file.read_text() == kept
    one = json.loads(kept)
    assert len(one["similarity"]) == len(one["label"]) == len(one["run"])
    file.write_text("no trial\n")
    with pytest.raises(InputError, match="give another file"):
        evaluate("--plot", "RF_time", "--json", file)


def test_given_a_folder_without_images_when_evaluated_then_it_is_told(tmp_path: Path):
    (tmp_path / "labels.csv").write_text("file,run,label\na.png,1,GOOD\n")
    with pytest.raises(InputError, match="found none"):
        evaluate("--no-simulated", "--real", tmp_path)
    (tmp_path / "labels.csv").write_text("file,label\na.png,GOOD\n")
    with pytest.raises(InputError, match="line 2: expected file, run and label"):
        evaluate("--no-simulated", "--real", tmp_path)


def test_given_models_that_were_judged_when_the_bench_is_repeated_then_they_are_not_trained_again(
    tmp_path: Path,
):
    file = tmp_path / "bench.json"
    with file.open("w") as out:
        for model in emulated_trials.MODELS:
            row = {"plot": "FCAL_occupancy", "model": model, **dataclasses.asdict(PLAN)}
            out.write(json.dumps({**row, "rates": {}, "heat": {}}) + "\n")
    lines: list[str] = []
    found = list(emulated_trials.run(["FCAL_occupancy"], PLAN, file, lines.append))
    assert [one["model"] for one in found] == list(emulated_trials.MODELS)
    assert all("was there" in line for line in lines)
    file.write_text('{"no": "result"}\n')
    with pytest.raises(InputError, match="give another file"):
        list(emulated_trials.run(["FCAL_occupancy"], PLAN, file, lines.append))


def test_given_real_plots_when_novelty_is_evaluated_then_each_kind_is_next_to_pixels_with_intervals(
    tmp_path: Path,
):
    rng, lines = np.random.default_rng(1), ["file,run,label"]
    (tmp_path / "png").mkdir()
    for run in range(48):
        label = "GOOD" if run % 2 else ("LEFT", "RIGHT")[run % 4 // 2]
        image = rng.normal(200, 6, (60, 80, 3))
        image[
            20:40, {"GOOD": slice(40, 40), "LEFT": slice(5, 25), "RIGHT": slice(55, 75)}[label]
        ] = 0
        cv2.imwrite(str(tmp_path / "png" / f"{run}.png"), np.clip(image, 0, 255).astype(np.uint8))
        lines.append(f"{run}.png,{run},{label}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    words = ["novelty", "evaluate", "--no-simulated", "--real", str(tmp_path), "--repeats", "1"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    told = rf"^\| {tmp_path.name} LEFT \| \d+, 12 \| (.*) \|$"
    row = re.search(told, result.output, re.MULTILINE)
    assert row is not None, result.output
    novelty, pixels, _ = (
        [float(one) for one in re.findall(r"\d\.\d+", cell)] for cell in row[1].split(" | ")
    )
    for mean, low, high in (novelty, pixels):
        assert 0.9 < low <= mean <= high <= 1.0
