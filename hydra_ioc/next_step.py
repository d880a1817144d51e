"""What a model needs next, as the command to type."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.catalogue import PlotType
from db.models import ActiveModel, Model, TrainingReport
from db.signoff_queries import signatures
from db.signoffs import REVIEWED, STEPS
from hydra_ioc.installation import plots_of
from hydra_ioc.report_answers import open_elements
from pipeline.vision.card import REGRESSION


def next_of(session: Session, model: Model) -> str:
    """Say what is to be done with a model next.

    Args:
        session: A session that may read.
        model: A registered model.

    Returns:
        One sentence with the command, or that there is nothing left to do.
    """
    short = model.digest[:12]
    done = {one.step for one in signatures(session, model)}
    step = next((one for one in STEPS if one not in done), None)
    if step == REVIEWED and (first := _before_review(session, model)):
        return first
    if step is not None:
        return f"'hydra-ioc models sign {short} {step}'"
    waiting = [plot for plot in plots_of(session, model) if plot not in _judged(session, model)]
    if waiting:
        return " and ".join(f"'hydra-ioc plots model {plot} {short}'" for plot in waiting[:3])
    return "nothing, it is signed and judges; 'hydra-ioc models rollback PLOT' goes back"


def _before_review(session: Session, model: Model) -> str:
    """Say what the review waits for; empty when it can be signed."""
    short = model.digest[:12]
    if model.kind == REGRESSION:
        # It tells numbers, which are not right or wrong: no report shows its mistakes.
        return (
            f"'hydra-ioc models sign {short} {REVIEWED} --why HOW': how its numbers were looked at"
        )
    page = session.scalars(
        select(TrainingReport.body).where(TrainingReport.model_id == model.id)
    ).first()
    if page is None:
        return (
            f"'hydra-ioc models report {short}', or where it can have none"
            f" 'hydra-ioc models sign {short} {REVIEWED} --why HOW'"
        )
    if count := open_elements(session, model):
        return (
            f"open {page} in a browser, answer {count} images, save, and"
            f" 'hydra-ioc models answer answers-{short}.json'"
        )
    return ""


def _judged(session: Session, model: Model) -> set[str]:
    """Give the plots that a model judges for good."""
    return set(
        session.scalars(
            select(PlotType.name)
            .join(ActiveModel, ActiveModel.plot_type_id == PlotType.id)
            .where(ActiveModel.model_id == model.id, ActiveModel.probation.is_(False))
        )
    )
