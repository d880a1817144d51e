"""When a training ends early, and what an interrupted one leaves."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.vision.checkpoint import FILE, Checkpoint, Progressed
from pipeline.vision.sampling import resample
from pipeline.vision.stopping import Stop


@pytest.mark.parametrize(
    ("stop", "numbers", "waited", "ends"),
    [
        (Stop(), {"val_loss": 0.0}, 99, False),
        (Stop("val_loss", 0.2), {"val_loss": 0.2}, 0, True),
        (Stop("val_loss", 0.2), {"val_loss": 0.3}, 0, False),
        (Stop("accuracy", 0.9), {"accuracy": 0.95}, 0, True),
        (Stop("accuracy", 0.9), {"accuracy": 0.85}, 0, False),
        (Stop(patience=3), {}, 3, True),
        (Stop(patience=3), {}, 2, False),
    ],
)
def test_given_a_rule_when_an_epoch_ends_then_the_training_stops_as_it_says(
    stop: Stop, numbers: dict[str, float], waited: int, ends: bool
) -> None:
    assert bool(stop.reason(numbers, waited)) is ends


def test_given_an_unknown_quantity_when_asked_for_then_it_is_refused() -> None:
    with pytest.raises(InputError, match="early-stop quantity of loss"):
        Stop("f1", 0.9)


class Model:
    """What a checkpoint takes of a model."""

    class Optimizer:
        variables = (np.arange(3.0),)

    optimizer = Optimizer()

    def get_weights(self) -> list[np.ndarray]:
        return [np.ones((2, 2), np.float32)]


def test_given_a_checkpoint_when_read_then_it_is_what_was_written(tmp_path: Path) -> None:
    done = Progressed(epoch=3, best_loss=0.25, curves={"loss": [0.5, 0.4, 0.3]})
    Checkpoint(tmp_path, "key").write(done, Model(), [np.zeros(2)])
    found, arrays = Checkpoint(tmp_path, "key").read()
    assert found == done
    assert set(arrays) == {"w0", "o0", "b0"}


@pytest.mark.parametrize(
    ("data", "key", "said"),
    [(None, "key", "no interrupted training"), (b"PK\3\4", "key", "cannot be read")],
)
def test_given_no_usable_checkpoint_when_resumed_then_the_way_out_is_told(
    tmp_path: Path, data: bytes | None, key: str, said: str
) -> None:
    if data is not None:
        (tmp_path / FILE).write_bytes(data)
    with pytest.raises(InputError, match=said):
        Checkpoint(tmp_path, key).read()


def test_given_another_training_when_resumed_then_it_is_refused(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "key").write(Progressed(), Model(), [])
    with pytest.raises(InputError, match="another training"):
        Checkpoint(tmp_path, "other").read()


def test_given_a_full_disk_when_a_checkpoint_is_written_then_the_one_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = Checkpoint(tmp_path, "key")
    keep.write(Progressed(epoch=1), Model(), [])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left on device; make room"):
        keep.write(Progressed(epoch=2), Model(), [])
    assert keep.read()[0].epoch == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    ("method", "counts"),
    [("normal", [40, 10, 5]), ("undersample", [12, 10, 5]), ("oversample", [40, 40, 40])],
)
def test_given_uneven_labels_when_sampled_then_they_are_balanced_in_whole_batches(
    method: str, counts: list[int]
) -> None:
    truth = np.repeat([0, 1, 2], [40, 10, 5])
    chosen = resample(truth, ("Good", "Bad", "NoData"), method, batch=4)
    assert np.bincount(truth[chosen]).tolist() == counts
