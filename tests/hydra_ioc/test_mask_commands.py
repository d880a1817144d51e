"""Masks from the command line: added, switched, ended, written to a file and read back."""

import json
import time
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner

from db.catalogue_queries import add_plot
from db.engine import reading, writing
from db.mask_queries import end_masks, masks
from db.masks import MaskHistory
from db.startup import upgrade
from db.user_queries import grant
from hydra_ioc.cli import cli
from hydra_ioc.mask_files import read_masks, read_time
from hydra_ioc.record import actor, open_record
from pipeline.config import Config
from pipeline.errors import CommandError, InputError, NotPermitted

PLOT = "CDC_occupancy"
BOX = ("--rectangle", "0.2,0.3 0.4,0.5", "--reason", "waits for a supply")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(state_dir=tmp_path / "var")
    upgrade(config.database_url())
    with writing(open_record(config)) as session:
        add_plot(session, PLOT)
        add_plot(session, "FCAL_occupancy")
    file = tmp_path / "d.toml"
    file.write_text(f'state_dir = "{config.state_dir}"\n[sockets]\ntimeout_s = 0.1\n')
    return config


@pytest.fixture
def run(tmp_path: Path, config: Config):
    def call(*words: object) -> str:
        arguments = ["--config", str(tmp_path / "d.toml"), "masks", *map(str, words)]
        result = CliRunner().invoke(cli, arguments, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return call


def test_given_a_mask_when_added_and_switched_then_the_list_and_the_history_tell(config, run):
    run("add", PLOT, "crate5", *BOX, "--expires", "+3d", "--why", "asked by ann")
    line = run("list", "--plot", PLOT)
    assert "in force" in line
    assert "waits for a supply (0.2,0.3 0.4,0.3 0.4,0.5 0.2,0.5)" in line
    run("disable", PLOT, "crate5", "--why", "crate is back")
    assert "disabled" in run("list")
    run("enable", PLOT, "crate5")
    run("expire", PLOT, "crate5", "--at", "now")
    assert "expired" in run("list")
    with pytest.raises(CommandError, match="has expired; give it a new time"):
        run("enable", PLOT, "crate5")
    run("expire", PLOT, "crate5", "--at", "never")
    assert "in force  never ends" in run("list")
    with reading(open_record(config)) as session:
        rows = session.query(MaskHistory).order_by(MaskHistory.id).all()
    assert [row.action for row in rows] == ["add", "disable", "enable", "expire", "expire"]
    assert [row.why for row in rows][:2] == ["asked by ann", "crate is back"]


def test_given_masks_when_exported_and_imported_elsewhere_then_they_are_the_same(
    config, run, tmp_path
):
    run("add", PLOT, "crate5", *BOX, "--expires", "+3d")
    run("add", PLOT, "wedge", "--polygon", "0.5,0.5 0.7,0.4 0.7,0.6", "--reason", "HV")
    run("disable", PLOT, "wedge")
    file = tmp_path / "masks.json"
    file.write_text(run("export"))
    assert "0 masks added, 2 were there" in run("import", file)
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = Config(state_dir=other / "var")
    upgrade(elsewhere.database_url())
    with writing(open_record(elsewhere)) as session:
        add_plot(session, PLOT)
    (other / "d.toml").write_text(
        f'state_dir = "{elsewhere.state_dir}"\n[sockets]\ntimeout_s = 0.1\n'
    )
    words = ["--config", str(other / "d.toml"), "masks"]
    assert "2 masks added" in CliRunner().invoke(cli, [*words, "import", str(file)]).stdout
    again = CliRunner().invoke(cli, [*words, "export"]).stdout
    assert json.loads(again) == json.loads(file.read_text())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '[{"plot": "a"}]',
        "[" * 5000,
        '[{"plot":"CDC_occupancy","name":"a","owner":"b","reason":"c","points":[[0,0],[2,2]]}]',
        '[{"plot":"none","name":"a","owner":"b","reason":"c","points":[[0,0],[0.2,0.2]]}]',
        '[{"plot":"CDC_occupancy","name":"a","owner":"b","reason":"c","points":[[0,0],[0.2,0.2]],'
        '"expires":"soon"}]',
    ],
)
def test_given_a_faulty_file_when_imported_then_no_mask_is_added(config, run, tmp_path, text):
    file = tmp_path / "masks.json"
    file.write_text(text)
    with pytest.raises(InputError):
        run("import", file)
    with reading(open_record(config)) as session:
        assert masks(session) == ()
    with pytest.raises(InputError, match="cannot read"):
        read_masks(tmp_path / "none.json")


def test_given_wrong_words_when_added_then_it_is_wrong_usage_or_refused(config, run):
    for words in (
        ("add", PLOT, "a", "--reason", "b"),
        ("add", PLOT, "a", *BOX, "--polygon", "0,0 1,0 1,1"),
        ("add", PLOT, "a", "--rectangle", "0,0 0.1,0.1 0.2,0.2", "--reason", "b"),
        ("add", PLOT, "a", "--polygon", "0,0 x", "--reason", "b"),
    ):
        with pytest.raises(UsageError):
            run(*words)
    for words in (
        ("add", "none", "a", *BOX),
        ("add", PLOT, "a", *BOX, "--expires", "yesterday"),
        ("add", PLOT, "a", *BOX, "--expires", "2020-01-01"),
        ("disable", PLOT, "none"),
    ):
        with pytest.raises(InputError):
            run(*words)


def test_given_roles_when_a_user_has_no_right_then_nothing_changes(config, run):
    run("add", PLOT, "crate5", *BOX)
    with writing(open_record(config)) as session:
        grant(session, actor(), "somebody", "Admin")
        grant(session, actor(), actor().user, "Detector Expert", plot="FCAL_occupancy")
    with pytest.raises(NotPermitted, match="may not set-mask"):
        run("disable", PLOT, "crate5")
    run("add", "FCAL_occupancy", "mine", *BOX)


def test_given_times_when_read_then_spans_dates_and_now_are_known():
    now = time.time()
    assert read_time("now") == pytest.approx(now, abs=5)
    assert read_time("+8h") == pytest.approx(now + 8 * 3600, abs=5)
    assert read_time("+1.5d") == pytest.approx(now + 1.5 * 86400, abs=5)
    assert read_time("2026-12-01T08:00+00:00") == 1796112000.0
    for text in ("", "8h", "+8y", "tomorrow", "+" + "9" * 20 + "d"):
        with pytest.raises(InputError, match="expected a time"):
            read_time(text)


def test_given_two_masks_when_one_has_come_to_its_end_then_only_that_is_put_on_record(config, run):
    run("add", PLOT, "short", *BOX, "--expires", "+8h")
    run("add", PLOT, "long", "--rectangle", "0.6,0.6 0.7,0.7", "--reason", "b")
    with writing(open_record(config)) as session:
        assert end_masks(session, time.time()) == []
        assert end_masks(session, time.time() + 9 * 3600) == [f"mask short of {PLOT} expired"]
        assert end_masks(session, time.time() + 9 * 3600) == []
