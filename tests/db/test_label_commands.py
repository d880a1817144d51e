"""The commands of the labels."""

import pytest

from db.engine import make_engine, reading, writing
from db.label_queries import labels
from pipeline.errors import LabelError
from tests.db.samples import digest, kept
from tests.db.typed import done, image, run


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
        f"mine/odd name.png,{second},CDC_occupancy,BAD,,12\n"
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


def test_given_a_label_when_defined_then_plots_can_have_it(config_file, config):
    done(config_file, "labels", "define", "Hot", "--colour", "#ff7f0e", "--confirmed", "MINOR")
    done(config_file, "plots", "add", "CDC_occupancy", "--labels", "Good,Bad,Hot")
    assert "Good,Bad,Hot" in done(config_file, "plots", "list")


def test_given_a_folder_of_each_label_when_imported_then_names_tell_plot_and_run(
    config_file, config, tmp_path
):
    done(config_file, "plots", "add", "CDC_occupancy")
    first = image(tmp_path / "mine/good/Run7/CDC_occupancy_0003.png", 1)
    second = image(tmp_path / "mine/Bad/Run8/CDC_occupancy_0001.png", 2)
    (tmp_path / "mine/Bad/notes.txt").write_text("looked at by ann")
    told = "2 images labelled, 2 of them kept anew; 0 lines were known before\n"
    assert done(config_file, "labels", "import", str(tmp_path / "mine")) == told
    with reading(make_engine(config.database_url())) as session:
        rows = labels(session)
    assert [(row.run, row.chunk, row.sha256, row.label) for row in rows] == [
        (7, 3, first, "Good"),
        (8, 1, second, "Bad"),
    ]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("CDC_occupancy_0001.png", "CDC_occupancy_0001.png: expected a folder named after"),
        ("Fine/CDC_occupancy_0001.png", "expected a label of plot CDC_occupancy"),
        ("Good/odd name.png", "Good/odd name.png: 'odd name.png' fits none"),
        ("Good/notes.txt", "holds no image"),
    ],
)
def test_given_a_folder_that_tells_no_label_or_plot_when_imported_then_nothing_is(
    config_file, config, tmp_path, name, wanted
):
    done(config_file, "plots", "add", "CDC_occupancy")
    image(tmp_path / "mine" / name, 1)
    if "notes" not in name:
        image(tmp_path / "mine/Good/Run7/CDC_occupancy_0003.png", 2)
    result = run(config_file, "labels", "import", str(tmp_path / "mine"))
    assert isinstance(result.exception, LabelError)
    assert wanted in str(result.exception)
    with reading(make_engine(config.database_url())) as session:
        assert labels(session) == ()
