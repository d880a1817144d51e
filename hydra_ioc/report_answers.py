"""Reports on record, and what experts answer: answers become labels."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Plot, PlotType
from db.catalogue_queries import plot_type
from db.label_queries import NewLabel, add_label
from db.models import Model, TrainingReport, TrainingReportElement, TrainingReportResponse
from db.palette_queries import label_ids
from db.signoff_queries import find
from hydra_ioc.answer_files import Answer, read_answer_file
from hydra_ioc.report_page import Report
from pipeline.errors import CommandError, InputError
from pipeline.messages import Digest


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file that a report's page makes."""

    model: Digest
    answers: Annotated[tuple[Answer, ...], msgspec.Meta(max_length=100_000)]
    v: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file of answers."""

    answered: int
    changed: int
    """Answers that changed a label."""
    open: int
    """Elements of the report that nobody has answered."""


def read_answers(file: Path) -> Answers:
    """Read a file of answers.

    Raises:
        InputError: It is none; says what was expected.
    """
    told = (
        "the page of a report saves them (those of 'hydra-ioc labels queue --page' go to"
        " 'hydra-ioc labels answer')"
    )
    return read_answer_file(file, Answers, told)


def open_report(session: Session, report: Report, plots: Sequence[str], page: str) -> int:
    """Put a report on record, unless the model has one; give the number of open elements.

    Args:
        session: A session of a transaction that writes.
        report: What the page says.
        plots: Names of the plot types that the model judges.
        page: Where the page lies.
    """
    model = find(session, report.digest)
    found = session.scalars(
        select(TrainingReport).where(TrainingReport.model_id == model.id)
    ).first()
    if found is None:
        found = TrainingReport(
            reported_at=time.time(), model_id=model.id, title=report.title[:500], body=page
        )
        session.add(found)
        session.flush()
        _add_elements(session, found.id, report, plots)
    return open_elements(session, model)


def _add_elements(session: Session, report_id: int, report: Report, plots: Sequence[str]) -> None:
    targets = [plot_type(session, plot).id for plot in plots]
    wrong = {one.name: one for one in report.mistakes if one.answerable}
    ids = label_ids(session, sorted({one.given for one in wrong.values()})) if wrong else {}
    kept = session.execute(
        select(Plot.sha256, func.min(Plot.id))
        .where(Plot.plot_type_id.in_(targets), Plot.sha256.in_(wrong))
        .group_by(Plot.sha256, Plot.plot_type_id)
    )
    session.add_all(
        TrainingReportElement(
            report_id=report_id,
            plot_id=plot_id,
            classification_id=ids[wrong[sha256].given],
            confidence=wrong[sha256].weight,
        )
        for sha256, plot_id in kept
    )
    session.flush()


def open_elements(session: Session, model: Model) -> int:
    """Count the elements of a model's report that nobody has answered."""
    answered = select(TrainingReportResponse.element_id)
    statement = (
        select(func.count())
        .select_from(TrainingReportElement)
        .join(TrainingReport, TrainingReportElement.report_id == TrainingReport.id)
        .where(TrainingReport.model_id == model.id, TrainingReportElement.id.not_in(answered))
    )
    return int(session.scalar(statement) or 0)


def check_reviewed(session: Session, model: Model) -> None:
    """Refuse to call a report reviewed that nobody made or answered.

    Raises:
        CommandError: Says what is missing.
    """
    short = model.digest[:12]
    made = session.scalars(
        select(TrainingReport.id).where(TrainingReport.model_id == model.id)
    ).first()
    if made is None:
        raise CommandError(
            f"expected a report of model {short}: 'hydra-ioc models report {short}' makes it;"
            " or say with --why how the model was reviewed"
        )
    if unanswered := open_elements(session, model):
        raise CommandError(
            f"{unanswered} images of the report of model {short} are not answered; answer them"
            " with 'hydra-ioc models answer FILE', or say with --why why not"
        )


def take_answers(session: Session, who: Actor, answers: Answers) -> Taken:
    """Turn answers into labels and responses, all of them or none.

    Args:
        session: A session of a transaction that writes.
        who: Who answers.
        answers: From ``read_answers``.

    Raises:
        InputError: The model has no report, or an image is none of its elements.
        LabelError: A label is outside the palette.
    """
    model = find(session, answers.model)
    elements = _elements(session, model)
    if strange := [one.sha256[:16] for one in answers.answers if one.sha256 not in elements]:
        raise InputError(
            f"expected answers to the report of model {model.digest[:12]}, received"
            f" {len(strange)} images that are not in it, such as {strange[0]};"
            f" make the report first with 'hydra-ioc models report {model.digest[:12]}'"
        )
    changed = sum(
        _take(session, who, plot, element, one)
        for one in answers.answers
        for plot, element in elements[one.sha256]
    )
    session.flush()
    audit(session, who, "answer-report", model.digest, new=len(answers.answers))
    return Taken(len(answers.answers), changed, open_elements(session, model))


def _elements(session: Session, model: Model) -> dict[str, list[tuple[str, int]]]:
    """Give plot type and row of every element of a model's report, by image."""
    found: dict[str, list[tuple[str, int]]] = {}
    rows = session.execute(
        select(Plot.sha256, PlotType.name, TrainingReportElement.id)
        .join(Plot, TrainingReportElement.plot_id == Plot.id)
        .join(PlotType, Plot.plot_type_id == PlotType.id)
        .join(TrainingReport, TrainingReportElement.report_id == TrainingReport.id)
        .where(TrainingReport.model_id == model.id)
    )
    for sha256, plot, element in rows:
        found.setdefault(sha256, []).append((plot, element))
    return found


def _take(session: Session, who: Actor, plot: str, element: int, one: Answer) -> int:
    """Make a label and a response of an answer; give how many images changed their label."""
    new = NewLabel(
        plot=plot,
        sha256=one.sha256,
        label=one.label,
        user=who.user,
        comment=one.comment,
        source="report",
    )
    changed = add_label(session, new)
    session.add(
        TrainingReportResponse(
            element_id=element,
            user_name=who.user[:100],
            responded_at=time.time(),
            response=f"{one.label}: {one.comment}" if one.comment else one.label,
        )
    )
    return changed
