"""Files that are not what they should be: told why, and nothing is written."""

import hashlib
import io
import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from db.catalogue import Plot
from db.data_set_items import Item, digest_of
from db.data_sets import DataSet, DataSetItem
from db.engine import reading, writing
from db.label_queries import NewLabel, add_label, labels
from db.labels import PlotLabel
from db.startup import upgrade
from hydra_ioc import data_set_zip
from hydra_ioc.cli import cli
from hydra_ioc.data_set_files import export_data_set, import_data_set
from pipeline.errors import InputError, LabelError
from tests.hydra_ioc.data_set_site import WHO, Site, picture, silent

PLOT = "CDC_occupancy"
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A deployment with four labelled images and one data set."""
    folder = tmp_path_factory.mktemp("here")
    upgrade(f"sqlite:///{folder / 'h.db'}")
    site = Site(folder / "state", f"sqlite:///{folder / 'h.db'}")
    site.add(PLOT)
    for seed, label in enumerate(("Good", "Bad", "Good", "Bad")):
        site.keep(PLOT, seed, 100 + seed, label)
    site.make(PLOT)
    return site


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A deployment with the plot and one image, labelled otherwise; nobody changes it."""
    folder = tmp_path_factory.mktemp("there")
    upgrade(f"sqlite:///{folder / 'h.db'}")
    site = Site(folder / "state", f"sqlite:///{folder / 'h.db'}")
    site.add(PLOT)
    site.keep(PLOT, 9, 1, "Good")
    return site


@pytest.fixture(scope="module")
def good(here: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("file") / "good.zip"
    export_data_set(here.config, here.engine, PLOT, file, silent, with_images=True)
    return file


def members(good: Path) -> Members:
    with zipfile.ZipFile(good) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(content: Members, more: list[tuple[zipfile.ZipInfo, bytes]] = ()) -> bytes:
    with io.BytesIO() as out:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in content.items():
                    archive.writestr(name, data)
                for info, data in more:
                    archive.writestr(info, data)
        return out.getvalue()


def with_member(name: str, data: bytes = b"x", mode: int = 0) -> Callable[[Path], bytes]:
    def change(good: Path) -> bytes:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        return packed(members(good), [(info, data)])

    return change


def with_manifest(change: Callable[[dict], None], *, sign: bool = True) -> Callable[[Path], bytes]:
    """Change the manifest; sign it anew, as somebody who knows the format could."""

    def changed(good: Path) -> bytes:
        content = members(good)
        facts = json.loads(content["manifest.json"])
        change(facts)
        if sign:
            items = msgspec.convert(facts["items"], list[Item])
            facts["digest"] = digest_of(facts["plot"]["name"], items)
        content["manifest.json"] = json.dumps(facts).encode()
        return packed(content)

    return changed


def in_text(old: bytes, new: bytes) -> Callable[[Path], bytes]:
    def changed(good: Path) -> bytes:
        content = members(good)
        assert old in content["manifest.json"]
        content["manifest.json"] = content["manifest.json"].replace(old, new, 1)
        return packed(content)

    return changed


def first_item(**columns: object) -> Callable[[dict], None]:
    return lambda facts: facts["items"][0].update(columns)


def in_place_of_an_image(data: bytes, *, known: bool) -> Callable[[Path], bytes]:
    """Put other bytes under the name of an image, or list them as one."""

    def changed(good: Path) -> bytes:
        content = members(good)
        name = min(name for name in content if name.startswith("images/"))
        if not known:
            content[name] = data
            return packed(content)
        sha256, old = hashlib.sha256(data).hexdigest(), name[7:71]
        facts = json.loads(content["manifest.json"])
        for item in facts["items"]:
            item["sha256"] = sha256 if item["sha256"] == old else item["sha256"]
        items = msgspec.convert(facts["items"], list[Item])
        facts["digest"] = digest_of(facts["plot"]["name"], items)
        content["manifest.json"] = json.dumps(facts).encode()
        del content[name]
        content[f"images/{sha256}.png"] = data
        return packed(content)

    return changed


def encrypted(good: Path) -> bytes:
    data = bytearray(good.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(mark)
        (flags,) = struct.unpack_from("<H", data, start + at)
        struct.pack_into("<H", data, start + at, flags | 1)
    return bytes(data)


def damaged(good: Path) -> bytes:
    data = bytearray(good.read_bytes())
    data[data.find(b"PK\x03\x04") + 60] ^= 0xFF
    return bytes(data)


def lacking(good: Path) -> bytes:
    content = members(good)
    del content[min(name for name in content if name.startswith("images/"))]
    return packed(content)


BOMB = with_member(f"images/{'0' * 64}.png", b"\0" * 30_000_000)
HOSTILE = {
    "traversal": (with_member("../../evil.png"), "the zip file has '../../evil.png'"),
    "inner traversal": (with_member("images/../evil.png"), r"has 'images/\.\./evil.png'"),
    "absolute": (with_member("/etc/cron.d/evil"), "the zip file has '/etc/cron.d/evil'"),
    "drive": (with_member("C:\\evil.png"), "expected manifest.json and images/"),
    "another file": (with_member("readme.txt"), "take it out, or export again"),
    "folder": (with_member("images/"), "is a link, folder or device"),
    "link": (
        with_member(f"images/{'0' * 64}.png", b"/etc/passwd", stat.S_IFLNK | 0o777),
        "is a link, folder or device",
    ),
    "bomb": (BOMB, "bytes unpacked for each packed one"),
    "two manifests": (with_member("manifest.json", b"{}"), "manifest.json once, .* has it 2 x"),
    "encrypted": (encrypted, "'manifest.json' is encrypted"),
    "damaged": (damaged, "cannot unpack manifest.json"),
    "wrong magic": (lambda _: b"GIF89a" + b"\0" * 500, "expected a zip file of"),
    "truncated": (lambda good: good.read_bytes()[:-300], "expected a zip file of"),
    "empty": (lambda _: b"", "expected a zip file of"),
    "no manifest": (lambda _: packed({}), "manifest.json once, the zip file has it 0 x"),
    "other bytes": (in_place_of_an_image(picture(77), known=False), "the SHA-256 of its name"),
    "no image": (in_place_of_an_image(b"not a picture", known=True), "is no image that can be"),
    "half image": (in_place_of_an_image(picture(5)[:-20], known=True), "is no image that can be"),
    "lacking image": (lacking, "1 are not in the file"),
    "more images": (with_member(f"images/{'0' * 64}.png"), "the file has 1 more"),
    "no JSON": (in_text(b"{", b"<"), "manifest.json cannot be read"),
    "other format": (
        with_manifest(lambda facts: facts.update(format="x"), sign=False),
        "expected 'hydra-ioc data set' of format version 1, received 'x'",
    ),
    "newer format": (
        with_manifest(lambda facts: facts.update(format_version=2), sign=False),
        "received 'hydra-ioc data set' of version 2; export it again",
    ),
    "unknown field": (in_text(b'"items":[{', b'"items":[{"evil":1,'), "unknown field `evil`"),
    "NaN": (in_text(b'"weight":1', b'"weight":NaN'), "manifest.json cannot be read"),
    "infinite": (in_text(b'"value":null', b'"value":1e999'), "manifest.json cannot be read"),
    "heavy": (with_manifest(first_item(weight=101), sign=False), "Expected `int` <= 100"),
    "wrong hash": (with_manifest(first_item(sha256="AB"), sign=False), "matching regex"),
    "unknown source": (with_manifest(first_item(source="x"), sign=False), "Invalid enum value 'x'"),
    "changed": (with_manifest(first_item(weight=7), sign=False), "the file was changed"),
    "outside the palette": (
        with_manifest(first_item(label="Cosmic")),
        r"expected labels of plot CDC_occupancy: .*'NoData'\], received \['Cosmic'\]",
    ),
    "two labels": (
        with_manifest(lambda facts: facts["items"].append(facts["items"][0] | {"label": "NoData"})),
        "expected one label of a kind for image",
    ),
    "two weights": (
        with_manifest(lambda facts: facts["items"].append(facts["items"][0] | {"weight": 9})),
        "expected every label of an image once",
    ),
    "unknown plot": (
        with_manifest(lambda facts: facts["plot"].update(name="other")),
        "there is no plot other; add --add-plot",
    ),
    "name": (with_manifest(lambda facts: facts.update(name="a@b")), "printable characters"),
}


def state(site: Site) -> tuple:
    with reading(site.engine) as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (Plot, PlotLabel, DataSet, DataSetItem)
        ]
    return counts, site.files()


@pytest.mark.parametrize("case", HOSTILE)
def test_given_a_hostile_file_when_imported_then_it_is_told_and_nothing_is_written(
    good: Path, there: Site, tmp_path: Path, case: str
) -> None:
    change, wanted = HOSTILE[case]
    file = tmp_path / "x.zip"
    file.write_bytes(change(good))
    before = state(there)
    with pytest.raises(InputError, match=wanted):
        import_data_set(there.config, there.engine, file, WHO, silent, conflicts="take")
    assert state(there) == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [
        ("COUNT_LIMIT", "expected at most 3 members, the zip file has 5"),
        ("TOTAL_LIMIT", "expected at most 3 bytes unpacked"),
        ("MANIFEST_LIMIT", "expected manifest.json of at most 3 bytes"),
    ],
)
def test_given_a_file_over_a_limit_when_imported_then_it_is_refused(
    good: Path, there: Site, monkeypatch: pytest.MonkeyPatch, limit: str, wanted: str
) -> None:
    monkeypatch.setattr(data_set_zip, limit, 3)
    before = state(there)
    with pytest.raises(LabelError, match=wanted):
        import_data_set(there.config, there.engine, good, WHO, silent)
    assert state(there) == before


@pytest.fixture
def target(tmp_path: Path) -> Site:
    """A deployment where the image 1, Bad elsewhere, is labelled Good by bob."""
    upgrade(f"sqlite:///{tmp_path / 'h.db'}")
    site = Site(tmp_path / "state", f"sqlite:///{tmp_path / 'h.db'}")
    site.add(PLOT)
    site.keep(PLOT, 1, 101, "Good", "bob")
    return site


def said(site: Site) -> dict[int, tuple[str, str]]:
    with reading(site.engine) as session:
        return {row.chunk: (row.label, row.user) for row in labels(session, PLOT)}


def test_given_conflicts_when_imported_then_they_are_refused_kept_or_taken_and_told(
    good: Path, target: Site
) -> None:
    before = state(target)
    with pytest.raises(LabelError, match=r"1 conflicts, nothing imported; .*\n.*here Good, in the"):
        import_data_set(target.config, target.engine, good, WHO, silent)
    assert state(target) == before
    kept = import_data_set(target.config, target.engine, good, WHO, silent, conflicts="keep")
    assert (kept.labels, len(kept.conflicts)) == (3, 1)
    assert said(target)[1] == ("Good", "bob")
    taken = import_data_set(target.config, target.engine, good, WHO, silent, conflicts="take")
    assert (taken.labels, len(taken.conflicts)) == (1, 1)
    assert said(target)[1] == ("Bad", "ann")
    with reading(target.engine) as session:
        # The label before stays on record.
        assert session.scalar(select(func.count()).select_from(PlotLabel)) == 5


def test_given_a_file_without_images_when_they_are_not_kept_then_nothing_is_imported(
    here: Site, target: Site, tmp_path: Path
) -> None:
    file = tmp_path / "bare.zip"
    export_data_set(here.config, here.engine, PLOT, file, silent, with_images=False)
    before = state(target)
    with pytest.raises(LabelError, match="3 of 4 images are neither in the file nor kept here"):
        import_data_set(target.config, target.engine, file, WHO, silent, conflicts="keep")
    assert state(target) == before
    done = import_data_set(here.config, here.engine, file, WHO, silent)
    assert (done.known, done.new) == (4, False)


def test_given_another_data_set_of_the_name_when_imported_then_it_gets_the_next_version(
    good: Path, target: Site
) -> None:
    assert target.make(PLOT) == f"{PLOT}@1"
    done = import_data_set(target.config, target.engine, good, WHO, silent, conflicts="keep")
    assert done.row.told == f"{PLOT}@2"


def call(site: Site, *words: str, code: int = 0) -> str:
    found = CliRunner().invoke(cli, ["--config", str(site.folder / "h.toml"), *words])
    text = found.output + (str(found.exception) if found.exception else "")
    assert (found.exit_code == 0) == (code == 0), text
    return text


def test_given_two_versions_when_listed_shown_and_compared_then_the_commands_tell(
    target: Site,
) -> None:
    assert "made CDC_occupancy@1: 1 labels" in call(target, "datasets", "make", PLOT)
    assert "nothing changed since" in call(target, "datasets", "make", PLOT)
    first = target.keep(PLOT, 2, 102, "Bad")
    with writing(target.engine) as session:
        sha256 = labels(session, PLOT)[0].sha256
        add_label(session, NewLabel(plot=PLOT, sha256=sha256, label="Bad", user="ann"))
    assert "made CDC_occupancy@2" in call(target, "datasets", "make", PLOT, "--note", "zwei ✓")
    assert "zwei ✓" in call(target, "datasets", "list")
    listed = [json.loads(line) for line in call(target, "datasets", "list", "--json").splitlines()]
    assert [(one["version"], one["count"]) for one in listed] == [(1, 1), (2, 2)]
    assert "Bad                            2" in call(target, "datasets", "show", PLOT)
    assert "Good                           1" in call(target, "datasets", "show", f"{PLOT}@1")
    told = call(target, "datasets", "diff", f"{PLOT}@1", PLOT)
    assert f"added      run 102 chunk 2  {first[:12]}  Bad" in told
    assert "Good -> Bad" in told
    assert "1 added, 1 relabelled" in told
    assert "has no version 9; it has 1, 2" in call(target, "datasets", "show", f"{PLOT}@9", code=1)
    assert "there is no data set 'x'" in call(target, "datasets", "show", "x", code=1)


def test_given_a_file_that_is_there_when_exported_then_it_is_not_overwritten(
    here: Site, tmp_path: Path
) -> None:
    file = tmp_path / "mine.zip"
    file.write_text("mine")
    text = call(here, "datasets", "export", PLOT, str(file), code=1)
    assert "is there already" in text
    assert file.read_text() == "mine"


def test_given_a_missing_image_when_exported_then_it_is_told_and_no_file_is_left(
    here: Site, tmp_path: Path
) -> None:
    gone = here.store.path(hashlib.sha256(picture(0)).hexdigest(), "png")
    hidden = gone.rename(gone.with_suffix(".away"))
    try:
        file = tmp_path / "x.zip"
        text = call(here, "datasets", "export", PLOT, str(file), "--with-images", code=1)
        assert "cannot export" in text
        assert list(tmp_path.iterdir()) == []
    finally:
        hidden.rename(gone)


def test_given_labels_with_all_columns_when_exported_as_csv_and_imported_then_nothing_changes(
    target: Site, tmp_path: Path
) -> None:
    sha256 = next(iter(target.files())).replace("images/", "").replace("/", "")[:64]
    table = tmp_path / "first.csv"
    table.write_text(
        "plot,sha256,label,user,source,labelled_at,use,weight,value\n"
        f"{PLOT},{sha256},Bad,eve,labeler,1234567890.125,validate,7,-0.5\n"
    )
    call(target, "labels", "import", str(table))
    first = call(target, "labels", "export")
    assert first.splitlines()[1].endswith("Bad,eve,,labeler,1234567890.125,validate,7,-0.5")
    (tmp_path / "second.csv").write_text(first)
    assert "1 lines were known before" in call(
        target, "labels", "import", str(tmp_path / "second.csv")
    )
    assert call(target, "labels", "export", "--plot", PLOT) == first


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("weight", "101", "expected a weight of 0 to 100, received '101'"),
        ("value", "nan", "expected a number as value, received 'nan'"),
        ("use", "perhaps", "expected a use of train, validate or free"),
        ("source", "rumour", "expected a source of labeler, live"),
        ("labelled_at", "yesterday", "expected seconds since the epoch"),
    ],
)
def test_given_a_column_that_no_data_set_may_hold_when_imported_as_csv_then_it_is_told(
    there: Site, tmp_path: Path, column: str, value: str, wanted: str
) -> None:
    table = tmp_path / "x.csv"
    table.write_text(f"plot,sha256,label,{column}\n{PLOT},{'0' * 64},Good,{value}\n")
    assert wanted in call(there, "labels", "import", str(table), code=1)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda plot: plot.update(name="a b"), "expected a plot name"),
        (lambda plot: plot["palette"].pop(1), "received \\['Bad'\\] in the data set"),
        (lambda plot: plot["palette"][1].update(name="Hot spot"), "expected a label of 1 to 25"),
        (lambda plot: plot["palette"].append(plot["palette"][0]), "different labels"),
    ],
)
def test_given_a_plot_that_cannot_be_added_when_imported_then_nothing_is_written(
    good: Path, tmp_path: Path, change: Callable[[dict], None], wanted: str
) -> None:
    upgrade(f"sqlite:///{tmp_path / 'h.db'}")
    site = Site(tmp_path / "state", f"sqlite:///{tmp_path / 'h.db'}")
    file = tmp_path / "x.zip"
    file.write_bytes(with_manifest(lambda facts: change(facts["plot"]))(good))
    before = state(site)
    with pytest.raises(InputError, match=wanted):
        import_data_set(site.config, site.engine, file, WHO, silent, add=True)
    assert state(site) == before
    assert "CDC" not in call(site, "plots", "list")


def test_given_the_name_of_another_plot_when_made_then_it_is_refused(target: Site) -> None:
    target.add("FDC_occupancy")
    text = call(target, "datasets", "make", PLOT, "--name", "FDC_occupancy", code=1)
    assert "belongs to plot FDC_occupancy, not to CDC_occupancy" in text
    assert "made été@1" in call(target, "datasets", "make", PLOT, "--name", "e\u0301te\u0301")
