"""What plots show now, the news, the runs, the processes, the history."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from db.audit import AuditLog
from db.catalogue_queries import add_plot
from db.engine import reading, writing
from db.history_queries import history, newest
from db.operation import RunStatus
from db.operation_queries import Live, latest_news, live_plots, post_news, see_run, set_live
from db.process_queries import ProcessReport, processes, report_process
from pipeline.errors import CommandError, StoreError
from tests.db.samples import WHO, digest, judged_plot, verdict

NO_IMAGE = Live(
    plot_type_id=0,
    run_history_id=None,
    label="Nothing",
    confidence=0.0,
    confirmed=False,
    weights={},
    thresholds={"Bad": 0.7},
    run=-1,
    chunk=0,
    period="NA",
    image_time=0.0,
    closed_time=0.0,
    model="",
    reason="no image yet",
    image_file="",
    severity=3,
    status=17,
    count=0,
    since=0.0,
)
PROCESS = ProcessReport(
    stage="Predict",
    instance=1,
    host="node1",
    pid=4711,
    status="Running",
    reason="",
    started_at=1.5,
    heartbeat_at=2.5,
    handled=3,
    dropped=0,
    queue=2,
    rate=1.25,
    latency_s=0.01,
)
words = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    confidence=st.floats(0, 1),
    confirmed=st.booleans(),
    weights=st.dictionaries(words, st.floats(0, 1), max_size=4),
    run=st.integers(-1, 2**31 - 1),
    image_time=st.floats(0, 4e9),
    reason=words,
    count=st.integers(0, 2**53),
    beam_current=st.none() | st.floats(-1e6, 1e6),
)
def test_given_any_state_of_a_plot_when_stored_then_a_restart_finds_it_exactly(engine, **shown):
    with writing(engine) as session:
        names = live_plots(session)
        plot = names["CDC"].plot_type_id if names else add_plot(session, "CDC")
        live = replace(NO_IMAGE, plot_type_id=plot, **shown)
        set_live(session, live)
    with reading(engine) as session:
        assert live_plots(session) == {"CDC": live}


def test_given_news_when_posted_then_the_last_line_holds_and_the_change_is_audited(engine):
    with writing(engine) as session:
        assert latest_news(session) == ""
        post_news(session, WHO, "Beam at 9")
        post_news(session, WHO, "")
        assert latest_news(session) == ""
        lines = session.scalars(select(AuditLog).order_by(AuditLog.id)).all()
        assert [(line.old, line.new) for line in lines] == [("", "Beam at 9"), ("Beam at 9", "")]


def test_given_a_new_run_when_seen_then_the_run_before_has_ended(engine):
    for run, beam in ((1, 10.0), (1, 20.0), (2, None)):
        with writing(engine) as session:
            see_run(session, "RunPeriod-2026-11", run, beam)
    with reading(engine) as session:
        first, second = session.scalars(select(RunStatus).order_by(RunStatus.id))
    assert (first.run, first.state, first.beam_current) == (1, "Ended", 20.0)
    assert first.ended_at is not None
    assert (second.run, second.state, second.ended_at) == (2, "Running", None)


def test_given_a_run_when_seen_again_after_another_then_it_goes_on_again(engine):
    for run in (1, 2, 1):
        with writing(engine) as session:
            see_run(session, "NA", run, None)
    with reading(engine) as session:
        states = {row.run: row.state for row in session.scalars(select(RunStatus))}
    assert states == {1: "Running", 2: "Ended"}


def test_given_processes_when_they_report_then_the_last_report_of_each_is_there(engine):
    restarted = replace(PROCESS, pid=4712, status="Degraded", reason="no model")
    other = replace(PROCESS, instance=2)
    for report in (PROCESS, other, restarted):
        with writing(engine) as session:
            report_process(session, report)
    with reading(engine) as session:
        assert processes(session) == (restarted, other)


def test_given_an_unknown_state_when_reported_then_it_is_refused(engine):
    with pytest.raises(StoreError, match="not in status_map"), writing(engine) as session:
        report_process(session, replace(PROCESS, status="Dancing"))


def test_given_verdicts_in_any_order_when_listed_then_the_newest_image_comes_first(engine):
    with writing(engine) as session:
        plot, model = judged_plot(session, "CDC")
        other = add_plot(session, "FDC")
        for chunk in (2, 5, 1, 4, 3):
            session.add(verdict(plot, model, chunk, late=chunk == 1))
        session.add(verdict(other, None, 6, label="Nothing", error="no answer"))
    with reading(engine) as session:
        rows = list(history(session))
        assert [row.chunk for row in rows] == [6, 5, 4, 3, 2, 1]
        assert [row.chunk for row in history(session, "CDC", 2)] == [5, 4]
        assert [row.late for row in history(session, "CDC")] == [False] * 4 + [True]
    assert (rows[0].plot, rows[0].model) == ("FDC", "")
    assert (rows[1].plot, rows[1].model, rows[1].sha256) == ("CDC", digest("CDC"), digest(5))
    assert (rows[1].weights, rows[1].thresholds) == (
        {"Good": 0.1, "Bad": 0.9},
        {"Good": 0.4, "Bad": 0.7},
    )


def test_given_no_such_plot_when_listed_then_it_is_told(engine):
    with pytest.raises(CommandError, match="there is no plot"), reading(engine) as session:
        list(history(session, "Nowhere"))


@pytest.mark.parametrize("by_plot", [True, False])
def test_given_the_indexes_when_the_newest_are_listed_then_no_table_is_sorted(engine, by_plot):
    statement = newest(1 if by_plot else None, 10)
    text = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    with engine.connect() as connection:
        plan = " ".join(
            str(tuple(row)) for row in connection.exec_driver_sql(_explain(engine, text))
        )
    assert "ix_run_history_" in plan
    assert "TEMP B-TREE" not in plan
    assert "filesort" not in plan


def _explain(engine, text: str) -> str:
    return ("EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN ") + text
