"""A whole plot type, drawn at random, and its images."""

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from pipeline.errors import CommandError
from simulation.drawing import Pixels
from simulation.zoo import breeds, words
from simulation.zoo.dice import Dice, Moment, Trouble
from simulation.zoo.drawn import GRID, HARMLESS, HEIGHT, WIDTH, Drawn, Mask
from simulation.zoo.layout import Layout, layout
from simulation.zoo.look import Look, look
from simulation.zoo.reading import Pad, Reading
from simulation.zoo.text import write

SALT: Final = 0x5A00
"""Keeps the species apart from other random streams of the same seed."""
SURE: Final = 7.0
"""A fault must change the expectation by so many standard deviations."""
SEEN: Final = 5.0
"""A fault must change its region by so many pixels from black to white (or more of less)."""
PLAIN: Final = 40
"""Some pixel of the region must change by so many of 255 steps."""
TRIES: Final = 5


@dataclass(slots=True)
class Species:
    """One invented plot type."""

    seed: int
    kind: str
    """Kind of its first pad."""
    pads: tuple[Pad, ...]
    look: Look
    """Sizes already fit the number of pads."""
    layout: Layout
    runs: tuple[int, int]
    """Run numbers that its images come from."""
    statistics: float
    """How much the number of events differs from image to image: standard deviation of its
    logarithm."""
    period: float
    """Runs after which the slow trend comes back."""
    title: str
    run_style: int
    moment_style: int
    _ground: Pixels | None = field(default=None, repr=False)

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that make sense here, without those that are none."""
        own = {fault for pad in self.pads for fault in pad.faults}
        return (*sorted(own), *(("missing-pad",) if len(self.pads) > 1 else ()))

    def draw(self, seed: int, fault: str | None = None, strength: float | None = None) -> Drawn:
        """Draw one image.

        Args:
            seed: Same seed, same bytes; the data of an image does not depend on its fault.
            fault: One of ``faults`` or of ``HARMLESS``; none is a good image.
            strength: 0 (hardly to be seen) to 1 (obvious); chosen if not given.

        Returns:
            The image and its truth. A fault that could not be seen even when it was made
            stronger is not there: the image is then good and says so.

        Raises:
            CommandError: The fault makes no sense for this species.
        """
        fault = fault or "none"
        if fault not in HARMLESS and fault not in self.faults:
            expected = ", ".join((*HARMLESS, *self.faults))
            raise CommandError(f"expected a fault of {expected}; received {fault!r}")
        moment = self._moment(seed, fault)
        good = self._read(moment, seed)
        image = self._paint(moment, good)
        if fault in HARMLESS:
            return Drawn(image, fault, np.zeros(GRID, bool), moment.run)
        rng = np.random.default_rng((SALT, self.seed, seed, 2))
        power = float(rng.random()) if strength is None else strength
        for attempt in range(TRIES):
            stronger = power + (1.0 - power) * attempt / (TRIES - 1)
            found = self._spoil(moment, seed, Trouble(fault, stronger, rng), good, image)
            if found is not None:
                return found
        return Drawn(image, "none", np.zeros(GRID, bool), moment.run)

    def good(self, count: int, seed: int = 0) -> Pixels:
        """Draw reference images: good ones, of different runs.

        Args:
            count: How many.
            seed: Same seed, same images.

        Returns:
            uint8, (count, 240, 320, 3), RGB.
        """
        seeds = np.random.default_rng((SALT, self.seed, seed, 3)).integers(0, 2**31, count)
        images = [self.draw(int(one)).image for one in seeds]
        return np.stack(images) if images else np.zeros((0, HEIGHT, WIDTH, 3), np.uint8)

    def _moment(self, seed: int, fault: str) -> Moment:
        rng = np.random.default_rng((SALT, self.seed, seed, 0))
        run = int(rng.integers(*self.runs))
        statistics = float(np.exp(np.clip(self.statistics * rng.standard_normal(), -1.6, 1.6)))
        slow = np.sin(2 * np.pi * (run - self.runs[0]) / self.period)
        trend = float(np.clip(0.7 * slow + 0.3 * rng.standard_normal(), -1.0, 1.0))
        wobble = float(rng.standard_normal())
        seconds = 1.4e9 + 3600.0 * (run - self.runs[0]) + float(rng.random() * 3000)
        less, more = rng.uniform(0.08, 0.3), rng.uniform(1.2, 2.0)
        if fault == "low-statistics":
            statistics *= less
        zoom = float(more) if fault == "axis-range" else 1.0
        return Moment(run, statistics, trend, wobble, seconds, zoom)

    def _read(self, moment: Moment, seed: int) -> list[Reading]:
        return [self._one(moment, seed, index, None) for index in range(len(self.pads))]

    def _one(self, moment: Moment, seed: int, index: int, trouble: Trouble | None) -> Reading:
        dice = Dice(SALT, self.seed, seed, 1, index)
        return self.pads[index].read(moment, dice, trouble)

    def _spoil(
        self, moment: Moment, seed: int, trouble: Trouble, good: list[Reading], twin: Pixels
    ) -> Drawn | None:
        """Draw the image with a fault; nothing if the fault cannot be seen."""
        rng = trouble.rng
        able = [
            index
            for index, pad in enumerate(self.pads)
            if trouble.fault == "missing-pad" or trouble.fault in pad.faults
        ]
        count = 1 if rng.random() < 0.75 else int(rng.integers(1, len(able) + 1))
        chosen = sorted(rng.choice(able, count, replace=False).tolist())
        readings = list(good)
        mask = np.zeros((2 * HEIGHT, 2 * WIDTH), bool)
        missing: list[int] = []
        best = 0.0
        for index in chosen:
            box = self.layout.boxes[index]
            area = mask[box.top : box.bottom, box.left : box.right]
            if trouble.fault == "missing-pad":
                missing.append(index)
                best = np.inf
                area[:] = True
                continue
            bad = self._one(moment, seed, index, trouble)
            readings[index] = bad
            sure = self.pads[index].significance(good[index], bad)
            if trouble.fault == "empty":
                sure = np.inf
                area[:] = True
            elif sure >= SURE:
                area |= self.pads[index].place(box, self.look, good[index], bad)
            best = max(best, sure)
        if best < SURE:
            return None
        image = self._paint(moment, readings, missing)
        region = cells(mask)
        contrast = seen(twin, image, region)
        if contrast < SEEN:
            return None
        return Drawn(image, trouble.fault, region, moment.run, contrast)

    def _paint(
        self, moment: Moment, readings: list[Reading], missing: list[int] | None = None
    ) -> Pixels:
        if self._ground is None:
            self._ground = self._prepare(())
        lost = tuple(missing or ())
        canvas = self._prepare(lost) if lost else self._ground.copy()
        for index, (pad, reading) in enumerate(zip(self.pads, readings, strict=True)):
            if index not in lost:
                pad.paint(canvas, self.layout.boxes[index], self.look, reading, moment.zoom)
        self._head(canvas, moment)
        small = cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        if self.look.quality:
            options = (cv2.IMWRITE_JPEG_QUALITY, self.look.quality)
            small = cv2.imdecode(cv2.imencode(".jpg", small, options)[1], cv2.IMREAD_COLOR)
        return np.asarray(small, np.uint8)

    def _prepare(self, missing: tuple[int, ...]) -> Pixels:
        canvas: Pixels = np.empty((2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
        canvas[:] = self.look.ground
        for index, pad in enumerate(self.pads):
            if index not in missing:
                pad.prepare(canvas, self.layout.boxes[index], self.look)
        return canvas

    def _head(self, canvas: Pixels, moment: Moment) -> None:
        """Write title, run number and time where this species has them."""
        size, at = self.layout.title, self.look.title_at
        text = f"{self.title} {words.run_text(self.run_style, moment.run)}".strip()
        x = 10.0 if at == 0.0 else WIDTH
        font, ink = self.look.font, self.look.ink
        write(canvas, text, x, size * 0.8, font=font, size=size, colour=ink, align=at)
        stamp = words.moment_text(self.moment_style, moment.seconds)
        if stamp:
            small = max(10, size // 2)
            below = self.run_style % 2 == 0
            x, y = (6.0, 2 * HEIGHT - small * 0.7) if below else (2.0 * WIDTH - 6, small * 0.7)
            side = 0.0 if below else 1.0
            write(canvas, stamp, x, y, font=font, size=small, colour=ink, align=side)


def cells(mask: Mask) -> Mask:
    """Reduce a mask of the canvas, (480, 640), to the map of an image, (30, 40)."""
    share = cv2.resize(mask.view(np.uint8) * 255, GRID[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0)


def seen(good: Pixels, bad: Pixels, region: Mask) -> float:
    """Measure how much a fault changes the pixels of its region.

    Args:
        good: The image without the fault, uint8 (240, 320, 3).
        bad: The image with it.
        region: bool, (30, 40).

    Returns:
        Sum of the changes in units of black to white; 0 if no pixel changes plainly.
    """
    red, green, blue = cv2.split(cv2.absdiff(good, bad))
    gap = cv2.max(red, cv2.max(green, blue))
    side = HEIGHT // GRID[0]
    blocks = gap.reshape(GRID[0], side, GRID[1], side).transpose(0, 2, 1, 3)[region]
    if not blocks.size or int(blocks.max()) < PLAIN:
        return 0.0
    return float(blocks.sum()) / 255.0


def species(seed: int) -> Species:
    """Draw a whole new plot type at random.

    Args:
        seed: Same seed, same species.
    """
    rng = np.random.default_rng((SALT, seed))
    kind = breeds.kind(rng)
    count = 1 if rng.random() < 0.6 else int(rng.choice([2, 2, 3, 4, 4, 6, 6, 8, 9, 12]))
    pads = _pads(rng, kind, count)
    titled = count > 1 or rng.random() < 0.5
    if count == 1 and titled and rng.random() < 0.7:
        pads = (pads[0].untitled(),)
    manner = look(rng)
    place, manner = layout(rng, manner, count, any(pad.coloured for pad in pads))
    first = round(float(10 ** rng.uniform(2, 5.9)))
    length = round(first * rng.uniform(0.05, 0.5)) + 300
    return Species(
        seed=seed,
        kind=kind,
        pads=pads,
        look=manner,
        layout=place,
        runs=(first, first + length),
        statistics=float(rng.choice([0.1, 0.25, 0.5, 0.8])),
        period=length / rng.uniform(0.5, 5.0),
        title=words.title(rng, kind) if titled else "",
        run_style=int(rng.integers(8)),
        moment_style=int(rng.integers(6)),
    )


def _pads(rng: np.random.Generator, kind: str, count: int) -> tuple[Pad, ...]:
    """Draw the pads: all of one kind and much alike, or mixed."""
    if count == 1:
        return (breeds.pad(rng, kind),)
    mixed = rng.random() < 0.3
    if mixed:
        return tuple(breeds.pad(rng, kind if i == 0 else breeds.kind(rng)) for i in range(count))
    if rng.random() < 0.6:
        first = breeds.pad(rng, kind)
        return tuple(first.renamed(str(i + 1)) for i in range(count))
    return tuple(breeds.pad(rng, kind) for _ in range(count))
