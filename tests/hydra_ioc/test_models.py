"""Installing the models of a release, and what they are worth."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from db.catalogue_queries import catalogue
from db.engine import reading, writing
from db.model_queries import activate_model, register_model
from db.reference_queries import NewReferences, add_references
from db.startup import upgrade
from hydra_ioc.cli import cli
from hydra_ioc.installation import install_models
from hydra_ioc.record import actor, open_record
from hydra_ioc.registry import model_of
from hydra_ioc.release import DEMO_MODELS, DEMO_NOTE, read_index, write_index
from hydra_ioc.simulated import TRAINING
from pipeline.config import Config
from pipeline.errors import HydraError, ModelError
from pipeline.vision.card import read_card, verify
from simulation.plots import PLOTS

SIZE_LIMIT = 10_000_000


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(state_dir=tmp_path / "var")
    upgrade(config.database_url())
    return config


def test_given_the_release_when_counted_then_every_plot_has_a_model_and_all_fit_10_mb() -> None:
    assert set(read_index(DEMO_MODELS)) == set(PLOTS)
    assert sum(file.stat().st_size for file in DEMO_MODELS.rglob("*.*")) <= SIZE_LIMIT


@pytest.mark.parametrize("plot", list(PLOTS))
def test_given_a_shipped_model_when_verified_then_folder_card_and_plot_agree(plot: str) -> None:
    card = verify(DEMO_MODELS / read_index(DEMO_MODELS)[plot])
    assert card.plots == (plot,)
    assert card.labels == PLOTS[plot].labels
    assert card.note == DEMO_NOTE
    assert {run % 2 for run in (*card.training_runs, *card.validation_runs)} == {TRAINING}


def test_given_shipped_models_when_unseen_runs_are_judged_then_almost_all_are_right() -> None:
    from hydra_ioc.evaluation import evaluation_samples, judge_all, summary

    samples = list(evaluation_samples(list(PLOTS), 5, 1, 1, seed=99))
    found = summary(judge_all(samples, DEMO_MODELS, 2))
    assert found["images"] == len(samples) >= 200
    assert found["accuracy"]["value"] >= 0.97, found["mistakes"]
    assert found["false_bad"]["hits"] <= 1, found["mistakes"]


def test_given_an_empty_catalogue_when_installed_twice_then_the_second_changes_nothing(
    config: Config,
) -> None:
    first = install_models(config, DEMO_MODELS)
    assert (first.plots_added, first.activated) == (len(PLOTS), len(PLOTS))
    with reading(open_record(config)) as session:
        before = catalogue(session)
    assert {row.name for row in before} == set(PLOTS)
    assert all(row.model is not None and not row.model.probation for row in before)
    assert all(set(row.thresholds) == {"Good", "Bad", "NoData"} for row in before)
    for row in before:
        verify(config.under_state(config.predict.models) / row.model.digest)
    second = install_models(config, DEMO_MODELS)
    assert (second.plots_added, second.models_added, second.activated) == (0, 0, 0)
    with reading(open_record(config)) as session:
        assert catalogue(session) == before


def other_release(tmp_path: Path, plot: str, note: str, **changes: Any) -> tuple[Path, str]:
    """Make a release of one model that differs from the shipped one in its card only."""
    import msgspec

    from pipeline.vision.card import write_card

    source = DEMO_MODELS / read_index(DEMO_MODELS)[plot]
    folder = tmp_path / "release" / "fresh"
    folder.mkdir(parents=True)
    for name in read_card(source).files:
        shutil.copy(source / name, folder)
    digest = write_card(
        folder, msgspec.structs.replace(read_card(source), seed=4711, note=note, **changes)
    )
    folder.rename(folder.parent / digest)
    write_index(folder.parent, {plot: digest})
    return folder.parent, digest


def judging(config: Config, plot: str) -> str:
    with reading(open_record(config)) as session:
        return next(row.model.digest for row in catalogue(session) if row.name == plot)


def test_given_a_later_release_when_installed_then_its_models_take_over(
    config: Config, tmp_path: Path
) -> None:
    install_models(config, DEMO_MODELS)
    release, digest = other_release(tmp_path, "CDC_occupancy", DEMO_NOTE)
    assert install_models(config, release).activated == 1
    assert judging(config, "CDC_occupancy") == digest


def test_given_references_that_a_later_model_does_not_suit_when_installed_then_the_plot_is_told(
    config: Config, tmp_path: Path
) -> None:
    plot = "CDC_occupancy"
    install_models(config, DEMO_MODELS)
    before = judging(config, plot)
    card = read_card(DEMO_MODELS / before)
    references = NewReferences(
        digest="c" * 64,
        labels=("similar", "different"),
        input_shape=card.input_shape,
        preprocessing=card.preprocessing,
        images={"d" * 64: 1},
        threshold=0.01,
    )
    with writing(open_record(config)) as session:
        add_references(session, actor(), plot, references)
    release, _ = other_release(tmp_path, plot, DEMO_NOTE, input_shape=(120, 160, 3))
    result = install_models(config, release)
    assert result.activated == 0
    [told] = result.kept
    assert told.startswith(f"{plot}: ")
    assert "references retire" in told
    assert judging(config, plot) == before


def test_given_a_model_of_ones_own_when_the_release_is_installed_then_it_stays(
    config: Config, tmp_path: Path
) -> None:
    install_models(config, DEMO_MODELS)
    release, digest = other_release(tmp_path, "CDC_occupancy", "trained here")
    with writing(open_record(config)) as session:
        key = register_model(session, model_of(verify(release / digest), digest), "expert")
        activate_model(session, actor(), "CDC_occupancy", key)
    assert install_models(config, DEMO_MODELS).activated == 0
    assert judging(config, "CDC_occupancy") == digest


def test_given_a_damaged_model_when_installed_then_nothing_is_registered(
    config: Config, tmp_path: Path
) -> None:
    release, digest = other_release(tmp_path, "CDC_occupancy", DEMO_NOTE)
    with (release / digest / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError, match="does not match its card"):
        install_models(config, release)
    with reading(open_record(config)) as session:
        assert catalogue(session) == ()
    store = config.under_state(config.predict.models)
    assert not store.exists() or list(store.iterdir()) == []


@pytest.mark.parametrize("titles", ["blanked", "exchanged"])
def test_given_shipped_models_when_titles_are_taken_away_then_no_verdict_changes(
    titles: str,
) -> None:
    from hydra_ioc.evaluation import evaluation_samples, judge_all, summary

    samples = list(evaluation_samples(["CDC_occupancy", "fa125_itrig"], 3, 1, 1, seed=5))
    found = summary(judge_all(samples, DEMO_MODELS, 1, titles))

    assert found["titles"]["changed"]["total"] == len(samples)
    assert found["titles"]["changed"]["hits"] == 0
    assert found["accuracy"] == found["titles"]["accuracy_kept"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"CDC_occupancy": "../../etc"}', "\udcff"])
def test_given_a_faulty_index_when_read_then_a_model_error_says_so(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "index.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match=r"expected .* to hold plot names and digests"):
        read_index(tmp_path)


def test_given_a_database_that_is_not_built_when_installed_then_the_command_to_build_it_is_told(
    tmp_path: Path,
) -> None:
    with pytest.raises(HydraError, match="hydra-ioc db upgrade"):
        install_models(Config(state_dir=tmp_path), DEMO_MODELS)


def test_given_installed_models_when_listed_then_each_says_what_it_judges(
    config: Config, tmp_path: Path
) -> None:
    install_models(config, DEMO_MODELS)
    file = tmp_path / "c.toml"
    file.write_text(f'state_dir = "{tmp_path / "var"}"\n')
    result = CliRunner().invoke(cli, ["--config", str(file), "models", "list", "--json"])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert sorted(plot for row in rows for plot in row["active"]) == sorted(PLOTS)
    assert all(row["signed"] for row in rows)


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "A", "B", "--simulated", "100"],
        ["train", "A", "--simulated", "100", "--shape", "big"],
        ["evaluate", "--model", "0" * 64],
    ],
)
def test_given_options_that_do_not_go_together_when_run_then_it_is_wrong_usage(
    arguments: list[str],
) -> None:
    assert CliRunner().invoke(cli, arguments).exit_code == 2
