"""The registered models as tables: who made them, how good they are, where they judge."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.catalogue import Classification, PlotType
from db.models import ActiveModel, Model, ModelActivation, ModelPlotType, ModelThreshold
from db.performance import RetrainRequest
from db.shadow_queries import shadows_in_force
from db.signoffs import STEPS, ModelSignoff
from db.trainings import Training
from pipeline.errors import ModelError
from pipeline.vision.card import REGRESSION, read_card
from pipeline.vision.evaluation import Rate

SHOWN: Final = 12
"""Digits of a digest that are shown; every command takes the first 8."""
WIDE: Final = 34
"""Characters of a list of plot types, from which on only their number is told."""
Row = dict[str, Any]


def list_models(session: Session, store: Path) -> list[Row]:
    """List the registered models, oldest first, as JSON objects.

    Args:
        session: A session that may read.
        store: The model store; the cards there tell the calibration.

    Returns:
        One object a model. ``accuracy`` is that on images it was not fitted to, with its
        95 % interval; what nobody knows is None.
    """
    names = dict(session.execute(select(PlotType.id, PlotType.name)).all())
    places: dict[str, dict[int, list[str]]] = {
        word: defaultdict(list) for word in ("plots", "active", "probation", "shadow")
    }
    for link in session.scalars(select(ModelPlotType)):
        places["plots"][link.model_id].append(names[link.plot_type_id])
    for row in session.scalars(select(ActiveModel)):
        places["active"][row.model_id].append(names[row.plot_type_id])
        if row.probation:
            places["probation"][row.model_id].append(names[row.plot_type_id])
    for plot, shadow in shadows_in_force(session).items():
        places["shadow"][shadow.model_id].append(names[plot])
    signed: dict[int, list[ModelSignoff]] = defaultdict(list)
    for one in session.scalars(select(ModelSignoff)):
        signed[one.model_id].append(one)
    trainings = {one.model_id: one for one in session.scalars(select(Training))}
    models = list(session.scalars(select(Model).order_by(Model.id)))
    digests = {model.id: model.digest for model in models}
    return [
        {
            "digest": model.digest,
            "name": model.name,
            "architecture": model.architecture,
            "kind": model.kind or "classification",
            "labels": model.labels,
            **{word: sorted(found[model.id]) for word, found in places.items()},
            **_origin(model, trainings.get(model.id)),
            "parent": digests.get(model.parent_id) if model.parent_id is not None else None,
            **_signatures(model, signed[model.id]),
            **_quality(model, store),
            "note": model.note,
        }
        for model in models
    ]


def _origin(model: Model, training: Training | None) -> Row:
    """Say when, by whom and from what a model was made."""
    return {
        "made_at": model.created_at,
        "by": training.user_name if training is not None else model.trained_by,
        "images": sum(model.training_counts.values()),
        "counts": model.training_counts,
        "source": None if training is None else training.source,
        "merged": None if training is None else training.merged,
    }


def _signatures(model: Model, rows: Sequence[ModelSignoff]) -> Row:
    """Say how far the sign-offs of a model are."""
    found = {row.step: row for row in rows}
    done = [step for step in STEPS if step in found]
    return {
        "signed": bool(model.ai_signoff_by and model.expert_signoff_by),
        "steps": [
            {"step": step, "user": found[step].user_name, "at": found[step].signed_at}
            for step in done
        ],
        "next_step": next((step for step in STEPS if step not in found), None),
    }


def _quality(model: Model, store: Path) -> Row:
    """Say how good a model was on images that it was not fitted to."""
    known: Row = {"accuracy": None, "interval": None, "validation_images": 0}
    if model.kind != REGRESSION:
        table = np.array(model.confusion, np.int64)
        right = Rate(int(table.trace()), int(table.sum()))
        known = {"accuracy": right.value, "interval": right.interval if right.total else None}
        known["validation_images"] = right.total
    try:
        card = read_card(store / model.digest)
    except ModelError as error:
        return {**known, "calibration_error": None, "store": str(error)}
    return {**known, "calibration_error": card.calibration_error, "store": ""}


def table_of(rows: Sequence[Row]) -> list[str]:
    """Lay out a list of models for people, one line a model."""
    head = ("model", "made", "by", "images", "right", "ECE", "signed", "state", "architecture")
    lines = [(*head, "plot types")]
    for row in rows:
        plots = ", ".join(row["plots"])
        lines.append(
            (
                row["digest"][:SHOWN],
                _day(row["made_at"]),
                (row["by"] or "unknown")[:12],
                f"{row['images']}{'+' if row['merged'] else ''}",
                _right(row),
                _number(row["calibration_error"], ".3f"),
                f"{len(row['steps'])}/{len(STEPS)} {row['steps'][-1]['step']}"
                if row["steps"]
                else f"0/{len(STEPS)}",
                _state(row),
                row["architecture"],
                plots if len(plots) <= WIDE else f"{len(row['plots'])} plot types",
            )
        )
    return _columns(lines)


def _state(row: Row) -> str:
    """Say in a word or two where a model judges."""
    words = []
    if row["active"]:
        trial = len(row["probation"])
        firm = len(row["active"]) - trial
        words += [f"judges{_times(firm)}"] if firm else []
        words += [f"on probation{_times(trial)}"] if trial else []
    if row["shadow"]:
        words.append(f"shadow{_times(len(row['shadow']))}")
    if not words and row["next_step"]:
        return f"waits: {row['next_step']}"
    return ", ".join(words) or "not active"


def _times(count: int) -> str:
    return f" {count} plots" if count > 1 else ""


def _right(row: Row) -> str:
    """Say the share judged right and of how many; nothing is never 0 %."""
    if row["accuracy"] is None:
        return "unknown"
    return f"{100 * row['accuracy']:.1f} % of {row['validation_images']}"


def _number(value: float | None, form: str) -> str:
    return "unknown" if value is None else format(value, form)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _columns(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def list_active(session: Session, store: Path) -> list[Row]:
    """List all plot types, each with the model that judges it, as JSON objects.

    Args:
        session: A session that may read.
        store: The model store.

    Returns:
        One object a plot type, by name; ``model`` is None where nothing judges it.
    """
    models = {row["digest"]: row for row in list_models(session, store)}
    digests = dict(session.execute(select(Model.id, Model.digest)).all())
    active = {row.plot_type_id: row for row in session.scalars(select(ActiveModel))}
    thresholds: dict[int, dict[str, float]] = defaultdict(dict)
    for key, label, value in session.execute(
        select(ModelThreshold.model_id, Classification.name, ModelThreshold.threshold).join(
            Classification, ModelThreshold.classification_id == Classification.id
        )
    ):
        thresholds[key][label] = value
    since = {
        (row.plot_type_id, row.model_id): row
        for row in session.scalars(select(ModelActivation).order_by(ModelActivation.id))
    }
    asked = {
        row.plot_type_id: row
        for row in session.scalars(select(RetrainRequest).order_by(RetrainRequest.id))
    }
    found = []
    for plot in session.scalars(select(PlotType).order_by(PlotType.name)):
        judge, request = active.get(plot.id), asked.get(plot.id)
        term = since.get((plot.id, judge.model_id)) if judge is not None else None
        found.append(
            {
                "plot": plot.name,
                "model": None if judge is None else models[digests[judge.model_id]],
                "probation": judge is not None and judge.probation,
                "since": None if term is None else term.activated_at,
                "activated_by": None if term is None else term.user_name,
                "thresholds": {} if judge is None else thresholds[judge.model_id],
                "request": None
                if request is None
                else {
                    "at": request.opened_at,
                    "cause": request.cause,
                    "reason": request.reason,
                    "closed_at": request.closed_at,
                },
            }
        )
    return found


def active_table(rows: Sequence[Row]) -> list[str]:
    """Lay out the plot types with their models for people, one line a plot type."""
    lines = [
        ("plot type", "model", "made", "judges since", "right", "ECE", "thresholds", "last request")
    ]
    for row in rows:
        model, request = row["model"], row["request"]
        asked = "none"
        if request is not None:
            asked = f"{_day(request['at'])} {request['cause']}"
            asked += "" if request["closed_at"] else " (open)"
        if model is None:
            lines.append((row["plot"], "none", "", "", "", "", "", asked))
            continue
        limits = ", ".join(f"{label} {value:.2f}" for label, value in row["thresholds"].items())
        trial = " on probation" if row["probation"] else ""
        since = "unknown" if row["since"] is None else _day(row["since"])
        lines.append(
            (
                row["plot"],
                model["digest"][:SHOWN],
                _day(model["made_at"]),
                f"{since}{trial}",
                _right(model),
                _number(model["calibration_error"], ".3f"),
                limits,
                asked,
            )
        )
    return _columns(lines)
