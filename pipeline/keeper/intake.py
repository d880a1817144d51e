"""From a report to what is to be recorded: checked, judged, nothing written yet."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from db.shadow_queries import NewShadowVerdict
from pipeline.config import Config
from pipeline.errors import MessageError
from pipeline.keeper.board import Board
from pipeline.keeper.compact import compact
from pipeline.keeper.heat import heat_map
from pipeline.keeper.judge import UNKNOWN, Reading, Verdict, needs_a_look
from pipeline.keeper.likeness import likeness_of
from pipeline.keeper.regression import OUT_OF_RANGE
from pipeline.keeper.sampling import is_chosen
from pipeline.keeper.shadow import disagrees, shadow_of
from pipeline.keeper.shown import Shown, verdict_of
from pipeline.messages import Order, PlotEntry, PlotState, Report

FLOAT_BYTES: Final = 4
INTEGER_LIMIT: Final = 2**31 - 1
"""Largest run and chunk number that every database takes as INTEGER."""
PERIOD_LIMIT: Final = 100
"""Longest run period, the width of its column."""
DISPUTED: Final = 500
"""Images kept of one shadow because it gave them another label: enough to judge it by."""
Frames = Sequence[bytes | memoryview]
Key = tuple[int, int, int, str, str]
"""Plot type, run, chunk, period and sha256: one image."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image, ready to be recorded."""

    order: Order
    entry: PlotEntry
    image: Shown
    """Without count and file: these come with the record."""
    verdict: Verdict
    unbiased: bool
    """Chosen at random, before the verdict."""
    keep: bool
    kept_for: str
    """``sample``, ``look`` or ``shadow``; empty where it is not kept."""
    logged: bool
    """Somebody should look at it: a row of the monitoring log."""
    late: bool
    shows: bool
    """Whether it goes on show; never moves a plot backwards in time."""
    known: bool
    """A plot without model shows this very image already."""
    previous: PlotState | None
    """What the plot publishes now."""
    replaces: Shown | None
    """What is on show now, and on record."""
    masks: tuple[int, ...] = ()
    """Ids of the masks it was judged with."""
    shadow: NewShadowVerdict | None = None
    """What the shadow said of it."""
    embedding: bytes = b""
    """float16; empty where the model gave none."""

    @property
    def key(self) -> Key:
        """What identifies the image in the record."""
        order = self.order
        return self.entry.plot_type_id, order.run, order.chunk, order.period, order.sha256


def check(report: Report, frames: Frames) -> None:
    """Refuse a report whose parts do not fit each other.

    Raises:
        MessageError: Says what was expected and what came.
    """
    order = report.order
    for name in ("image_time", "closed_time"):
        if not math.isfinite(getattr(order, name)):
            raise MessageError(f"expected a time for {name}, received {getattr(order, name)}")
    expected = math.prod(report.map_shape) * FLOAT_BYTES
    if min(report.map_shape) < 0 or len(frames[0]) not in (0, expected):
        raise MessageError(
            f"expected maps of {expected} bytes for shape {report.map_shape},"
            f" received {len(frames[0])}"
        )
    if len(frames[0]) and report.map_shape[0] != len(report.labels):
        raise MessageError(
            f"expected one map a label, received {report.map_shape[0]} for {len(report.labels)}"
        )


def never_recordable(order: Order, entries: Mapping[str, PlotEntry]) -> str:
    """Say why an image can never be recorded; empty when it can."""
    if order.plot.name not in entries:
        return f"there is no plot {order.plot.name} in the catalogue"
    if max(order.run, order.chunk) > INTEGER_LIMIT:
        return f"run {order.run} and chunk {order.chunk} must not exceed {INTEGER_LIMIT}"
    if len(order.period) > PERIOD_LIMIT:
        return f"a run period of {len(order.period)} characters; {PERIOD_LIMIT} fit"
    return ""


class Intake:
    """Makes items of reports, against what the board shows."""

    def __init__(self, config: Config, board: Board, collect: Mapping[str, float | None]) -> None:
        """Begin.

        Args:
            config: The deployment.
            board: What is on show.
            collect: Share of images to keep by plot name; None takes the
                deployment's. Changed from outside when the catalogue changes.
        """
        self._config = config
        self._board = board
        self._collect = collect

    def items(self, batch: Sequence[tuple[Report, Frames]], now: float) -> list[Item]:
        """Judge reports in the order they came.

        Args:
            batch: Reports that passed ``check`` and ``never_recordable``.
            now: Seconds since the epoch.

        Returns:
            One item each; an image goes on show when it is newer than what is
            on show and than all before it in the batch.
        """
        newest = dict(self._board.shown)
        items = []
        for report, frames in batch:
            item = self._item(report, frames, newest.get(report.order.plot.name), now)
            if item.shows:
                newest[item.entry.name] = item.image
            items.append(item)
        return items

    def _item(self, report: Report, frames: Frames, newest: Shown | None, now: float) -> Item:
        order = report.order
        entry = self._board.entries[order.plot.name]
        fraction = self._collect.get(entry.name)
        if fraction is None:
            fraction = self._config.keeper.collect_fraction
        unbiased = is_chosen(order.sha256, entry.name, self._config.deployment, fraction)
        image = self._image(report, frames, entry, now)
        verdict = verdict_of(entry, image, self._board.beam_on)
        look = needs_a_look(entry, verdict)
        shadow = shadow_of(report, entry, image.reading) if report.companions else None
        kept_for = "sample" if unbiased else "look" if look else self._of_shadow(entry, shadow)
        known = newest is not None and not image.reading.judged and _same(image, newest)
        late = newest is not None and image.order < newest.order
        return Item(
            order=order,
            entry=entry,
            image=_heated(image, entry, verdict, report, frames[0]),
            verdict=verdict,
            unbiased=unbiased,
            keep=bool(kept_for),
            kept_for=kept_for,
            logged=look
            and not image.reading.error
            and (verdict.label in image.reading.weights or verdict.label in (UNKNOWN, OUT_OF_RANGE))
            and image.reading.beam_on is not False
            and not entry.ignored,
            late=late,
            shows=not known and _goes_on_show(image, newest, late=late),
            known=known,
            previous=self._board.states.get(entry.name),
            replaces=self._board.shown.get(entry.name),
            masks=report.masks,
            shadow=shadow,
            embedding=compact(frames[1]),
        )

    def _of_shadow(self, entry: PlotEntry, said: NewShadowVerdict | None) -> str:
        """Tell whether an image is kept because the shadow gives it another label."""
        if said is None or not disagrees(said):
            return ""
        on_show = self._board.shown.get(entry.name)
        before = on_show.shadow if on_show is not None else None
        many = before is not None and before.model == said.digest and before.disagreed >= DISPUTED
        return "" if many else "shadow"

    def _image(self, report: Report, frames: Frames, entry: PlotEntry, now: float) -> Shown:
        order, model = report.order, report.order.plot.model
        current = entry.model
        likeness = likeness_of(report, entry)
        same = model is not None and current is not None and model.digest == current.digest
        return Shown(
            reading=Reading(
                weights=dict(zip(report.labels, report.probabilities, strict=False)),
                judged=model is not None or likeness is not None,
                error=_error(report),
                offline=order.offline,
                beam_on=None if order.offline else self._board.beam_on,
                run=order.run,
                chunk=order.chunk,
                masks=tuple(m.name for m in order.plot.masks if m.mask_id in report.masks),
                likeness=likeness,
                novelty=report.novelty,
                value=report.value,
            ),
            thresholds=entry.thresholds if same else order.plot.thresholds,
            period=order.period,
            # A clock that is ahead must not keep all later images from the screen.
            image_time=min(order.image_time, now),
            closed_time=order.closed_time,
            model=model.digest if model else "",
            beam_current=None if order.offline else self._board.beam_current,
            picture=bytes(frames[2]),
        )


def _error(report: Report) -> str:
    if report.order.plot.model is None or report.error:
        return report.error
    labels, weights = report.labels, report.probabilities
    if report.value is not None:
        return "" if math.isfinite(report.value) else "the model gave no number"
    if len(labels) != len(weights):
        return f"{len(weights)} weights for {len(labels)} labels"
    return "the same label twice" if len(set(labels)) != len(labels) else ""


def _heated(
    image: Shown, entry: PlotEntry, verdict: Verdict, report: Report, maps: bytes | memoryview
) -> Shown:
    heat, shape = heat_map(entry, verdict.label, report.labels, maps, report.map_shape)
    return replace(image, heat=heat, heat_shape=shape)


def _same(image: Shown, newest: Shown) -> bool:
    return (image.order, image.period) == (newest.order, newest.period)


def _goes_on_show(image: Shown, newest: Shown | None, *, late: bool) -> bool:
    """A past run never takes the place of a live image; a live one always takes its."""
    if newest is None:
        return True
    if image.reading.offline != newest.reading.offline:
        return newest.reading.offline
    return not late
