"""Heat where an image departs from the normal, also after a change of scale.

Adds nodes to the map branch of an ONNX graph; probabilities and embedding stay as they
are. Needs the training extra (onnx).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from pipeline.vision.histograms import PARTS, SAMPLE
from pipeline.vision.nodes import Nodes
from pipeline.vision.recolouring import Recolouring

MARK: Final = "focus_"
"""Prefix of all names."""
FLOOR: Final = 0.003
"""Weight, of the hottest, of a departure where the net sees nothing."""
SEEN: Final = 0.2
"""What the net sees, in shares of the most, from which a departure counts fully: a net needs
to look at a part of a loss only, and all of it is to be shown."""
FULL: Final = 3.5
"""Departure beyond the allowance, in allowances, that counts fully."""
GONE: Final = 25.0
"""Grey levels from the paper below which a colour has become paper."""
RESCALED: Final = (80.0, 90.0)
"""Mean change of the colours of a map, in grey levels, from which its scale is another, and
from which it is so beyond doubt.

Source:
    Measured on 21 simulated plot types, shipped and few-shot models: at most 52 for Good images
    and losses, but 129 for losses on the type with the smallest panels; at least 97 for hot
    channels and light leaks.
"""
SHRUNK: Final = (0.15, 0.25)
"""The same for what the bars of a histogram were multiplied by, less one.

Source:
    Likewise: at most 0.11 for Good images, 0.26 where the highest bar was lost, and at least
    0.69 for hot channels and light leaks.
"""
LOST: Final = 0.025
"""Share of its height below which a bar is lost: it says nothing of the axis."""
FOLLOWING: Final = 6
"""Of ``SAMPLE`` bars, the place from the highest of the one that tells the axis: the median,
and a little lower, as one hot bar of two makes the other shrink and not itself grow."""
APART: Final = (20.0, 100.0)
"""Grey levels from what it should have become at which a pixel begins to be hot, and is."""


class Focus:
    """The nodes and constants that turn class activation maps into the final maps."""

    def __init__(self, known: Recolouring, cells: tuple[int, int]) -> None:
        """Prepare.

        Args:
            known: Of the plot type.
            cells: Rows and columns of the maps; they divide the sides of its pictures.
        """
        self._known, self._cells = known, cells
        self._write = Nodes(MARK)

    @property
    def nodes(self) -> list[Any]:
        """What is done with each image."""
        return self._write.nodes

    @property
    def prepared(self) -> list[Any]:
        """What the runtime does once, when it loads the graph."""
        return self._write.prepared

    @property
    def constants(self) -> list[Any]:
        """Of the graph."""
        return self._write.constants

    def add(self, colours: str, activation: str, maps: str) -> None:
        """Write the nodes.

        Args:
            colours: Tensor (N, 3, 2 h, 2 w): red, green and blue in grey levels.
            activation: Tensor (N, C, rows, columns): class activation maps, at least 0.
            maps: Name of the result, of the same shape.
        """
        write = self._write
        small = write.node("AveragePool", colours, kernel_shape=[2, 2], strides=[2, 2])
        pixels = write.node("Reshape", small, write.whole("flat", [0, 3, -1]))
        mean = write.small("mean", self._known.mean.reshape(-1, 3).T[None])
        heat, seen = self._departing(pixels, mean), self._seen(activation)
        parts = []
        if len(self._known.samples):
            parts.append(self._recoloured(pixels, mean))
        if len(self._known.histograms.rows):
            parts.append(self._stretched(pixels))
        if not parts:
            write.node("Mul", self._pooled(heat), seen, output=maps)
            return
        apart, rescaled = parts[0] if len(parts) == 1 else self._either(*parts)
        calm = write.node("Sub", heat, write.node("Mul", heat, rescaled))
        calm = write.node("Mul", self._pooled(calm), seen)
        hot = self._pooled(write.node("Mul", self._standing_out(apart), rescaled))
        write.node("Add", calm, hot, output=maps)

    def _departing(self, pixels: str, mean: str) -> str:
        """Tell how far pixels are from the normal, beyond their allowance: 0 to 1."""
        write = self._write
        most = self._largest(write.node("Sub", pixels, mean))
        allowance = write.small("allowance", self._known.allowance.reshape(1, -1))
        unit = write.once("Mul", "unit", allowance, write.real("full", FULL))
        level = write.node("Div", most, unit)
        level = write.node("Sub", level, write.real("allowed", 1.0 / FULL))
        level = write.node("Clip", level, write.real("none", 0.0), write.real("one", 1.0))
        return self._sharp(level)

    def _either(self, maps: tuple[str, str], bars: tuple[str, str]) -> tuple[str, str]:
        """Take histograms where there are any, maps where those are, and the most outside."""
        write, known = self._write, self._known
        bar = known.histograms.there.reshape(1, -1)
        outside = ~bar & (known.group == len(known.samples)).reshape(1, -1)
        is_bar = write.small("is_bar", bar, TensorProto.BOOL)
        is_outside = write.small("is_outside", outside, TensorProto.BOOL)
        apart = write.node("Where", is_bar, bars[0], maps[0])
        rescaled = write.node("Where", is_bar, bars[1], maps[1])
        most = write.node("Max", maps[1], bars[1])
        return apart, write.node("Where", is_outside, most, rescaled)

    def _recoloured(self, pixels: str, mean: str) -> tuple[str, str]:
        """Compare maps with what became of each usual colour.

        Gives how far pixels are from that, (N, h w) grey levels, and whether there is
        another scale, 0 to 1; outside of maps the most of any.
        """
        write, known = self._write, self._known
        expected, rescaled = self._spread(self._became(pixels), "group", known.group, [3, 1])
        share = write.small("share_255", known.share.reshape(1, 1, -1))
        share = write.once("Mul", "share", share, write.real("per_255", 1.0 / 255.0))
        stays = write.once("Sub", "stays", write.real("one", 1.0), share)
        stays = write.once("Mul", "staying", mean, stays)
        off = write.node(
            "Sub", write.node("Sub", pixels, stays), write.node("Mul", expected, share)
        )
        return self._largest(off), self._plane(rescaled)

    def _became(self, pixels: str) -> str:
        """Tell what became of each colour, and whether its map has another scale: (N, 4, G)."""
        write, known = self._write, self._known
        flat = known.mean.reshape(-1, 3).astype(np.float32)
        usual = write.real("usual", np.median(flat[known.samples], axis=1).T[None])
        samples = write.small("samples", known.samples.astype(np.uint16), TensorProto.INT32)
        median = self._ranked(write.node("Gather", pixels, samples, axis=2), SAMPLE // 2 + 1)
        paper = write.real("paper", known.paper.reshape(1, 3, 1))
        printed = write.node("Abs", write.node("Sub", median, paper))
        printed = write.node("ReduceMax", printed, axes=[1], keepdims=1)
        gone = write.node("Less", printed, write.real("gone", GONE))
        # A colour that became paper is a loss.
        became = write.node("Where", gone, usual, median)
        change = write.node("Abs", write.node("Sub", became, usual))
        change = write.node("ReduceMax", change, axes=[1], keepdims=1)
        same = (known.owner[:, None] == known.owner[None]).astype(np.float32)
        change = write.node("MatMul", change, write.real("together", same / same.sum(axis=0)))
        return write.node("Concat", became, write.ramp(change, *RESCALED), axis=1)

    def _stretched(self, pixels: str) -> tuple[str, str]:
        """Compare histograms with their usual bars, multiplied by what most were.

        Gives the same as ``_recoloured``.
        """
        write, known = self._write, self._known.histograms
        planes = self._planes(pixels)
        colour = write.node("Sub", write.node("Max", *planes), write.node("Min", *planes))
        stretch = self._stretch(colour)
        change = write.node("Abs", write.node("Sub", stretch, write.real("one", 1.0)))
        table = write.node("Concat", stretch, write.ramp(change, *SHRUNK), axis=1)
        level, rescaled = self._spread(table, "histogram", known.index, [1, 1])
        fill = write.small("fill", known.fill.ravel())
        part = write.once("Mul", "part", fill, write.real("per_part", 1.0 / PARTS))
        tall = write.once("Mul", "tall", write.small("parts", known.tall.ravel()), part)
        above = write.once("Mul", "above", write.small("rows_above", known.above.ravel()), fill)
        level = write.node("Sub", write.node("Mul", level, tall), above)
        level = write.node("Min", write.node("Relu", level), fill)
        return write.node("Abs", write.node("Sub", colour, self._plane(level))), self._plane(
            rescaled
        )

    def _stretch(self, colour: str) -> str:
        """Tell what most bars of each histogram were multiplied by: (N, 1, B)."""
        write, known = self._write, self._known.histograms
        bars, columns = known.usual.shape
        picture = write.whole("by_row", [-1, known.rows.shape[1], columns])
        picture = write.node("Reshape", colour, picture)
        sums = write.node("MatMul", write.real("rows", known.rows), picture)
        per_usual = np.where(known.usual > 0, 1.0 / np.maximum(known.usual, 1.0), 0.0)
        factor = write.node("Mul", sums, write.real("per_usual", per_usual))
        factor = write.node("Reshape", factor, write.whole("by_bar", [-1, 1, bars * columns]))
        factor = write.node("Gather", factor, write.whole("bars", known.samples), axis=2)
        lost = write.node("Less", factor, write.real("lost", LOST))
        factor = write.node("Where", lost, write.real("one", 1.0), factor)
        return self._ranked(factor, FOLLOWING)

    def _spread(
        self, table: str, name: str, index: NDArray[np.int32], parts: list[int]
    ) -> list[str]:
        """Give each pixel what a table (N, k, G) says of its index; the most, where it is G."""
        write = self._write
        most = write.node("ReduceMax", table, axes=[2], keepdims=1)
        table = write.node("Concat", table, most, axis=2)
        # Rows are gathered faster than planes.
        rows = write.node("Transpose", table, perm=[0, 2, 1])
        chosen = write.small(name, index.ravel().astype(np.uint16), TensorProto.INT32)
        planes = write.node("Transpose", write.node("Gather", rows, chosen, axis=1), perm=[0, 2, 1])
        given = write.whole(f"{name}_parts", parts)
        return write.several("Split", planes, given, outputs=len(parts), axis=1)

    def _ranked(self, values: str, place: int) -> str:
        """Give of (N, k, G, samples) the value at a place from the largest."""
        write = self._write
        count = write.whole(f"first_{place}", [place])
        largest = write.several("TopK", values, count, outputs=2, axis=3)[0]
        return write.node("Gather", largest, write.whole(f"at_{place}", place - 1), axis=3)

    def _standing_out(self, apart: str) -> str:
        """Tell how hot pixels are where there is another scale."""
        write = self._write
        weight = write.small("weight_255", self._known.weight.reshape(1, -1))
        weight = write.once("Mul", "weight", weight, write.real("per_level", 1.0 / 255.0))
        return write.node("Mul", self._sharp(write.ramp(apart, *APART)), weight)

    def _seen(self, activation: str) -> str:
        """Bring what the net sees to 0..1, and a little more everywhere."""
        write = self._write
        side, step, rim = [3, 3], [1, 1], [1, 1, 1, 1]
        smooth = write.node("AveragePool", activation, kernel_shape=side, strides=step, pads=rim)
        most = write.node("ReduceMax", smooth, axes=[2, 3], keepdims=1)
        most = write.node("Max", most, write.real("tiny", 1e-12))
        view = write.ramp(write.node("Div", smooth, most), 0.0, SEEN)
        return write.node("Add", view, write.real("floor", FLOOR))

    def _sharp(self, level: str) -> str:
        """Give the fourth power: one bin far away outweighs many that are a little off."""
        square = self._write.node("Mul", level, level)
        return self._write.node("Mul", square, square)

    def _largest(self, values: str) -> str:
        """Give the largest of red, green and blue, each without its sign: (N, h w)."""
        planes = self._planes(self._write.node("Abs", values))
        return self._write.node("Max", *planes)

    def _planes(self, colours: str) -> list[str]:
        """Red, green and blue apart, (N, h w) each: reducing over three planes is slow."""
        flat = self._write.node("Reshape", colours, self._write.whole("six", [0, -1]))
        each = self._write.whole("each", [self._known.group.size] * 3)
        return self._write.several("Split", flat, each, outputs=3, axis=1)

    def _plane(self, values: str) -> str:
        flat = self._write.whole("plane", [-1, self._known.group.size])
        return self._write.node("Reshape", values, flat)

    def _sides(self) -> tuple[int, int]:
        rows, columns = self._known.group.shape
        return rows // self._cells[0], columns // self._cells[1]

    def _pooled(self, pixels: str) -> str:
        rows, columns = self._known.group.shape
        shape = self._write.whole("picture", [-1, 1, rows, columns])
        picture = self._write.node("Reshape", pixels, shape)
        sides = list(self._sides())
        return self._write.node("AveragePool", picture, kernel_shape=sides, strides=sides)
