"""Writing the training report of a model and putting it on record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, select

from db.catalogue import PlotType
from db.engine import reading, writing
from db.signoff_queries import find
from hydra_ioc.installation import plots_of
from hydra_ioc.report import make_report
from hydra_ioc.report_answers import open_report
from hydra_ioc.report_page import page
from pipeline.config import Config
from pipeline.errors import InputError

REPORTS: Final = Path("reports")
"""Folder below the state directory for reports that nobody gave a place."""
DEFAULT_TYPES: Final = ("png",)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a report."""

    page: Path
    mistakes: int
    """Images that expert and model see differently."""
    open: int
    """Those of them that nobody has answered."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"report {self.page}: {self.mistakes} images seen differently, {self.open} open"


def report_name(digest: str) -> str:
    """Give the name of a report's file."""
    return f"report-{digest[:12]}.html"


def write_report(config: Config, engine: Engine | None, folder: Path, target: Path) -> Written:
    """Write the report of a model; it goes on record with all plot types of the model.

    Args:
        config: The deployment, for its image store.
        engine: The database; None where the model is not registered.
        folder: The model folder.
        target: The page; its folder is made if need be.

    Raises:
        InputError: The page cannot be written.
        ModelError: The folder is not what its name says, or holds no judged images.
        StoreError: The database refuses; the page is written then.
    """
    plots: tuple[str, ...] = ()
    types: tuple[str, ...] = DEFAULT_TYPES
    if engine is not None:
        with reading(engine) as session:
            plots = plots_of(session, find(session, folder.name))
            found = session.scalars(select(PlotType.file_type).where(PlotType.name.in_(plots)))
            types = tuple(sorted(set(found))) or DEFAULT_TYPES
    made = make_report(config, folder, types)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(made), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write the report {target}: {error.strerror}") from error
    unanswered = 0
    if engine is not None:
        with writing(engine) as session:
            unanswered = open_report(session, made, plots, str(target))
    return Written(target, len(made.mistakes), unanswered)
