"""Rules for file names, found from the names."""

from pathlib import Path, PurePath

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from hydra_ioc.cli import cli
from hydra_ioc.naming import propose
from pipeline.config import load
from pipeline.errors import InputError
from pipeline.feeder.grammar import Names

NAMES = {
    "run last": ("Digis_hWire_p11b_{run}.png", {"Digis_hWire_p11b"}),
    "run first": ("{run}_fadc_hit_pos.png", {"fadc_hit_pos"}),
    "run within": ("rga_pass2_{run}_s{pad}.png", {"rga_pass2_s1", "rga_pass2_s2"}),
    "run said": ("ADC_Run{run}_r{pad}c0.JPG", {"ADC_r1c0", "ADC_r2c0"}),
    "run and chunk": ("CDC_occ_{run}_0{pad}.png", {"CDC_occ"}),
    "as GlueX": ("Run{run:06}/CDC_occ_{pad:04}.png", {"CDC_occ"}),
}


def fill(folder: Path, form: str, runs: range = range(6620, 6629)) -> None:
    for run in runs:
        for pad in (1, 2) if "{pad" in form else (1,):
            path = folder / form.format(run=run, pad=pad)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def invoke(*words: str):
    return CliRunner().invoke(cli, [*words])


@pytest.mark.parametrize("kind", NAMES)
def test_given_a_folder_of_plots_when_a_configuration_is_proposed_then_it_tells_plots_and_runs(
    kind, tmp_path
):
    form, plots = NAMES[kind]
    fill(tmp_path / "plots", form)
    (tmp_path / "plots/labels.csv").touch()

    result = invoke("config", "propose", str(tmp_path / "plots"))

    assert result.exit_code == 0, result.output
    (tmp_path / "hall.toml").write_text(result.stdout)
    config = load(tmp_path / "hall.toml")
    assert config.prefix == "PLOTS:"
    assert config.input.trees == [tmp_path / "plots"]
    assert config.input.after == "keep"
    names = Names(config)
    seen = [names.parse(PurePath(form.format(run=run, pad=2))) for run in range(6620, 6629)]
    assert {one.run for one in seen} == set(range(6620, 6629))
    assert {one.plot for one in seen} <= plots
    assert {one.plot for one in propose(tmp_path / "plots").plots} == plots
    assert all(plot in result.stderr for plot in plots)


@given(st.lists(st.text("ab1_-. R", min_size=1, max_size=12), min_size=1, max_size=8))
def test_given_any_names_when_a_rule_is_proposed_then_every_file_is_told_of_or_it_is_refused(
    tmp_path_factory, stems
):
    folder = tmp_path_factory.mktemp("names")
    for stem in stems:
        (folder / f"x{stem}.png").touch()
    try:
        found = propose(folder)
    except InputError as error:
        assert "no rule fits" in str(error)
        return
    files = len(set(stems))
    assert sum(plot.files for plot in found.plots) + len(found.strangers) == files


def test_given_names_that_nothing_fits_when_proposed_then_the_folder_is_refused(tmp_path):
    (tmp_path / "mit Leerzeichen.png").touch()
    result = invoke("config", "propose", str(tmp_path))
    assert isinstance(result.exception, InputError)
    assert "'mit Leerzeichen.png'" in str(result.exception)


def test_given_no_images_or_an_unfit_prefix_when_proposed_then_it_says_what_it_wants(tmp_path):
    result = invoke("config", "propose", str(tmp_path))
    assert "holds no file of type .png, .jpg, .jpeg" in str(result.exception)
    fill(tmp_path, "a_{run}.png")
    result = invoke("config", "propose", str(tmp_path), "--prefix", "no blanks")
    assert result.exit_code == 2
    assert "--prefix" in result.stderr
