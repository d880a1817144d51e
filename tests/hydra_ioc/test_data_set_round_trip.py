"""What leaves one deployment as a data set arrives in another as it was."""

import hashlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.catalogue import Plot
from db.data_set_queries import find_data_set, keep_version, snapshot
from db.engine import reading, writing
from db.label_queries import NewLabel, add_label, keep_image, labels
from db.startup import upgrade
from db.training_queries import pin_image
from db.value_queries import give_value, values_of
from hydra_ioc.data_set_files import export_data_set, import_data_set
from tests.fixtures_mariadb import MariaDb, mariadb_server  # noqa: F401
from tests.hydra_ioc.data_set_site import WHO, Site, picture, silent

COUNT = itertools.count()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LABELS = ("Good", "Bad", "NoData", "Ignore")
ENTRY = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 9),
        "run": st.integers(-1, 2**31 - 1),
        "chunk": st.integers(0, 2**31 - 1),
        "period": TEXT,
        "time": st.floats(0, 2e9),
        "label": st.sampled_from(LABELS),
        "user": TEXT.filter(bool),
        "comment": TEXT,
        "source": st.sampled_from(("labeler", "live", "report", "simulated", "import")),
        "use": st.sampled_from(("train", "validate", "free")),
        "weight": st.integers(0, 100),
        "value": st.none() | st.floats(allow_nan=False, allow_infinity=False, width=64),
    }
)
NAME = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "hydra.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(
    scope="module",
    params=[
        ("sqlite", "sqlite"),
        pytest.param(("sqlite", "mariadb"), marks=pytest.mark.mariadb),
        pytest.param(("mariadb", "sqlite"), marks=pytest.mark.mariadb),
    ],
    ids="-".join,
)
def sites(request: pytest.FixtureRequest, template: Path) -> Iterator[tuple[Site, Site]]:
    """Two deployments, the second empty."""
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    made = []
    for at, kind in enumerate(request.param):
        if kind == "sqlite":
            shutil.copy(template, folder / f"{at}.db")
            url = f"sqlite:///{folder / f'{at}.db'}"
        else:
            server: MariaDb = request.getfixturevalue("mariadb_server")
            name = f"sets_{next(COUNT)}"
            server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            url = server.url(name)
            upgrade(url)
        made.append(Site(folder / str(at), url))
    yield made[0], made[1]
    for one in made:
        one.engine.dispose()
    shutil.rmtree(folder)


def fill(site: Site, plot: str, entries: list[dict]) -> set[str]:
    site.add(plot)
    hashes = set()
    for one in entries:
        data = picture(one["seed"])
        sha256 = hashlib.sha256(data).hexdigest()
        hashes.add(sha256)
        site.store.keep_bytes(data, sha256, "png")
        with writing(site.engine) as session:
            keep_image(
                session,
                plot,
                sha256=sha256,
                period=one["period"],
                run=one["run"],
                chunk=one["chunk"],
                image_time=one["time"],
            )
            add_label(
                session,
                NewLabel(
                    plot=plot,
                    sha256=sha256,
                    label=one["label"],
                    user=one["user"],
                    comment=one["comment"],
                    source=one["source"],
                ),
            )
            pin_image(session, WHO, plot, sha256, use=one["use"], weight=one["weight"])
            if one["value"] is not None:
                give_value(session, plot, sha256, one["value"], one["user"])
    return hashes


def on_record(site: Site, plot: str) -> tuple:
    """Everything that is on record of the labels of a plot, but for ids and dates of keeping."""
    with reading(site.engine) as session:
        images = {
            row.id: (row.period, row.run, row.chunk, row.sha256)
            for row in session.query(Plot).all()
        }
        pins = {
            images[row.id]: (
                row.image_time,
                row.training_weight,
                row.forced_training,
                row.forced_validation,
                row.unbiased,
                row.simulated,
            )
            for row in session.query(Plot).all()
        }
        said = sorted(labels(session, plot), key=repr)
        numbers = {images[key]: value for key, value in values_of(session, plot).items()}
        keys = {(row.period, row.run, row.chunk, row.sha256) for row in said}
        return (
            said,
            {key: pins[key] for key in keys},
            numbers,
            snapshot(session, plot, name="x").digest,
        )


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(entries=st.lists(ENTRY, min_size=1, max_size=6), name=NAME, note=TEXT)
def test_given_any_labels_when_exported_and_imported_elsewhere_then_all_is_as_it_was(
    sites: tuple[Site, Site], entries: list[dict], name: str, note: str
) -> None:
    here, there = sites
    number = next(COUNT)
    plot, name = f"plot_{number}", f"{name}{number}"
    hashes = fill(here, plot, entries)
    with writing(here.engine) as session:
        row, _ = keep_version(session, WHO, snapshot(session, plot, name=name, note=note))
    file = here.folder / f"{number}.zip"
    export_data_set(here.config, here.engine, name, file, silent, with_images=True)
    done = import_data_set(there.config, there.engine, file, WHO, silent, add=True)
    assert (done.new, done.plot_added, done.conflicts) == (True, True, ())
    assert on_record(there, plot) == on_record(here, plot)
    with reading(there.engine) as session:
        found = find_data_set(session, row.told)
    assert (found.digest, found.count, found.made_at, found.user, found.note) == (
        row.digest,
        row.count,
        row.made_at,
        row.user,
        row.note,
    )
    for sha256 in hashes:
        stored = there.store.path(sha256, "png").read_bytes()
        assert hashlib.sha256(stored).hexdigest() == sha256
    # Once more changes nothing, and the way back gives the same bytes.
    again = import_data_set(there.config, there.engine, file, WHO, silent)
    assert (again.new, again.labels, again.images, again.conflicts) == (False, 0, 0, ())
    back = there.folder / f"{number}.zip"
    export_data_set(there.config, there.engine, row.told, back, silent, with_images=True)
    assert back.read_bytes() == file.read_bytes()
