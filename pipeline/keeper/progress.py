"""Looks now and then at how the models do; asks for trainings, never makes one active."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from db.performance import RetrainRequest, TrailingAccuracy
from db.performance_queries import Facts, judged_plots, read_facts, store_day
from db.retrain_queries import close_trained, open_request, open_requests
from pipeline.alarm import Severity
from pipeline.config import Loop
from pipeline.errors import StoreError, StoreUnavailable
from pipeline.keeper.core import Core
from pipeline.keeper.refusals import refuse
from pipeline.keeper.trends import (
    Accuracy,
    Drift,
    accuracy_of,
    causes,
    drift_of,
    told,
    unconfirmed_rate,
    wilson,
)
from pipeline.messages import Performance

logger = logging.getLogger(__name__)

FIRST_S: Final = 2.0
"""Nothing is looked at in the first moments, when all plots are shown again."""
DAY_S: Final = 86_400.0
ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a plot found."""

    performance: Performance
    accuracy: Accuracy


class Progress:
    """Looks at one plot after the other, so that none of them holds the record long."""

    def __init__(self, core: Core) -> None:
        """Begin."""
        self._core = core
        self._looks: dict[str, Look] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        await asyncio.sleep(FIRST_S)
        while True:
            began = time.monotonic()
            # A store that is away shows itself: in the heartbeat and on every plot.
            with contextlib.suppress(StoreUnavailable):
                await self._round()
            rest = self._core.config.loop.period_s - (time.monotonic() - began)
            await asyncio.sleep(max(rest, 0.1))

    async def _round(self) -> None:
        core, rules = self._core, self._core.config.loop
        plots = await core.store.read(judged_plots)
        for gone in core.performances.keys() - plots.keys() - {ALL}:
            del core.performances[gone]
        self._looks = {name: look for name, look in self._looks.items() if name in plots}
        pause = rules.period_s / (2 * len(plots) + 1)
        for name, key in plots.items():
            try:
                look = await core.store.write(_looking(key, rules))
            except StoreUnavailable:
                raise
            except StoreError as error:
                refuse(core.pulse, "Performance", f"plot {name}: {error}")
                core.fault(f"performance of {name}: {error}")
                continue
            if look is not None:
                self._looks[name] = look
                await self._tell(look.performance)
            await asyncio.sleep(pause)
        await self._tell(overall(list(self._looks.values()), rules, time.time()))

    async def _tell(self, performance: Performance) -> None:
        self._core.performances[performance.plot] = performance
        await self._core.publisher.tell(performance)


def look_at(session: Session, plot_type_id: int, rules: Loop, now: float) -> Look | None:
    """Look at one plot, put the day on record, open and close requests.

    Args:
        session: A session of a transaction that writes.
        plot_type_id: The plot.
        rules: The deployment's limits.
        now: Seconds since the epoch.

    Returns:
        None for a plot without a model.
    """
    since = now - rules.days * DAY_S
    facts = read_facts(session, plot_type_id, since=since, images=rules.images, newest=rules.newest)
    if facts is None:
        return None
    accuracy, drift = accuracy_of(facts.sample, rules.coverage), drift_of(facts)
    store_day(session, _day(facts, accuracy, drift, now))
    close_trained(session, plot_type_id, facts.since)
    for cause, reason in causes(facts, accuracy, drift, rules):
        if open_request(session, plot_type_id, cause, reason, facts.since):
            logger.info(
                "stage=Keeper event=retrain plot=%s cause=%s reason='%s'",
                facts.plot,
                cause,
                reason,
            )
    wishes = open_requests(session, plot_type_id)
    return Look(
        _performance(facts, accuracy=accuracy, drift=drift, wishes=wishes, rules=rules, now=now),
        accuracy,
    )


def _day(facts: Facts, accuracy: Accuracy, drift: Drift, now: float) -> TrailingAccuracy:
    return TrailingAccuracy(
        plot_type_id=facts.plot_type_id,
        day=time.strftime("%Y-%m-%d", time.gmtime(now)),
        made_at=now,
        sampled=accuracy.sampled,
        labelled=accuracy.labelled,
        correct=accuracy.correct,
        low=accuracy.low,
        high=accuracy.high,
        unconfirmed=unconfirmed_rate(facts.confirmed),
        drift=drift.value,
    )


def _performance(
    facts: Facts,
    *,
    accuracy: Accuracy,
    drift: Drift,
    wishes: Sequence[RetrainRequest],
    rules: Loop,
    now: float,
) -> Performance:
    drifts = drift.value is not None and drift.value > rules.drift
    return Performance(
        plot=facts.plot,
        made_at=now,
        known=accuracy.known,
        accuracy=accuracy.value,
        low=accuracy.low,
        high=accuracy.high,
        coverage=accuracy.coverage,
        count=accuracy.labelled,
        reason=_reason(accuracy, rules),
        severity=_severity(accuracy, rules),
        drift=drift.value,
        drift_reason=drift.reason,
        drift_severity=Severity.MINOR if drifts else Severity.NO_ALARM,
        retrain=len(wishes),
        retrain_reason="; ".join(f"{wish.cause}: {wish.reason}" for wish in wishes)[:4000],
    )


def _looking(key: int, rules: Loop) -> Callable[[Session], Look | None]:
    return lambda session: look_at(session, key, rules, time.time())


def overall(looks: list[Look], rules: Loop, now: float) -> Performance:
    """Count all plots together.

    Args:
        looks: One a plot.
        rules: The deployment's limits.
        now: Seconds since the epoch.
    """
    sampled = sum(look.accuracy.sampled for look in looks)
    labelled = sum(look.accuracy.labelled for look in looks)
    correct = sum(look.accuracy.correct for look in looks)
    low, high = wilson(correct, labelled)
    known = bool(labelled) and labelled >= rules.coverage * sampled
    accuracy = Accuracy(sampled, labelled, correct, low, high, known)
    return Performance(
        plot=ALL,
        made_at=now,
        known=known,
        accuracy=accuracy.value,
        low=low,
        high=high,
        coverage=accuracy.coverage,
        count=labelled,
        reason=_reason(accuracy, rules),
        severity=_severity(accuracy, rules),
        retrain=sum(look.performance.retrain for look in looks),
    )


def _severity(accuracy: Accuracy, rules: Loop) -> Severity:
    if not accuracy.known:
        return Severity.INVALID
    return Severity.MINOR if accuracy.high < rules.accuracy else Severity.NO_ALARM


def _reason(accuracy: Accuracy, rules: Loop) -> str:
    if accuracy.known:
        return told(accuracy)
    if not accuracy.sampled:
        return "unknown: no image of the unbiased sample"
    return (
        f"unknown: {accuracy.labelled} of {accuracy.sampled} sampled images are labelled,"
        f" {rules.coverage:.0%} are needed"
    )
