"""The catalogue as the Keeper publishes it, and what was on show before a restart."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from msgspec import ValidationError, convert, structs, to_builtins
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.adaptation_queries import open_proposals
from db.catalogue_queries import PlotRow, catalogue
from db.limit_queries import limits_of_all
from db.mask_queries import MaskRow, masks_in_force, masks_of
from db.operation import RunHistory, RunStatus
from db.operation_queries import Live, latest_news, live_plots
from db.reference_queries import ReferenceRow, references_in_force
from db.run_type_queries import run_type_now
from db.shadow_queries import ShadowRow, shadows_in_force
from db.steadiness_queries import steadiness_of_all
from pipeline.alarm import Severity, Status
from pipeline.keeper.judge import NO_MODEL, Likeness, Reading, beam_is_on
from pipeline.keeper.live import LiveFrames
from pipeline.keeper.shadow import shadows_on_record
from pipeline.keeper.shown import Shown
from pipeline.messages import (
    AlarmLimits,
    Companion,
    LabelPolicy,
    MaskRef,
    ModelRef,
    PlotEntry,
    PlotState,
    SimilarityRef,
    Steadiness,
)


@dataclass(frozen=True, slots=True)
class Plots:
    """All plots, and the share of images to keep of each."""

    entries: tuple[PlotEntry, ...]
    collect: dict[str, float | None]
    """By plot name; None takes the deployment's."""
    faults: tuple[str, ...] = ()
    """Plots that no message can carry, and why; they are left out."""
    run_type: str = ""
    """Kind of run; empty when nobody said."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a restart finds."""

    shown: dict[str, Shown]
    states: dict[str, PlotState]
    news: str
    beam_current: float | None
    run: tuple[str, int] | None
    """Period and run on record as going on."""


def read_plots(session: Session) -> Plots:
    """Read all plots.

    An entry that breaks a rule of the messages would make every stage refuse
    the whole catalogue: it is left out here, where it can be told.
    """
    rows = catalogue(session)
    masks = masks_in_force(session)
    references = references_in_force(session)
    proposed = open_proposals(session) if references else {}
    shadows = shadows_in_force(session)
    steadiness = steadiness_of_all(session)
    limits = limits_of_all(session)
    entries, faults = [], []
    for row in rows:
        try:
            entry = _entry(row, masks.get(row.plot_type_id, ()), references.get(row.plot_type_id))
            entry = _proposed(_limited(entry, limits), proposed)
            if row.plot_type_id in shadows and entry.model is not None:
                shadow = _shadow(shadows[row.plot_type_id])
                entry = structs.replace(entry, companions=(*entry.companions, shadow))
            if row.plot_type_id in steadiness:
                rules = Steadiness(**asdict(steadiness[row.plot_type_id]))
                entry = structs.replace(entry, steadiness=rules)
            entries.append(convert(to_builtins(entry), PlotEntry))
        except (ValidationError, ValueError) as error:
            faults.append(f"plot {row.name} is left out: {error}")
    return Plots(
        entries=tuple(entries),
        collect={row.name: row.collect_fraction for row in rows},
        faults=tuple(faults),
        run_type=run_type_now(session),
    )


def read_past(session: Session, frames: LiveFrames, beam_threshold: float) -> Past:
    """Read what every plot showed last, with its pictures.

    Args:
        session: A session that may read.
        frames: Where the pictures are.
        beam_threshold: Below it there is no beam; unit of the beam PV.
    """
    rows = live_plots(session)
    ids = [row.run_history_id for row in rows.values() if row.run_history_id is not None]
    histories = {
        row.id: row for row in session.scalars(select(RunHistory).where(RunHistory.id.in_(ids)))
    }
    masked = masks_of(session, ids)
    shadows = shadows_on_record(session, ids)
    shown, states = {}, {}
    for name, live in rows.items():
        history = histories.get(live.run_history_id) if live.run_history_id else None
        image = _image(live, history, beam_threshold, masked.get(live.run_history_id or -1, ()))
        stored = frames.load(live.plot_type_id, image)
        shown[name] = replace(
            image,
            picture=stored.picture,
            heat=stored.heat,
            heat_shape=stored.heat_shape,
            shadow=shadows.get(live.run_history_id or -1),
        )
        states[name] = _state(name, live, stored.heat_shape)
    status = session.scalars(
        select(RunStatus).where(RunStatus.state == "Running").order_by(RunStatus.id.desc()).limit(1)
    ).first()
    return Past(
        shown=shown,
        states=states,
        news=latest_news(session),
        beam_current=status.beam_current if status else None,
        run=(status.period, status.run) if status else None,
    )


def _entry(row: PlotRow, masks: Sequence[MaskRow], references: ReferenceRow | None) -> PlotEntry:
    model = row.model
    return PlotEntry(
        plot_type_id=row.plot_type_id,
        name=row.name,
        file_type=row.file_type,
        chunked=row.chunked,
        description=row.description,
        contact=row.contact,
        group=row.group,
        guidance=row.guidance[:4000],
        ignored=row.ignored,
        cadence_s=row.cadence_s,
        labels=tuple(
            LabelPolicy(
                name=label.name,
                colour=label.colour,
                confirmed=Severity(label.confirmed),
                unconfirmed=Severity(label.unconfirmed),
            )
            for label in row.labels
        ),
        thresholds=row.thresholds,
        model=ModelRef(
            model_id=model.model_id,
            digest=model.digest,
            input_shape=model.input_shape,
            preprocessing=model.preprocessing,
            labels=model.labels,
            probation=model.probation,
            kind=model.kind,
            unit=model.quantity["unit"] if model.quantity else "",
            limits=AlarmLimits(**model.quantity["limits"]) if model.quantity else None,
            novelty=model.novelty,
        )
        if model
        else None,
        masks=tuple(
            MaskRef(
                mask_id=mask.mask_id,
                name=mask.name,
                owner=mask.owner,
                reason=mask.reason,
                points=mask.points,
                expires_at=mask.expires_at,
            )
            for mask in masks
        ),
        companions=(_companion(references),) if references else (),
        similarity=_similarity(references) if references else None,
        unknown_below=row.unknown_below,
        novel_below=row.novel_below,
    )


def _proposed(entry: PlotEntry, proposed: Mapping[str, int]) -> PlotEntry:
    """Tell that references wait to be adapted."""
    if entry.similarity is None or entry.name not in proposed:
        return entry
    waiting = structs.replace(entry.similarity, proposal=proposed[entry.name])
    return structs.replace(entry, similarity=waiting)


def _limited(
    entry: PlotEntry, limits: Mapping[tuple[int, int], Mapping[str, float | None]]
) -> PlotEntry:
    """Put limits that people set over those of the model's card."""
    if entry.model is None or entry.model.kind != "regression":
        return entry
    given = limits.get((entry.plot_type_id, entry.model.model_id))
    if given is None:
        return entry
    model = structs.replace(
        entry.model,
        limits=AlarmLimits(
            hihi=given["hihi"], high=given["high"], low=given["low"], lolo=given["lolo"]
        ),
    )
    return structs.replace(entry, model=model)


def _companion(row: ReferenceRow) -> Companion:
    model = ModelRef(
        model_id=row.set_id,
        digest=row.digest,
        input_shape=row.input_shape,
        preprocessing=row.preprocessing,
        labels=row.labels,
    )
    return Companion(role="reference", model=model)


def _shadow(row: ShadowRow) -> Companion:
    model = ModelRef(
        model_id=row.model_id,
        digest=row.digest,
        input_shape=row.input_shape,
        preprocessing=row.preprocessing,
        labels=row.labels,
    )
    return Companion(
        role="shadow", model=model, term_id=row.term_id, thresholds=dict(row.thresholds)
    )


def _similarity(row: ReferenceRow) -> SimilarityRef:
    return SimilarityRef(
        set_id=row.set_id,
        version=row.version,
        count=row.count,
        run_type=row.run_type,
        threshold=row.threshold,
        severity=Severity(row.severity),
        decides=row.decides,
        typical=row.typical,
        digest=row.digest,
        made_at=row.made_at,
        original=row.original_version,
        drift=row.drift,
    )


def _image(
    live: Live, history: RunHistory | None, beam_threshold: float, masks: tuple[str, ...]
) -> Shown:
    return Shown(
        reading=Reading(
            weights=live.weights,
            judged=live.label != NO_MODEL,
            error=history.error if history else "",
            offline=bool(history and history.offline),
            beam_on=beam_is_on(live.beam_current, beam_threshold),
            run=live.run,
            chunk=live.chunk,
            masks=masks,
            likeness=likeness_on_record(history) if history else None,
            novelty=history.novelty if history else None,
            value=history.value if history else None,
        ),
        thresholds=history.thresholds if history else live.thresholds,
        period=live.period,
        image_time=live.image_time,
        closed_time=live.closed_time,
        model=live.model,
        beam_current=live.beam_current,
        history_id=live.run_history_id,
        image_file=live.image_file,
        count=live.count,
    )


def likeness_on_record(history: RunHistory) -> Likeness | None:
    """Give the similarity to references that a row of the history tells."""
    if history.reference_set_id is None:
        return None
    threshold = history.similarity_threshold
    return Likeness(
        history.reference_set_id,
        history.similarity,
        1.0 if threshold is None else threshold,
        "" if history.similarity is not None else "there was none when it was judged",
    )


def _state(name: str, live: Live, heat_shape: tuple[int, int]) -> PlotState:
    return PlotState(
        plot=name,
        label=live.label,
        confidence=live.confidence,
        confirmed=live.confirmed,
        weights=dict(live.weights),
        thresholds=dict(live.thresholds),
        run=live.run,
        chunk=live.chunk,
        period=live.period,
        image_time=live.image_time,
        closed_time=live.closed_time,
        model=live.model,
        reason=live.reason,
        image_file=live.image_file,
        severity=Severity(live.severity),
        status=Status(live.status),
        count=live.count,
        since=live.since,
        heat_shape=heat_shape,
    )
