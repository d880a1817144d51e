"""Installing the models that come with a release, and their plot types."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue import PlotType
from db.catalogue_queries import add_plot, plot_type
from db.engine import reading, writing
from db.model_queries import activate_model, register_model
from db.models import ActiveModel, Model, ModelPlotType
from hydra_ioc.record import actor, open_record
from hydra_ioc.registry import model_of
from hydra_ioc.release import DEMO_NOTE, read_index
from pipeline.config import Config
from pipeline.errors import CommandError
from pipeline.vision.card import ModelCard, verify
from simulation.plots import PLOTS

RELEASE: Final = "release"
"""Who signs for the models of a release."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation found and did."""

    plots: int
    models: int
    plots_added: int
    models_added: int
    activated: int
    kept: tuple[str, ...] = ()
    """Plots that were not given their model of the release, each with the reason."""


def install_models(config: Config, source: Path) -> Installed:
    """Copy models into the store, register and activate them; add their plot types.

    All of it is done once: a second run finds everything in place and writes
    nothing. A plot that an operator gave another model keeps that model, and so
    does one whose references or shadow the new model does not suit.

    Args:
        config: The deployment; its database is at the current revision.
        source: Holds ``index.json`` and the model folders.

    Returns:
        What was found and done.

    Raises:
        ModelError: Index, card or file do not match.
        StoreError: The database is not ready.
    """
    index = read_index(source)
    store = config.under_state(config.predict.models)
    cards = {digest: copy_into_store(source / digest, store) for digest in set(index.values())}
    engine = open_record(config)
    if _in_place(engine, index):
        return Installed(len(index), len(cards), 0, 0, 0)
    who = actor("models install")
    with writing(engine) as session:
        plots_added = _add_plots(session, [*index, *PLOTS])
        known = set(session.scalars(select(Model.digest)))
        for digest, card in cards.items():
            register_model(session, model_of(card, digest), RELEASE)
        activated, kept = _activate(session, who, index)
    return Installed(len(index), len(cards), plots_added, len(set(cards) - known), activated, kept)


def copy_into_store(source: Path, store: Path) -> ModelCard:
    """Copy a model folder into a store, whole or not at all.

    Args:
        source: A model folder, named by its digest.
        store: The model store.

    Returns:
        The card, checked against folder and files.

    Raises:
        ModelError: The folder does not match its card.
    """
    card = verify(source)
    target = store / source.name
    if target.exists():
        return verify(target)
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=store) as name:
        copy = Path(name) / source.name
        shutil.copytree(source, copy)
        verify(copy)
        copy.rename(target)
    return card


def plots_of(session: Session, model: Model) -> tuple[str, ...]:
    """Give the plot types that a model was trained for."""
    statement = (
        select(PlotType.name)
        .join(ModelPlotType, ModelPlotType.plot_type_id == PlotType.id)
        .where(ModelPlotType.model_id == model.id)
        .order_by(PlotType.name)
    )
    return tuple(session.scalars(statement))


def _in_place(engine: Engine, index: dict[str, str]) -> bool:
    with reading(engine) as session:
        found = dict(
            session.execute(
                select(PlotType.name, Model.digest)
                .join(ActiveModel, ActiveModel.plot_type_id == PlotType.id)
                .join(Model, ActiveModel.model_id == Model.id)
            ).all()
        )
        names = set(session.scalars(select(PlotType.name)))
    return set(PLOTS) <= names and all(found.get(plot) == index[plot] for plot in index)


def _add_plots(session: Session, wanted: list[str]) -> int:
    names = set(session.scalars(select(PlotType.name)))
    missing = [name for name in dict.fromkeys(wanted) if name not in names]
    for name in missing:
        kind = PLOTS.get(name)
        if kind is None:
            add_plot(session, name)
            continue
        add_plot(
            session,
            name,
            group=kind.group,
            description=kind.title,
            contact=kind.contact,
            guidance=kind.guidance,
            cadence_s=kind.cadence_s,
            labels=kind.labels,
        )
    return len(missing)


def _activate(session: Session, who: Actor, index: dict[str, str]) -> tuple[int, tuple[str, ...]]:
    ids = dict(session.execute(select(Model.digest, Model.id)).all())
    activated, kept = 0, []
    for plot, digest in index.items():
        active = session.get(ActiveModel, plot_type(session, plot).id)
        present = None if active is None else session.get_one(Model, active.model_id)
        # A model that came with an earlier release gives way; anyone else's stays.
        if present is None or (present.note == DEMO_NOTE and present.digest != digest):
            try:
                with session.begin_nested():
                    activate_model(session, who, plot, ids[digest])
            except CommandError as error:
                # One plot must not keep the release from all the others.
                kept.append(f"{plot}: {error}")
            else:
                activated += 1
    return activated, tuple(kept)
