"""A configuration file is right in every line, or every fault is named with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import load
from pipeline.config.loader import line_of
from pipeline.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "hall.toml"
    path.write_text(text)
    return path


def test_given_no_file_when_loaded_then_everything_stays_on_this_machine():
    config = load(None)
    assert config.prefix == "HYDRA:"
    assert config.ioc.interfaces == ["127.0.0.1"]
    assert config.database_url().startswith("sqlite:////")
    assert config.endpoint("orders").startswith("ipc:///")


def test_given_a_file_when_loaded_then_relative_paths_start_at_its_folder(tmp_path):
    config = load(written(tmp_path, 'state_dir = "here"\n[input]\ntrees = ["plots", "/abs"]\n'))
    assert config.under_state(config.input.trees[0]) == tmp_path / "here" / "plots"
    assert config.under_state(config.input.trees[1]) == Path("/abs")


def test_given_several_faults_when_loaded_then_all_are_reported_with_their_lines(tmp_path):
    text = 'prefix = "HYD RA:"\ncolour = 1\n\n[input]\nwindow = 0\n\n[ioc]\nca_port = 99999\n'
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{path}:1",
        f"{path}:5",
        f"{path}:8",
        f"{path}:2",
    ]
    assert "colour: unknown key" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prefix = ", "not TOML"),
        ('[input]\ngrammars = [{name = "x", pattern = "("}]', "not a regular expression"),
        ('[input]\ngrammars = [{name = "x", pattern = "a"}]', "expected a group"),
        ('[input]\ntrees = ["in"]\nquarantine = "in/bad"', "inside the watched tree"),
        ('[keeper]\ncollect_fraction = "much"', "collect_fraction"),
        ("state_dir = 3", "state_dir"),
    ],
)
def test_given_a_fault_when_loaded_then_the_text_says_what_was_expected(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        load(written(tmp_path, text))


def test_given_a_file_that_is_not_there_when_loaded_then_it_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load(tmp_path / "none.toml")


def test_given_bytes_that_are_not_text_when_loaded_then_it_is_refused(tmp_path):
    path = tmp_path / "hall.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="expected UTF-8"):
        load(path)


@given(st.text(max_size=300))
def test_given_any_text_when_loaded_then_it_is_a_configuration_or_a_config_error(
    tmp_path_factory, text
):
    path = tmp_path_factory.mktemp("any") / "hall.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        load(path)
    except ConfigError as error:
        assert str(path) in str(error)


def test_given_dotted_keys_when_a_line_is_looked_up_then_the_deepest_wins():
    assert line_of("input.window = 0\n", ("input", "window")) == 1
    assert line_of("[a]\nx = 1\n[b]\nx = 2\n", ("b", "x")) == 4


def test_given_a_deep_folder_when_an_endpoint_is_made_then_the_kernel_can_take_it(tmp_path):
    config = load(written(tmp_path, f'state_dir = "{tmp_path}/{"deep/" * 30}"'))
    for name in ("orders", "health_keeper"):
        assert len(config.endpoint(name).removeprefix("ipc://")) < 108
