"""The catalogue: plot types, palettes, labels."""

import pytest
from sqlalchemy import event, select

from db.audit import AuditLog
from db.catalogue_queries import add_plot, catalogue, plot_type, set_ignored
from db.engine import reading, writing
from db.palette_queries import LabelRow, define_label, set_palette
from pipeline.errors import CommandError
from tests.db.samples import WHO, judged_plot


def test_given_a_plot_with_all_its_facts_when_read_then_they_are_all_there(engine):
    with writing(engine) as session:
        key = add_plot(
            session,
            "CDC_occupancy",
            group="CDC",
            description="Hits by straw",
            contact="ann, 1234",
            guidance="Call ann",
            cadence_s=30.0,
            labels=("Good", "Bad", "Cosmic"),
        )
    with reading(engine) as session:
        (row,) = catalogue(session)
    assert row.plot_type_id == key
    assert (row.group, row.description, row.contact) == ("CDC", "Hits by straw", "ann, 1234")
    assert (row.guidance, row.cadence_s, row.collect_fraction) == ("Call ann", 30.0, None)
    assert (row.file_type, row.chunked, row.ignored) == ("png", True, False)
    assert row.labels == (
        LabelRow("Good", "#2e8b57", 0, 0),
        LabelRow("Bad", "#d62728", 2, 1),
        LabelRow("Cosmic", "#17becf", 0, 0),
    )
    assert (row.model, row.thresholds) == (None, {})


def test_given_plots_with_and_without_model_when_read_then_each_has_its_own(engine):
    with writing(engine) as session:
        add_plot(session, "Zero")
        _, model = judged_plot(session, "CDC_occupancy")
        judged_plot(session, "FDC_occupancy")
    with reading(engine) as session:
        rows = {row.name: row for row in catalogue(session)}
    assert list(rows) == ["CDC_occupancy", "FDC_occupancy", "Zero"]
    assert rows["Zero"].model is None
    found = rows["CDC_occupancy"].model
    assert found is not None
    assert (found.model_id, found.input_shape) == (model, (300, 400, 3))
    assert (found.labels, found.preprocessing) == (("Good", "Bad", "NoData"), "area-rgb")
    assert rows["CDC_occupancy"].thresholds == {"Good": 0.4, "Bad": 0.7, "NoData": 0.5}


def test_given_many_plots_when_read_then_the_statements_are_as_many_as_for_one(engine):
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    counts = []
    for first, end in ((0, 1), (1, 30)):
        with writing(engine) as session:
            for number in range(first, end):
                judged_plot(session, f"plot{number}")
        statements.clear()
        with reading(engine) as session:
            assert len(catalogue(session)) == end
        counts.append(len([text for text in statements if text.startswith("SELECT")]))
    assert counts[0] == counts[1] < 10


@pytest.mark.parametrize(
    "name", ["", "a:b", "a b", "x" * 41, "-x", "ä", "a.VAL", "a\n", "../x", "a/b"]
)
def test_given_a_name_unfit_for_a_pv_when_added_then_it_is_refused(engine, name):
    with pytest.raises(CommandError, match="expected a plot name"), writing(engine) as session:
        add_plot(session, name)


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"labels": ("Good",)}, "expected 2 to 14 different labels"),
        ({"labels": ("Good", "Good")}, "expected 2 to 14 different labels"),
        ({"labels": tuple(f"L{n}" for n in range(15))}, "expected 2 to 14 different labels"),
        ({"labels": ("Good", "bad")}, r"unknown labels \['bad'\]; expected some of"),
        ({"cadence_s": 0.0}, "expected a cadence above 0"),
        ({"cadence_s": float("nan")}, "expected a cadence above 0"),
        ({"cadence_s": float("inf")}, "expected a cadence above 0"),
        ({"group": ""}, "expected a group name"),
    ],
)
def test_given_facts_of_no_use_when_added_then_nothing_is_added(engine, facts, wanted):
    with pytest.raises(CommandError, match=wanted), writing(engine) as session:
        add_plot(session, "CDC_occupancy", **facts)
    with reading(engine) as session:
        assert catalogue(session) == ()


def test_given_a_plot_when_added_again_then_it_is_refused_whatever_its_type(engine):
    with writing(engine) as session:
        add_plot(session, "CDC_occupancy")
    with pytest.raises(CommandError, match="is there already"), writing(engine) as session:
        add_plot(session, "CDC_occupancy", file_type="jpg")


def test_given_no_such_plot_when_looked_up_then_the_list_command_is_told(engine):
    with pytest.raises(CommandError, match="'hydra-ioc plots list'"), reading(engine) as session:
        plot_type(session, "nothing")


def test_given_a_palette_when_set_anew_then_the_order_is_the_new_one(engine):
    with writing(engine) as session:
        key = add_plot(session, "CDC_occupancy")
        set_palette(session, key, ("Bad", "Cosmic", "Good", "LED"))
    with reading(engine) as session:
        labels = [label.name for label in catalogue(session)[0].labels]
    assert labels == ["Bad", "Cosmic", "Good", "LED"]


def test_given_a_plot_when_ignored_then_it_is_audited_with_old_and_new(engine):
    with writing(engine) as session:
        add_plot(session, "CDC_occupancy")
        set_ignored(session, WHO, "CDC_occupancy", True)
    with reading(engine) as session:
        assert catalogue(session)[0].ignored
        line = session.scalars(select(AuditLog)).one()
    assert (line.user_name, line.host, line.action) == ("ann", "console1", "set-ignore")
    assert (line.subject, line.old, line.new, line.why) == ("CDC_occupancy", False, True, "test")


def test_given_a_new_label_when_defined_and_changed_then_palettes_show_it(engine):
    with writing(engine) as session:
        define_label(session, WHO, LabelRow("Hot", "#ff7f0e", 1, 0))
        add_plot(session, "CDC_occupancy", labels=("Good", "Bad", "Hot"))
        define_label(session, WHO, LabelRow("Hot", "#ff8000", 2, 1))
    with reading(engine) as session:
        assert catalogue(session)[0].labels[2] == LabelRow("Hot", "#ff8000", 2, 1)
        changes = session.execute(select(AuditLog.old, AuditLog.new).order_by(AuditLog.id)).all()
    assert [tuple(change) for change in changes] == [
        (None, ["#ff7f0e", 1, 0]),
        (["#ff7f0e", 1, 0], ["#ff8000", 2, 1]),
    ]


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        (LabelRow("NoModel", "#000000", 0, 0), "other than NoModel and Nothing"),
        (LabelRow("x" * 26, "#000000", 0, 0), "expected a label of 1 to 25"),
        (LabelRow("", "#000000", 0, 0), "expected a label of 1 to 25"),
        (LabelRow("a b", "#000000", 0, 0), "expected a label of 1 to 25"),
        (LabelRow("Hot", "red", 0, 0), "expected a colour as #rrggbb"),
        (LabelRow("Hot", "#ff0000", 0, 0), "red is reserved for Bad"),
        (LabelRow("Hot", "#00ff00", 4, 0), "expected severities of 0 to 3"),
    ],
)
def test_given_a_label_of_no_use_when_defined_then_it_is_refused(engine, label, wanted):
    with pytest.raises(CommandError, match=wanted), writing(engine) as session:
        define_label(session, WHO, label)
