"""The command that lists verdicts."""

import json

from db.engine import make_engine, writing
from pipeline.errors import CommandError
from tests.db.samples import digest, judged_plot, verdict
from tests.db.typed import done, run

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
