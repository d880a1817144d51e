"""Emulating faults in the Good images on record, and keeping what comes out."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from sqlalchemy import Engine

from db.audit_queries import Actor
from db.emulation_queries import (
    Base,
    NewEmulated,
    add_emulated,
    begin_emulation,
    good_images,
    newest_clusters,
)
from db.engine import reading, writing
from hydra_ioc.record import permit
from pipeline.config import Config
from pipeline.errors import CommandError, FileError, HydraError, InputError
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.channel_map import ChannelMap
from pipeline.vision.emulation import Change, Pixels, Unseen, emulate, scan, vary
from pipeline.vision.preprocess import decode

ENDINGS: Final = ("png", "jpg", "jpeg")
"""File types that the image store may have kept a base with."""
COMPRESSION: Final = 4
"""Level of zlib: half the size of level 1 at twice its time."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be emulated."""

    plot: str
    channels: ChannelMap
    """What shows where."""
    kinds: Sequence[str]
    bases: int
    """How many Good images to start from."""
    most: int | None
    """Images of each kind and base; None every knock-out there is."""
    seed: int


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it."""

    run_id: int
    images: int
    known: int
    """Images that were on record already."""
    unseen: int
    """Faults that could not be seen, as what failed was dead before."""
    bases: int
    runs: int
    by_kind: Mapping[str, int]
    refused: Mapping[str, str]
    """What is wrong with bases that could not be used, by SHA-256."""


def make_images(
    engine: Engine,
    config: Config,
    wish: Wish,
    who: Actor,
    progress: Progress,
) -> Made:
    """Emulate faults and keep the images with label and origin.

    Each image is entered as soon as it is made: an interrupted series keeps
    what it has, and the same wish again goes on where it ended.

    Args:
        engine: The database.
        config: The deployment.
        wish: What is to be emulated.
        who: Who, from where and why.
        progress: Called with images done and images in all.

    Returns:
        What was made.

    Raises:
        CommandError: Nothing to start from, a kind that the map cannot show, or
            no base that is there and shows what the map says.
        NotPermitted: The user may not label this plot.
    """
    permit(engine, who, "label", wish.plot)
    with reading(engine) as session:
        clusters = newest_clusters(session, wish.plot)
        bases = choose(good_images(session, wish.plot), wish.bases, wish.seed, clusters)
    if not bases:
        raise CommandError(
            f"expected Good images of {wish.plot} to start from, none is labelled;"
            " label some with 'hydra-ioc labels import'"
        )
    plan = list(_plan(wish, bases))
    of = [clusters.get(base.sha256) for base in bases]
    run_id = _begin(engine, wish, who, bases, {"images": len(plan), "clusters": of})
    tally = _Tally()
    for number, new in enumerate(_emulated(plan, wish.channels, config, tally)):
        progress(number + 1, len(plan))
        if new is not None:
            with writing(engine) as session:
                tally.count(new, fresh=add_emulated(session, who, wish.plot, run_id, new))
    return tally.made(run_id, bases)


@dataclass(slots=True)
class _Tally:
    """What has come of a series so far."""

    by_kind: Counter[str] = field(default_factory=Counter)
    known: int = 0
    unseen: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    def count(self, new: NewEmulated, *, fresh: bool) -> None:
        """Count an image."""
        if fresh:
            self.by_kind[new.kind] += 1
        else:
            self.known += 1

    def made(self, run_id: int, bases: Sequence[Base]) -> Made:
        """Sum up; refuse a series of which no base was of use."""
        images, runs = self.by_kind.total(), len({base.run for base in bases})
        if self.refused and not images and not self.known and not self.unseen:
            key, reason = next(iter(self.refused.items()))
            raise CommandError(
                f"no base could be used, {len(self.refused)} tried; {key[:12]}: {reason}"
            )
        counts = (run_id, images, self.known, self.unseen, len(bases), runs)
        return Made(*counts, dict(self.by_kind), self.refused)


def _emulated(
    plan: "Sequence[_Task]", channels: ChannelMap, config: Config, tally: _Tally
) -> Iterator[NewEmulated | None]:
    """Make the images of a plan; None for one that cannot be made, which is counted."""
    store = ImageStore(config.under_state(config.keeper.images))
    for task, pixels in _load(plan, store, config, tally.refused):
        made = None
        try:
            made = None if pixels is None else _keep(store, channels, task, pixels)
        except Unseen:
            tally.unseen += 1
        except InputError as error:
            tally.refused.setdefault(task.base.sha256, str(error))
        yield made


def _begin(
    engine: Engine, wish: Wish, who: Actor, bases: Sequence[Base], more: Mapping[str, object]
) -> int:
    settings = {
        "kinds": list(wish.kinds),
        "most": wish.most,
        "bases": [base.sha256 for base in bases],
        **more,
    }
    with writing(engine) as session:
        return begin_emulation(
            session,
            who,
            wish.plot,
            channel_map=wish.channels.digest,
            seed=wish.seed,
            settings=settings,
        )


def choose(
    images: Sequence[Base],
    count: int,
    seed: int,
    clusters: Mapping[str, int] | None = None,
) -> tuple[Base, ...]:
    """Choose bases from every cluster in turn, and within one from every run in turn.

    Args:
        images: All that may serve.
        count: How many are wanted.
        seed: Same seed, same choice.
        clusters: Cluster by SHA-256 of the image; those of no cluster are one more.

    Returns:
        At most ``count`` images, in the order of the choice.
    """
    rng = np.random.default_rng(seed)
    islands: dict[int, dict[int, list[Base]]] = {}
    for index in rng.permutation(len(images)):
        image = images[int(index)]
        island = (clusters or {}).get(image.sha256, -1)
        islands.setdefault(island, {}).setdefault(image.run, []).append(image)
    queues = [_in_turn(list(runs.values())) for _, runs in sorted(islands.items())]
    return tuple(_in_turn(queues)[:count])


def _in_turn(groups: Sequence[Sequence[Base]]) -> list[Base]:
    longest = max((len(group) for group in groups), default=0)
    return [group[rank] for rank in range(longest) for group in groups if rank < len(group)]


@dataclass(frozen=True, slots=True)
class _Task:
    """One image to be made."""

    base: Base
    change: Change
    seed: int


def _plan(wish: Wish, bases: Sequence[Base]) -> Iterator[_Task]:
    rng = np.random.default_rng([wish.seed, 6])
    usable = False
    for base in bases:
        for kind in wish.kinds:
            changes = list(scan(wish.channels, kind))
            if wish.most is not None and len(changes) > wish.most:
                chosen = sorted(rng.choice(len(changes), wish.most, replace=False).tolist())
                changes = [changes[index] for index in chosen]
            for change in changes:
                usable = True
                seed = int(rng.integers(2**31))
                yield _Task(base, vary(change, np.random.default_rng(seed)), seed)
    if not usable:
        raise CommandError(
            f"the channel map knows nothing that {', '.join(wish.kinds)} could reach"
        )


def _load(
    plan: Sequence[_Task], store: ImageStore, config: Config, refused: dict[str, str]
) -> Iterator[tuple[_Task, Pixels | None]]:
    """Decode each base once, however many images it gives; None for one that cannot be read."""
    last: Base | None = None
    pixels: Pixels | None = None
    for task in plan:
        if task.base is not last:
            last = task.base
            try:
                pixels = decode(read_kept(store, last.sha256), config.input.max_pixels)
            except HydraError as error:
                pixels, refused[last.sha256] = None, str(error)
        yield task, pixels


def read_kept(store: ImageStore, sha256: str) -> bytes:
    """Read a kept image, whatever its file type.

    Raises:
        FileError: It is gone, or is another by now.
    """
    for ending in ENDINGS:
        path = store.path(sha256, ending)
        if path.exists():
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != sha256:
                raise FileError("changed", f"{path} is not what was kept; restore the image store")
            return data
    raise FileError("gone", f"image {sha256} is not in the image store; restore it")


def _keep(store: ImageStore, channels: ChannelMap, task: _Task, pixels: Pixels) -> NewEmulated:
    done = emulate(pixels, channels, task.change)
    encoded, data = cv2.imencode(
        ".png",
        cv2.cvtColor(done.pixels, cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_PNG_COMPRESSION, COMPRESSION],
    )
    if not encoded:
        raise HydraError(f"image of {task.change.kind} cannot be encoded")
    content = bytes(data.data)
    digest = hashlib.sha256(content).hexdigest()
    with tempfile.TemporaryDirectory(prefix="hy") as folder:
        file = Path(folder) / "image.png"
        file.write_bytes(content)
        store.keep(file, digest, "png")
    return NewEmulated(
        base=task.base,
        sha256=digest,
        kind=task.change.kind,
        label=done.label,
        parameters=task.change.as_json(),
        regions=done.regions,
        seed=task.seed,
    )
