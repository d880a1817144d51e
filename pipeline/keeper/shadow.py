"""What a plot's shadow says of an image: judged apart, recorded with it, never an alarm."""

from collections.abc import Mapping

from msgspec import structs
from sqlalchemy.orm import Session

from db.shadow_queries import NewShadowVerdict, note_shadows, shadow_digests, shadow_verdicts
from pipeline.keeper.judge import NOTHING, Reading, judge
from pipeline.messages import Companion, CompanionResult, PlotEntry, Report, ShadowState

SHADOW = "shadow"


def shadow_of(report: Report, entry: PlotEntry, reading: Reading) -> NewShadowVerdict | None:
    """Judge what the shadow said of an image by its own thresholds.

    Both models are compared by their weights alone: references, doubt and novelty
    belong to the verdict, not to the model.

    Args:
        report: From Predict; what does not fit becomes an error in words.
        entry: The plot as the catalogue has it now.
        reading: What is known of the image, with the weights of the model that judges.

    Returns:
        None where no shadow saw the image, or nothing judges the plot.
    """
    active = report.order.plot.model
    result = next((one for one in report.companions if one.role == SHADOW), None)
    known = [*entry.companions, *report.order.plot.companions]
    shadow = next((one for one in known if result is not None and _is_of(one, result)), None)
    if active is None or result is None or shadow is None:
        return None
    bare = structs.replace(entry, model=None, similarity=None, unknown_below=0.0, novel_below=0.0)
    mine = Reading(
        weights=dict(zip(result.labels, result.probabilities, strict=False)),
        error=_error(result),
        run=reading.run,
        chunk=reading.chunk,
    )
    verdict = judge(bare, shadow.thresholds, mine, None)
    failed = verdict.label == NOTHING
    other = judge(bare, {}, Reading(weights=reading.weights, error=reading.error), None).label
    return NewShadowVerdict(
        plot_type_id=entry.plot_type_id,
        term_id=shadow.term_id,
        digest=shadow.model.digest,
        active_model_id=active.model_id,
        active_label="" if other == NOTHING else other,
        label="" if failed else verdict.label,
        confidence=verdict.confidence,
        confirmed=verdict.confirmed,
        output={} if failed else mine.weights,
        thresholds=shadow.thresholds,
        error=(mine.error or verdict.reason) if failed else "",
    )


def disagrees(said: NewShadowVerdict) -> bool:
    """Tell whether both models gave a label, and not the same."""
    return bool(said.label and said.active_label) and said.label != said.active_label


def enter_shadows(session: Session, said: Mapping[int, NewShadowVerdict]) -> dict[int, ShadowState]:
    """Put what shadows said on record.

    Args:
        session: The session of the images' own transaction.
        said: By row of the history, in the order of the images.

    Returns:
        What their plots show of it, by row of the history.
    """
    return {
        key: ShadowState(
            model=said[key].digest,
            label=said[key].label,
            confidence=said[key].confidence,
            confirmed=said[key].confirmed,
            compared=compared,
            disagreed=disagreed,
            error=said[key].error[:4000],
        )
        for key, (compared, disagreed) in note_shadows(session, said).items()
    }


def shadows_on_record(session: Session, history: list[int]) -> dict[int, ShadowState]:
    """Give what shadows said of images, by row of the history, as a restart shows it."""
    rows = shadow_verdicts(session, history)
    digests = shadow_digests(session, {row.term_id for row in rows.values()})
    return {
        key: ShadowState(
            model=digests[row.term_id],
            label=row.label,
            confidence=row.confidence,
            confirmed=row.confirmed,
            compared=row.compared,
            disagreed=row.disagreed,
            error=row.error[:4000],
        )
        for key, row in rows.items()
    }


def shown_shadow(entry: PlotEntry, said: ShadowState | None) -> ShadowState | None:
    """Give what a plot shows of a shadow: nothing of one that is no longer its shadow."""
    present = {one.model.digest for one in entry.companions if one.role == SHADOW}
    return said if said is not None and said.model in present else None


def _is_of(companion: Companion, result: CompanionResult) -> bool:
    return companion.role == SHADOW and companion.model.digest == result.digest


def _error(result: CompanionResult) -> str:
    if result.error:
        return result.error
    if len(result.labels) != len(result.probabilities):
        return f"{len(result.probabilities)} weights for {len(result.labels)} labels"
    return "the same label twice" if len(set(result.labels)) != len(result.labels) else ""
