"""Deployments for the tests of data sets."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from sqlalchemy import Engine

from db.audit_queries import Actor
from db.catalogue_queries import add_plot
from db.data_set_queries import keep_version, snapshot
from db.engine import make_engine, writing
from db.label_queries import NewLabel, add_label, keep_image
from pipeline.config import Config
from pipeline.keeper.imagestore import ImageStore

WHO = Actor(user="ann", host="console1", why="test")


class Site:
    """A deployment: a folder with its image store, and a database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = Config(state_dir=folder, database={"url": url})
        self.engine: Engine = make_engine(url)
        self.store = ImageStore(folder / "images")
        (folder / "h.toml").write_text(f'state_dir = "{folder}"\n[database]\nurl = "{url}"\n')

    def add(self, plot: str, labels: tuple[str, ...] = ("Good", "Bad", "NoData")) -> None:
        with writing(self.engine) as session:
            add_plot(session, plot, labels=labels)

    def keep(self, plot: str, seed: int, run: int, label: str, user: str = "ann") -> str:
        data = picture(seed)
        sha256 = hashlib.sha256(data).hexdigest()
        self.store.keep_bytes(data, sha256, "png")
        with writing(self.engine) as session:
            keep_image(
                session, plot, sha256=sha256, period="P", run=run, chunk=seed, image_time=1.5e9
            )
            add_label(session, NewLabel(plot=plot, sha256=sha256, label=label, user=user))
        return sha256

    def make(self, plot: str) -> str:
        with writing(self.engine) as session:
            return keep_version(session, WHO, snapshot(session, plot))[0].told

    def files(self) -> dict[str, str]:
        """Hash of every file of the store, by name."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((self.folder / "images").rglob("*"))
            if path.is_file()
        }


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (16, 24, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def silent(_done: int, _total: int) -> None:
    """Take progress and tell nobody."""
