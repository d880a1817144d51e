"""The commands of the record, as they are typed."""

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import zmq
from click.testing import CliRunner, Result
from sqlalchemy import select

from db.audit import AuditLog
from db.engine import make_engine, reading, writing
from db.label_queries import labels
from db.models import Model
from db.startup import head_revision, upgrade
from hydra_ioc.cli import cli
from pipeline.config import Config, load
from pipeline.errors import CommandError, LabelError, ModelError, NotPermitted, WrongRevision
from pipeline.messages import Accepted, Refused, Reload, decode, encode
from pipeline.vision.card import Metrics, ModelCard, file_digest, write_card
from tests.db.samples import digest, judged_plot, kept, verdict

KEYS = (
    "plot",
    "run",
    "chunk",
    "image_time",
    "sha256",
    "label",
    "confidence",
    "confirmed",
    "weights",
    "thresholds",
    "model",
    "late",
)


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOGNAME", "ann")
    path = tmp_path / "site.toml"
    path.write_text('state_dir = "state"\n[sockets]\ntimeout_s = 0.1\n')
    return path


@pytest.fixture
def config(config_file: Path) -> Config:
    made = load(config_file)
    upgrade(made.database_url())
    return made


def run(config_file: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config_file), *words])


def done(config_file: Path, *words: str) -> str:
    result = run(config_file, *words)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def image(path: Path, shade: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.full((8, 8, 3), shade, np.uint8))[1].tobytes())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def model_folder(config: Config, plot: str, note: str = "") -> Path:
    store = config.under_state(config.predict.models)
    folder = store / "new"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights")
    card = ModelCard(
        name="domain-cbam",
        plots=(plot,),
        architecture="domain-cbam",
        labels=("Good", "Bad"),
        input_shape=(300, 400, 3),
        preprocessing="area-rgb",
        map_shape=(4, 4),
        embedding_size=8,
        thresholds={"Good": 0.3, "Bad": 0.6},
        training_runs=(1,),
        validation_runs=(2,),
        training_counts={"Good": 5, "Bad": 5},
        training_set=digest("set"),
        metrics=Metrics(confusion=((5, 0), (0, 5)), loss=0.1, epochs=2),
        seed=1,
        created="2026-11-01T12:00:00+00:00",
        versions={},
        note=note,
        files={"model.onnx": file_digest(folder / "model.onnx")},
    )
    return folder.rename(store / write_card(folder, card))


def test_given_a_new_deployment_when_the_schema_is_asked_for_then_each_step_says_what_it_did(
    config_file,
):
    result = run(config_file, "plots", "list")
    assert isinstance(result.exception, WrongRevision)
    assert f"revision {head_revision()}" in done(config_file, "db", "upgrade")
    assert "as the code expects" in done(config_file, "db", "check")
    assert "revision 0001" in done(config_file, "db", "downgrade", "0001")
    result = run(config_file, "db", "check")
    assert "'hydra-ioc db upgrade'" in str(result.exception)
    assert "revision base" in done(config_file, "db", "downgrade", "base")


def test_given_a_drifted_database_when_checked_then_the_differences_are_listed(config_file, config):
    with make_engine(config.database_url()).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE stranger (id INTEGER)")
    result = run(config_file, "db", "check")
    assert isinstance(result.exception, WrongRevision)
    assert "stranger" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("history",), 1),
        (("history", "--limit", "0"), 2),
        (("plots", "frobnicate"), 2),
        (("plots", "add"), 2),
        (("db", "downgrade"), 2),
    ],
)
def test_given_a_faulty_call_when_typed_then_the_exit_code_tells_the_kind(config_file, words, code):
    result = subprocess.run(
        [str(Path(sys.executable).parent / "hydra-ioc"), "--config", str(config_file), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == code
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_given_verdicts_when_listed_as_json_then_each_line_has_exactly_the_agreed_keys(
    config_file, config
):
    with writing(make_engine(config.database_url())) as session:
        plot, model = judged_plot(session)
        session.add_all(verdict(plot, model, chunk) for chunk in range(1, 4))
    lines = done(config_file, "history", "--json").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [tuple(row) for row in rows] == [KEYS] * 3
    assert [row["chunk"] for row in rows] == [3, 2, 1]
    assert rows[0] == {
        "plot": "CDC_occupancy",
        "run": 131458,
        "chunk": 3,
        "image_time": 1_790_000_003.0,
        "sha256": digest(3),
        "label": "Bad",
        "confidence": 0.9,
        "confirmed": True,
        "weights": {"Good": 0.1, "Bad": 0.9},
        "thresholds": {"Good": 0.4, "Bad": 0.7},
        "model": digest("CDC_occupancy"),
        "late": False,
    }
    assert len(done(config_file, "history", "--json", "--limit", "2").splitlines()) == 2
    table = done(config_file, "history", "--plot", "CDC_occupancy").splitlines()
    assert len(table) == 4
    assert "CDC_occupancy" in table[1]
    assert isinstance(run(config_file, "history", "--plot", "x").exception, CommandError)


def test_given_a_plot_when_added_then_the_list_shows_it(config_file, config):
    words = ("--group", "CDC", "--cadence", "30", "--labels", "Good, Bad", "--contact", "ann")
    assert done(config_file, "plots", "add", "CDC_occupancy", *words) == "added CDC_occupancy\n"
    (line,) = done(config_file, "plots", "list").splitlines()
    assert line.split() == ["CDC_occupancy", "CDC", "30", "s", "Good,Bad", "no", "model"]
    result = run(config_file, "plots", "add", "CDC_occupancy")
    assert isinstance(result.exception, CommandError)


def test_given_a_plot_when_changed_then_the_list_shows_it_and_the_reason_is_on_record(
    config_file, config
):
    done(config_file, "plots", "add", "CDC_occupancy")
    words = ("--cadence", "5", "--group", "CDC", "--collect", "0.1", "--why", "faster now")
    assert (
        done(config_file, "plots", "change", "CDC_occupancy", *words) == "changed CDC_occupancy\n"
    )
    assert done(config_file, "plots", "list").split()[1:3] == ["CDC", "5"]
    assert isinstance(run(config_file, "plots", "change", "x").exception, CommandError)
    with reading(make_engine(config.database_url())) as session:
        lines = session.scalars(select(AuditLog).order_by(AuditLog.id)).all()
    assert [(line.action, line.why) for line in lines] == [
        ("set-plots", ""),
        ("set-plots", "faster now"),
    ]


def test_given_a_tree_of_plots_when_discovered_then_each_type_is_added_once(
    config_file, config, tmp_path
):
    tree = tmp_path / "tree"
    for name in ("CDC_occupancy_0001.png", "CDC_occupancy_0002.png", "Hits-02.png", ".half.png"):
        image(tree / "Run131458" / name, 1)
    (tree / "notes.txt").write_text("")
    result = run(config_file, "plots", "discover", str(tree), "--group", "Mine")
    assert result.stdout == "added CDC_occupancy (2 files)\nadded Hits (1 files)\n"
    assert "no rule fits notes.txt" in result.stderr
    again = done(config_file, "plots", "discover", str(tree))
    assert again.splitlines()[0] == "known CDC_occupancy (2 files)"
    assert done(config_file, "plots", "list").count(" Mine ") == 2


def test_given_a_signed_model_in_the_store_when_set_then_it_judges(config_file, config):
    done(config_file, "plots", "add", "CDC_occupancy")
    folder = model_folder(config, "CDC_occupancy")
    unsigned = run(config_file, "plots", "model", "CDC_occupancy", folder.name)
    assert "lacks a sign-off" in str(unsigned.exception)
    done(config_file, "plots", "model", "CDC_occupancy", folder.name, "--probation")
    for step in ("trained", "report-reviewed", "ai-signoff", "expert-signoff"):
        done(config_file, "models", "sign", folder.name, step, "--why", "looked")
    words = ("plots", "model", "CDC_occupancy", folder.name[:12], "--why", "new period")
    assert done(config_file, *words) == f"CDC_occupancy is judged by model {folder.name}\n"
    assert folder.name[:12] in done(config_file, "plots", "list")
    with reading(make_engine(config.database_url())) as session:
        model = session.scalars(select(Model)).one()
        assert (model.digest, model.expert_signoff_by) == (folder.name, "ann")
        made = select(AuditLog).where(AuditLog.action == "set-model").order_by(AuditLog.id.desc())
        line = session.scalars(made).first()
        assert (line.user_name, line.why) == ("ann", "new period")


def test_given_a_model_on_probation_when_set_then_nobody_has_signed(config_file, config):
    done(config_file, "plots", "add", "CDC_occupancy")
    folder = model_folder(config, "CDC_occupancy")
    done(config_file, "plots", "model", "CDC_occupancy", folder.name, "--probation")
    with reading(make_engine(config.database_url())) as session:
        assert session.scalars(select(Model)).one().expert_signoff_by is None


@pytest.mark.parametrize("given", ["../secret", "0" * 64, "", "ABCDEF12", "12"])
def test_given_no_such_model_when_set_then_it_is_told(config_file, config, given):
    done(config_file, "plots", "add", "CDC_occupancy")
    result = run(config_file, "plots", "model", "CDC_occupancy", given)
    assert isinstance(result.exception, ModelError)


def test_given_a_tampered_model_when_set_then_it_is_refused(config_file, config):
    done(config_file, "plots", "add", "CDC_occupancy")
    folder = model_folder(config, "CDC_occupancy")
    (folder / "model.onnx").write_bytes(b"other weights")
    result = run(config_file, "plots", "model", "CDC_occupancy", folder.name)
    assert isinstance(result.exception, ModelError)
    assert "no model" in done(config_file, "plots", "list")


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (Accepted(), "the running Keeper has read the catalogue again"),
        (Refused(kind="unavailable", text="database away"), "database away"),
    ],
)
def test_given_a_running_keeper_when_a_plot_is_added_then_it_is_asked_to_reload(
    config_file, config, reply, wanted
):
    config_file.write_text('state_dir = "state"\n[sockets]\ntimeout_s = 20.0\n')
    heard = []
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        config.socket_folder().mkdir(parents=True)
        router.bind(config.endpoint("commands"))

        def answer() -> None:
            who, request, *parts = router.recv_multipart()
            heard.append(decode(parts)[0])
            router.send_multipart([who, request, *encode(reply)])

        keeper = threading.Thread(target=answer)
        keeper.start()
        result = run(config_file, "plots", "add", "CDC_occupancy")
        keeper.join(20)
    assert isinstance(heard[0], Reload)
    assert heard[0].who.user == "ann"
    assert wanted in result.stdout + str(result.exception)


def test_given_labelled_images_when_imported_then_they_are_kept_and_labelled(
    config_file, config, tmp_path
):
    done(config_file, "plots", "add", "CDC_occupancy")
    first = image(tmp_path / "mine/Run7/CDC_occupancy_0003.png", 1)
    second = image(tmp_path / "mine/odd name.png", 2)
    with writing(make_engine(config.database_url())) as session:
        session.add(kept(1, chunk=9))
    table = tmp_path / "labels.csv"
    table.write_text(
        "path,sha256,plot,label,user,run\n"
        "mine/Run7/CDC_occupancy_0003.png,,CDC_occupancy,Good,bob,\n"
        f"mine/odd name.png,{second},CDC_occupancy,Bad,,12\n"
        f",{digest(9)},CDC_occupancy,NoData,,\n"
    )
    told = "3 images labelled, 2 of them kept anew; 0 lines were known before\n"
    assert done(config_file, "labels", "import", str(table)) == told
    with reading(make_engine(config.database_url())) as session:
        rows = labels(session)
    assert [(row.run, row.chunk, row.sha256, row.label, row.user) for row in rows] == [
        (7, 3, first, "Good", "bob"),
        (12, 0, second, "Bad", "ann"),
        (131458, 9, digest(9), "NoData", "ann"),
    ]
    store = config.under_state(config.keeper.images)
    assert (store / first[:2] / f"{first[2:]}.png").exists()
    exported = tmp_path / "exported.csv"
    exported.write_text(done(config_file, "labels", "export"))
    assert exported.read_text().splitlines()[0].startswith("plot,period,run,chunk,sha256,label,")
    told = "0 images labelled, 0 of them kept anew; 3 lines were known before\n"
    assert done(config_file, "labels", "import", str(exported)) == told


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("path,label\nx.png,Good\n", "expected a heading of plot, label"),
        ("plot,label\nCDC_occupancy,Good\n", "expected a heading of plot, label"),
        ("path,plot,label,mood\n", "expected a heading of plot, label"),
        ("", "expected a heading of plot, label"),
        ("sha256,plot,label\nabc,CDC_occupancy,Good\n", "line 2: expected a SHA-256"),
        ("path,plot,label\nnone.png,CDC_occupancy,Good\n", "line 2: cannot read"),
        ("path,plot,label\n,CDC_occupancy,Good\n", "line 2: expected a path or a sha256"),
        ("path,plot,label\ntext.png,CDC_occupancy,Good\n", "line 2: "),
        ("path,plot,label\nok.png,CDC_occupancy,Fine\n", "line 2: expected a label of plot"),
        ("path,plot,label\nok.png,CDC_occupancy,Good,x\n", "expected 3 columns, received 4"),
        ("path,plot,label\nok.png,CDC_occupancy\n", "line 2: expected a label of plot"),
        ("path,plot,label,run\nok.png,CDC_occupancy,Good,x\n", "line 2: expected a run number"),
        ("path,plot,label,run\nok.png,CDC_occupancy,Good,9999999999\n", "expected a run of -1 to"),
        ('path,plot,label\n"ok.png,CDC_occupancy,Good\n', "unexpected end of data"),
        ("path,plot,label\nok.png,Nowhere,Good\n", "line 2: there is no plot Nowhere"),
        ("path,plot,label\n\x00,CDC_occupancy,Good\n", "line"),
    ],
)
def test_given_a_faulty_file_of_labels_when_imported_then_the_line_is_told_and_nothing_kept(
    config_file, config, tmp_path, content, wanted
):
    done(config_file, "plots", "add", "CDC_occupancy")
    image(tmp_path / "ok.png", 1)
    (tmp_path / "text.png").write_text("no image")
    table = tmp_path / "labels.csv"
    table.write_text(content)
    result = run(config_file, "labels", "import", str(table))
    assert isinstance(result.exception, LabelError), result.output + repr(result.exception)
    assert wanted in str(result.exception)
    with reading(make_engine(config.database_url())) as session:
        assert labels(session) == ()


def test_given_users_with_roles_when_somebody_else_changes_something_then_it_is_refused_on_record(
    config_file, config, monkeypatch
):
    done(config_file, "users", "grant", "ann", "Admin")
    done(config_file, "users", "grant", "bob", "Labeler")
    assert "Labeler" in done(config_file, "users", "list")
    done(config_file, "plots", "add", "CDC_occupancy")
    monkeypatch.setenv("LOGNAME", "bob")
    for words in (
        ("plots", "add", "FDC_occupancy"),
        ("labels", "define", "Hot"),
        ("users", "grant", "bob", "Admin"),
        ("users", "revoke", "ann", "Admin"),
        ("plots", "model", "CDC_occupancy", model_folder(config, "CDC_occupancy").name),
    ):
        assert isinstance(run(config_file, *words).exception, NotPermitted), words
    with reading(make_engine(config.database_url())) as session:
        refused = session.scalars(select(AuditLog).where(~AuditLog.accepted)).all()
        assert [line.user_name for line in refused] == ["bob"] * 5
    monkeypatch.setenv("LOGNAME", "ann")
    assert done(config_file, "users", "revoke", "bob", "Labeler") == "bob is Labeler no more\n"


def test_given_a_label_when_defined_then_plots_can_have_it(config_file, config):
    done(config_file, "labels", "define", "Hot", "--colour", "#ff7f0e", "--confirmed", "MINOR")
    done(config_file, "plots", "add", "CDC_occupancy", "--labels", "Good,Bad,Hot")
    assert "Good,Bad,Hot" in done(config_file, "plots", "list")


@pytest.mark.parametrize(
    "words",
    [
        ("db",),
        ("db", "upgrade"),
        ("db", "downgrade"),
        ("db", "revision"),
        ("db", "check"),
        ("history",),
        ("plots",),
        ("plots", "list"),
        ("plots", "add"),
        ("plots", "change"),
        ("plots", "discover"),
        ("plots", "model"),
        ("labels",),
        ("labels", "import"),
        ("labels", "export"),
        ("labels", "define"),
        ("users",),
        ("users", "list"),
        ("users", "grant"),
        ("users", "revoke"),
    ],
)
def test_given_a_command_when_help_is_asked_for_then_it_shows_an_example(config_file, words):
    assert f"Example: hydra-ioc {words[0]}" in done(config_file, *words, "--help")
