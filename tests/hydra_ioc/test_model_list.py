"""The registered models as tables that a detector expert reads."""

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.catalogue_queries import add_plot, plot_type
from db.engine import reading, writing
from db.retrain_queries import open_request
from db.startup import upgrade
from hydra_ioc.cli import cli
from hydra_ioc.installation import install_models
from hydra_ioc.model_list import list_active, list_models, table_of
from hydra_ioc.record import open_record
from hydra_ioc.release import DEMO_MODELS
from pipeline.config import Config


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with the demo's models and a plot type without one."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "h.toml").write_text('state_dir = "var"\n')
    config = Config(state_dir=folder / "var")
    upgrade(config.database_url())
    install_models(config, DEMO_MODELS)
    with writing(open_record(config)) as session:
        add_plot(session, "bare")
        key = plot_type(session, "CDC_occupancy").id
        open_request(session, key, "drift", "embeddings moved", time.time())
    return folder


def call(folder: Path, *words: str) -> list[str]:
    found = CliRunner().invoke(cli, ["--config", str(folder / "h.toml"), "models", *words])
    assert found.exit_code == 0, found.output
    return found.stdout.splitlines()


def test_given_models_when_listed_then_date_maker_images_accuracy_and_sign_offs_are_told(
    site: Path,
) -> None:
    head, *lines = call(site, "list")

    assert head.split()[:4] == ["model", "made", "by", "images"]
    (line,) = [one for one in lines if one.endswith("  CDC_occupancy")]
    assert time.strftime("%Y-%m-%d", time.gmtime()) in line
    for word in ("release", "400", "% of 100", "4/4 expert-signoff", "judges"):
        assert word in line


def test_given_plot_types_when_the_active_models_are_listed_then_all_are_there_with_requests(
    site: Path,
) -> None:
    rows = {row["plot"]: row for row in map(json.loads, call(site, "active", "--json"))}

    assert rows["bare"]["model"] is None
    asked = rows["CDC_occupancy"]
    assert asked["request"]["cause"] == "drift"
    assert set(asked["thresholds"]) == {"Good", "Bad", "NoData"}
    text = "\n".join(call(site, "active"))
    assert "drift (open)" in text
    assert "bare" in text


def test_given_a_store_that_lost_a_model_when_listed_then_its_calibration_is_unknown(
    site: Path, tmp_path: Path
) -> None:
    with reading(open_record(Config(state_dir=site / "var"))) as session:
        rows = list_models(session, tmp_path)
        active = list_active(session, tmp_path)

    assert all(row["calibration_error"] is None and row["store"] for row in rows)
    assert "unknown" in table_of(rows)[1]
    assert len(active) == len(rows) + 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"active": [], "next_step": "ai-signoff"}, "waits: ai-signoff"),
        ({"active": ["a"], "probation": ["a"]}, "on probation"),
        ({"active": ["a", "b"], "probation": ["a"]}, "judges, on probation"),
        ({"active": [], "shadow": ["a"]}, "shadow"),
        ({"accuracy": None}, "unknown"),
        ({"merged": True}, "400+"),
        ({"plots": [f"a_long_name_{n}" for n in range(9)]}, "9 plot types"),
    ],
)
def test_given_a_model_when_laid_out_then_its_state_is_said_in_words(
    site: Path, changes: dict[str, object], said: str
) -> None:
    row = json.loads(call(site, "list", "--json")[0]) | changes

    assert said in table_of([row])[1]
