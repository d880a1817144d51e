"""Thresholds of a plot, chosen by command from what the training held out."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from db.engine import reading
from db.models import ThresholdHistory
from hydra_ioc.cli import cli
from hydra_ioc.record import open_record
from hydra_ioc.threshold_choice import Evidence, choose, effect
from pipeline.config import Config
from pipeline.errors import CommandError, InputError

EVIDENCE = Evidence(
    {"Good": 0.5, "Bad": 0.5},
    np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.05, 0.95], [0.45, 0.55]]),
    np.array([0, 0, 1, 1, 0]),
)


def test_given_held_out_images_when_chosen_by_f1_then_the_highest_that_is_best():
    assert choose(EVIDENCE, "Bad", None) == pytest.approx(0.7)
    assert effect(EVIDENCE, "Bad", 0.7).startswith("3 judged so: 2 confirmed, 1 unconfirmed; 0 ")
    assert "1 confirmed wrongly" in effect(EVIDENCE, "Bad", 0.5)


def test_given_too_few_images_when_a_rate_is_asked_then_refused():
    with pytest.raises(InputError, match="label more images"):
        choose(EVIDENCE, "Bad", 0.01)


def test_given_a_rate_that_is_kept_everywhere_when_chosen_then_no_lower_than_what_was_seen():
    weights = np.array([[0.2, 0.8]] * 8 + [[0.34, 0.66]] * 4 + [[0.9, 0.1]] * 12)
    found = Evidence({"Good": 0.5, "Bad": 0.5}, weights, np.array([1] * 12 + [0] * 12))
    assert choose(found, "Bad", 0.1) == pytest.approx(0.66)
    never = Evidence({"Good": 0.5, "Bad": 0.5}, weights[12:], np.array([1] * 12))
    with pytest.raises(InputError, match="label more images"):
        choose(never, "Bad", 0.1)


def test_given_no_image_of_a_label_when_chosen_then_refused():
    none = Evidence({"Good": 0.5, "Bad": 0.5}, EVIDENCE.weights[:2], EVIDENCE.truth[:2])
    with pytest.raises(CommandError, match="found none"):
        choose(none, "Bad", None)


def test_given_the_demo_models_when_set_by_hand_then_changed_with_history_and_others_refused(
    tmp_path: Path,
):
    (tmp_path / "h.toml").write_text('state_dir = "var"\n')

    def call(*arguments: str) -> tuple[int, str]:
        found = CliRunner().invoke(cli, ["--config", str(tmp_path / "h.toml"), *arguments])
        return found.exit_code, found.output + str(found.exception or "")

    assert call("db", "upgrade")[0] == 0
    code, text = call("models", "install")
    assert code == 0, text
    plots = [json.loads(line) for line in call("models", "list", "--json")[1].splitlines()]
    plot = plots[0]["active"][0]
    code, text = call("thresholds", plot, "--method", "hand", "--label", "Bad", "--value", "0.77")
    assert code == 0, text
    assert "-> 0.77" in text
    with reading(open_record(Config(state_dir=tmp_path / "var"))) as session:
        assert [row.new for row in session.scalars(select(ThresholdHistory))] == [0.77]
    assert call("thresholds", plot, "--method", "f1", "--label", "Nope")[0] != 0
    assert call("thresholds", plot, "--method", "hand", "--value", "0.5")[0] == 2
    assert call("thresholds", "nowhere")[0] != 0
