"""The newest images of a plot that is judged over time."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Model
from db.operation import RunHistory
from pipeline.alarm import Severity, Status
from pipeline.keeper.catalogue import likeness_on_record
from pipeline.keeper.judge import REASON_LIMIT, Reading, Verdict, beam_is_on
from pipeline.keeper.shown import Shown, thresholds_of, verdict_of
from pipeline.keeper.steadiness import Course, Seen, run_through, tell
from pipeline.messages import PlotEntry

WINDOW: Final = 200
"""Images that are looked back on; a restart reads as many."""


class Track:
    """Remembers images and says what follows from all of them."""

    def __init__(self, images: Iterable[Shown] = ()) -> None:
        """Begin.

        Args:
            images: Oldest first.
        """
        self._images: deque[Shown] = deque(maxlen=WINDOW)
        self._entry: PlotEntry | None = None
        self._course = Course()
        for image in images:
            self.add(image)

    def add(self, image: Shown) -> None:
        """Take an image; one of a past run, or older than the newest, is passed over."""
        if image.reading.offline or (self._images and image.order < self._images[-1].order):
            return
        light = replace(image, picture=b"", heat=b"")
        if self._images and image.order == self._images[-1].order:
            self._images.pop()
        self._images.append(light)
        self._entry = None

    def verdict(self, entry: PlotEntry, now: float, beam_on: bool | None) -> Verdict | None:
        """Judge the newest image in the light of those before; None without images.

        Args:
            entry: The plot with its rules, palette and thresholds of now.
            now: Seconds since the epoch.
            beam_on: Whether there is beam now; None when unknown.
        """
        if self._entry is not entry:
            cut = len(self._images) == WINDOW
            seen = [_seen(entry, image) for image in self._images]
            self._course = run_through(entry.steadiness, entry, seen, cut=cut)
            self._entry = entry
        verdict = tell(entry.steadiness, self._course, now)
        if verdict is None or beam_on is not False:
            return verdict
        if verdict.severity in (Severity.NO_ALARM, Severity.INVALID):
            return verdict
        reason = f"no beam: {verdict.reason}"[:REASON_LIMIT]
        return replace(verdict, severity=Severity.NO_ALARM, status=Status.NO_ALARM, reason=reason)


def _seen(entry: PlotEntry, image: Shown) -> Seen:
    return Seen(
        at=image.image_time,
        verdict=verdict_of(entry, image, None),
        weights=image.reading.weights,
        thresholds=thresholds_of(entry, image),
        beam_on=image.reading.beam_on,
    )


def past_images(session: Session, plot_type_id: int, beam_threshold: float) -> list[Shown]:
    """Read the newest images of a plot as they went on show, oldest first.

    Args:
        session: A session that may read.
        plot_type_id: The plot.
        beam_threshold: Below it there is no beam; unit of the beam PV.
    """
    rows = session.execute(
        select(RunHistory, Model.digest)
        .outerjoin(Model, RunHistory.model_id == Model.id)
        .where(
            RunHistory.plot_type_id == plot_type_id,
            RunHistory.late.is_(False),
            RunHistory.offline.is_(False),
        )
        .order_by(RunHistory.image_time.desc(), RunHistory.id.desc())
        .limit(WINDOW)
    ).all()
    return [_shown(row, digest or "", beam_threshold) for row, digest in reversed(rows)]


def _shown(row: RunHistory, digest: str, beam_threshold: float) -> Shown:
    return Shown(
        reading=Reading(
            weights=row.output,
            error=row.error,
            beam_on=beam_is_on(row.beam_current, beam_threshold),
            run=row.run,
            chunk=row.chunk,
            likeness=likeness_on_record(row),
            novelty=row.novelty,
            value=row.value,
        ),
        thresholds=row.thresholds,
        period=row.period,
        image_time=row.image_time,
        closed_time=row.image_time,
        model=digest,
        beam_current=row.beam_current,
        history_id=row.id,
    )
