"""The commands of the plot types."""

import threading

import pytest
import zmq
from sqlalchemy import select

from db.audit import AuditLog
from db.engine import make_engine, reading
from pipeline.errors import CommandError
from pipeline.messages import Accepted, Refused, Reload, decode, encode
from tests.db.typed import done, image, run


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
