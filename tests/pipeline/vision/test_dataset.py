"""Label tables, splits by run, and what is refused."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.errors import FileError, InputError, LabelError
from pipeline.vision.dataset import load_labelled, read_table, split_by_run
from tests.pipeline.vision.toys import SHAPE, toy, toys

RUN = r"(?:Run)?0*(\d+)"
MAX_PIXELS = 1_000_000


def a_folder(folder: Path, lines: list[str], header: str = "file,label,run") -> Path:
    rng = np.random.default_rng(1)
    for number in range(4):
        path = folder / f"Run{100 + number}" / f"plot_{number}.png"
        path.parent.mkdir(exist_ok=True)
        label = "Bad" if number % 2 else "Good"
        cv2.imwrite(str(path), toy(label, rng)[..., ::-1])
    table = folder / "labels.csv"
    table.write_text("\n".join([header, *lines]) + "\n")
    return table


def test_given_a_table_when_loaded_then_images_labels_and_runs_are_those_of_the_files(
    tmp_path: Path,
) -> None:
    lines = [f"Run{100 + n}/plot_{n}.png,{('Good', 'Bad')[n % 2]},{100 + n}" for n in range(4)]
    rows = read_table(tmp_path, a_folder(tmp_path, lines), RUN)
    data = load_labelled(rows, "area-rgb", SHAPE, MAX_PIXELS)
    assert data.labels == ("Good", "Bad")
    assert data.truth.tolist() == [0, 1, 0, 1]
    assert data.runs.tolist() == [100, 101, 102, 103]
    rng = np.random.default_rng(1)
    assert np.array_equal(data.images[0], toy("Good", rng))


def test_given_no_run_column_when_read_then_the_folder_of_the_file_gives_the_run(
    tmp_path: Path,
) -> None:
    table = a_folder(tmp_path, ["Run102/plot_2.png,Good"], "file,label")
    assert [row.run for row in read_table(tmp_path, table, RUN)] == [102]


@pytest.mark.parametrize(
    ("header", "lines", "reason"),
    [
        ("name,label", ["a.png,Good"], "file missing"),
        ("file,label,run", ["Run100/plot_0.png,Good,"], "line 2: expected a run number"),
        ("file,label,run", ["Run100/plot_0.png,Good,-4"], "line 2: expected a run number"),
        ("file,label,run", ["../../etc/passwd,Good,1"], "lies outside"),
        ("file,label,run", ["/etc/passwd,Good,1"], "lies outside"),
        ("file,label,run", ["Run100/plot_0.png,,1"], "one is empty"),
        ("file,label,run", [f"a.png,{'x' * 26},1"], "longer than the 25 characters"),
        ("file,label,run", ["a.png,Good,1", "a.png,Bad,1"], "more than once"),
        ("file,label", ["plot.png,Good"], "add a column run"),
        ("file,label,run", [], "lists no image"),
        ("file,label,run", [f"a{n}.png,Good,x" for n in range(30)], "and 20 more"),
    ],
)
def test_given_a_faulty_table_when_read_then_it_says_what_and_where(
    tmp_path: Path, header: str, lines: list[str], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        read_table(tmp_path, a_folder(tmp_path, lines, header), RUN)


def test_given_a_table_that_is_no_text_when_read_then_it_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="cannot read the label table"):
        read_table(tmp_path, table, RUN)


def test_given_one_label_only_when_loaded_then_it_is_refused(tmp_path: Path) -> None:
    table = a_folder(tmp_path, ["Run100/plot_0.png,Good,100", "Run102/plot_2.png,Good,102"])
    with pytest.raises(LabelError, match="at least 2 labels, all 2 are 'Good'"):
        load_labelled(read_table(tmp_path, table, RUN), "area-rgb", SHAPE, MAX_PIXELS)


def test_given_unreadable_images_when_loaded_then_each_is_named(tmp_path: Path) -> None:
    lines = ["Run100/plot_0.png,Good,100", "broken.png,Bad,101", "missing.png,Bad,102"]
    table = a_folder(tmp_path, lines)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    with pytest.raises(FileError, match=r"2 of 3 images(.|\n)*broken\.png(.|\n)*missing\.png"):
        load_labelled(read_table(tmp_path, table, RUN), "area-rgb", SHAPE, MAX_PIXELS)


@pytest.mark.parametrize("seed", range(5))
def test_given_runs_of_several_images_when_split_then_no_run_is_on_both_sides(seed: int) -> None:
    data = toys()
    training, validation = split_by_run(data, 0.25, seed)
    assert not set(data.runs[training]) & set(data.runs[validation])
    assert sorted([*training, *validation]) == list(range(len(data)))
    assert set(data.truth[training]) == set(data.truth[validation]) == {0, 1, 2}


def test_given_the_same_seed_when_split_again_then_the_split_is_the_same() -> None:
    first, again, other = (split_by_run(toys(), 0.25, seed)[1] for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_given_a_label_in_one_run_only_when_split_then_it_is_refused_with_counts() -> None:
    data = toys()
    data.truth[data.truth == 2] = 0
    data.truth[:1] = 2
    with pytest.raises(InputError, match=r"every label in at least one(.|\n)*NoData: 1"):
        split_by_run(data, 0.25, 1)


def test_given_serving_modules_when_imported_then_tensorflow_stays_out() -> None:
    code = (
        "import sys, pipeline.vision.card, pipeline.vision.dataset, pipeline.vision.evaluation,"
        " pipeline.vision.maps, pipeline.vision.serving, hydra_ioc.installation,"
        " hydra_ioc.evaluation, hydra_ioc.commands.train, hydra_ioc.commands.models\n"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'onnx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
