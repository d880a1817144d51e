"""Rows that the tests of the record write."""

import hashlib
import time
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue import Plot
from db.catalogue_queries import add_plot
from db.engine import writing
from db.model_queries import NewModel, activate_model, register_model
from db.operation import RunHistory

WHO = Actor(user="ann", host="console1", why="test")


def digest(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def new_model(name: str = "first", **changes: Any) -> NewModel:
    values: dict[str, Any] = {
        "digest": digest(name),
        "name": name,
        "created_at": 1_700_000_000.25,
        "architecture": "domain-cbam",
        "labels": ("Good", "Bad", "NoData"),
        "input_shape": (300, 400, 3),
        "preprocessing": "area-rgb",
        "thresholds": {"Good": 0.4, "Bad": 0.7, "NoData": 0.5},
        "threshold_method": "max_f1",
        "training_set": digest("images"),
        "training_runs": (1, 2),
        "validation_runs": (3,),
        "training_counts": {"Good": 10, "Bad": 5, "NoData": 2},
        "confusion": ((10, 0, 0), (0, 5, 0), (0, 0, 2)),
        "loss": 0.01,
        "epochs": 3,
        "seed": 1,
        "versions": {"keras": "3"},
        "plots": ("CDC_occupancy", "FDC_occupancy"),
    }
    return NewModel(**(values | changes))


def judged_plot(session: Session, name: str = "CDC_occupancy") -> tuple[int, int]:
    """Add a plot with an active model; give the ids of both."""
    plot = add_plot(session, name)
    model = register_model(session, new_model(plots=(name,), name=name), "ann")
    activate_model(session, WHO, name, model)
    return plot, model


def verdict(plot: int, model: int | None, chunk: int = 1, **changes: Any) -> RunHistory:
    values: dict[str, Any] = {
        "plot_type_id": plot,
        "model_id": model,
        "period": "RunPeriod-2026-11",
        "run": 131458,
        "chunk": chunk,
        "sha256": digest(chunk),
        "image_time": 1_790_000_000.0 + chunk,
        "inserted_at": time.time(),
        "label": "Bad",
        "confidence": 0.9,
        "confirmed": True,
        "output": {"Good": 0.1, "Bad": 0.9},
        "thresholds": {"Good": 0.4, "Bad": 0.7},
        "unbiased": False,
        "late": False,
        "offline": False,
    }
    return RunHistory(**(values | changes))


def kept(plot: int, chunk: int = 1, **changes: Any) -> Plot:
    values: dict[str, Any] = {
        "plot_type_id": plot,
        "period": "RunPeriod-2026-11",
        "run": 131458,
        "chunk": chunk,
        "sha256": digest(chunk),
        "image_time": 1_790_000_000.0 + chunk,
        "kept_at": time.time(),
        "unbiased": False,
    }
    return Plot(**(values | changes))


def fill(engine: Engine) -> None:
    """Write a row of everything that matters."""
    with writing(engine) as session:
        plot, model = judged_plot(session)
        image = kept(plot)
        session.add(image)
        session.flush()
        session.add(verdict(plot, model, plot_id=image.id))
