"""Heat where an image departs from the normal, also after a change of the colour scale.

Adds nodes to the map branch of an ONNX graph; probabilities and embedding stay as they
are. Needs the training extra (onnx).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.vision.recolouring import GREY, PLAIN, SAMPLE, Recolouring

MARK: Final = "focus_"
"""Prefix of all names."""
FLOOR: Final = 0.003
"""Weight, of the hottest, of a departure where the net sees nothing."""
SEEN: Final = 0.2
"""What the net sees, in shares of the most, from which a departure counts fully: a net needs
to look at a part of a loss only, and all of it is to be shown."""
FULL: Final = 5.0
"""Departure beyond the allowance, in allowances, that counts fully."""
GONE: Final = 25.0
"""Grey levels from the paper below which a colour has become paper."""
GROWN: Final = 40.0
"""Colour, in grey levels between the largest and smallest of red, green and blue, from
which a pixel of paper has become data."""
GROWN_PIXELS: Final = 1.5
"""More pixels than this must have: a frame or a number may move by one."""
RAMP: Final = 10.0
"""Grey levels beyond the limit over which a panel passes from one scale to another."""
OUT_LOW: Final = 20.0
OUT_HIGH: Final = 80.0
"""Grey levels from what its colour became at which a pixel begins to stand out, and does."""
FAR: Final = 512.0
"""More than any difference of colours."""


class Focus:
    """The nodes and constants that turn class activation maps into the final maps."""

    def __init__(self, known: Recolouring, cells: tuple[int, int]) -> None:
        """Prepare.

        Args:
            known: Of the plot type.
            cells: Rows and columns of the maps; they divide the sides of its pictures.
        """
        self.nodes: list[Any] = []
        """What is done with each image."""
        self.prepared: list[Any] = []
        """What the runtime does once, when it loads the graph."""
        self.constants: list[Any] = []
        self._known, self._cells = known, cells
        self._made = 0

    def add(self, colours: str, activation: str, maps: str) -> None:
        """Write the nodes.

        Args:
            colours: Tensor (N, 3, 2 h, 2 w): red, green and blue in grey levels.
            activation: Tensor (N, C, rows, columns): class activation maps, at least 0.
            maps: Name of the result, of the same shape.
        """
        self._constants()
        small = self._node("AveragePool", colours, kernel_shape=[2, 2], strides=[2, 2])
        pixels = self._node("Reshape", small, self._whole("flat", [0, 3, -1]))
        moved = self._node("Sub", pixels, f"{MARK}mean")
        departing = self._pooled(self._departing(moved))
        seen = self._net(activation)
        if not len(self._known.samples):
            self._node("Mul", departing, seen, output=maps)
            return
        planes = self._planes(pixels)
        highest = self._node("Max", *planes)
        colourful = self._node("Sub", highest, self._node("Min", *planes))
        became, rescaled = self._became(pixels, colourful)
        standing = self._pooled(self._outside(moved, colourful, became))
        there = self._node("Gather", rescaled, f"{MARK}cells", axis=1)
        there = self._node("Unsqueeze", there, self._whole("one_more", [1]))
        calm = self._node("Sub", f"{MARK}one", there)
        usual = self._node("Mul", self._node("Mul", departing, calm), seen)
        self._node("Add", usual, self._node("Mul", standing, there), output=maps)

    def _constants(self) -> None:
        known = self._known
        self._bytes("mean", known.mean.reshape(-1, 3).T[None], TensorProto.FLOAT)
        self._bytes("allowance", known.allowance.reshape(1, 1, -1), TensorProto.FLOAT)
        for name, value in {"one": 1.0, "none": 0.0, "tiny": 1e-12}.items():
            self._real(name, value)
        if len(known.samples):
            self._places()
            self._colours()

    def _places(self) -> None:
        known = self._known
        small = np.uint8 if len(known.samples) <= 256 else np.uint16
        (rows, columns), (high, wide) = self._cells, self._sides()
        cells = known.panel.reshape(rows, high, columns, wide).max(axis=(1, 3))
        self._bytes("cells", cells, TensorProto.INT32)
        self._bytes("panel", known.panel.ravel(), TensorProto.INT32)
        numbers = np.arange(1, len(known.limits) + 1, dtype=np.int32)[None]
        self._constant("numbers", numbers)
        self._prepare("Unsqueeze", "column", f"{MARK}panel", self._whole("one_more", [1]))
        self._prepare("Equal", "is_inside", f"{MARK}column", f"{MARK}numbers")
        self._prepare("Cast", "inside", f"{MARK}is_inside", to=TensorProto.FLOAT)
        self._bytes("group", known.group.ravel().astype(small), TensorProto.INT32)
        self._bytes("samples", known.samples.astype(np.uint16), TensorProto.INT32)
        owners = np.eye(len(known.limits), dtype=np.float32)[known.owner - 1]
        self._real("owners", owners / np.maximum(owners.sum(axis=0), 1.0))
        self._real("owned", owners.T)
        self._real("limits", known.limits[None])

    def _colours(self) -> None:
        known = self._known
        colours = known.mean.reshape(-1, 3).astype(np.float32)
        self._real("paper", known.paper.reshape(1, 3, 1))
        self._real("usual", np.median(colours[known.samples], axis=1).T[None])
        self._real("far", FAR)
        per_255 = self._real("per_255", 1.0 / 255.0)
        for name, levels in (("share", known.share), ("weight", known.weight)):
            self._bytes(f"{name}_of_255", levels.reshape(1, 1, -1), TensorProto.FLOAT)
            self._prepare("Mul", name, f"{MARK}{name}_of_255", per_255)
        # Told by the mean, which the graph holds already.
        apart = self._folded("Sub", f"{MARK}mean", f"{MARK}paper")
        most = self._folded("ReduceMax", self._folded("Abs", apart), axes=[1], keepdims=1)
        plain = self._folded("Less", most, self._real("plain_below", PLAIN))
        self._prepare("Cast", "plain", plain, to=TensorProto.FLOAT)
        ends = [
            self._folded(f"Reduce{end}", f"{MARK}mean", axes=[1], keepdims=1)
            for end in ("Max", "Min")
        ]
        width = self._folded("Sub", *ends)
        coloured = self._folded("GreaterOrEqual", width, self._real("grey_below", GREY))
        self._prepare("Cast", "coloured", coloured, to=TensorProto.FLOAT)

    def _became(self, pixels: str, colourful: str) -> tuple[str, str]:
        """Tell what became of each group's colour, and whether the scale of a panel is another.

        Gives (N, 4, G): the colour, and whether the bars of its panel shrank; and (N, panels).
        """
        taken = self._node("Gather", pixels, f"{MARK}samples", axis=2)
        count = self._whole("count", [SAMPLE // 2 + 1])
        largest = self._node("TopK", taken, count, outputs=2, axis=3)
        median = self._node("Gather", largest, self._whole("last", SAMPLE // 2), axis=3)
        apart = self._node("Abs", self._node("Sub", median, f"{MARK}paper"))
        gone = self._below(self._node("ReduceMax", apart, axes=[1], keepdims=1), GONE)
        one_more = self._whole("one_more", [1])
        grown = self._node("Mul", self._above(colourful, GROWN), f"{MARK}plain")
        number = self._node("MatMul", grown, f"{MARK}inside")
        grew = self._node("MatMul", self._above(number, GROWN_PIXELS), f"{MARK}owned")
        # A colour that became paper is a loss, unless bars shrank under a higher one.
        shrank = self._node("Mul", gone, grew)
        lost = self._node("Sub", gone, shrank)
        back = self._node("Mul", lost, self._node("Sub", f"{MARK}usual", median))
        became = self._node("Add", median, back)
        change = self._node("Abs", self._node("Sub", became, f"{MARK}usual"))
        change = self._by_panel(self._node("ReduceMax", change, axes=[1], keepdims=0))
        panels = self._ramp(self._node("Sub", change, f"{MARK}limits"), 0.0, RAMP)
        outside = self._node("ReduceMax", panels, axes=[1], keepdims=1)
        rescaled = self._node("Concat", outside, panels, axis=1)
        shrunk = self._above(self._by_panel(self._node("Squeeze", shrank, one_more)), 0.5)
        shrunk = self._node("MatMul", shrunk, f"{MARK}owned")
        shrunk = self._node("Unsqueeze", shrunk, one_more)
        return self._node("Concat", became, shrunk, axis=1), rescaled

    def _planes(self, colours: str) -> list[str]:
        """Red, green and blue apart: reducing over three planes is slow."""
        each = self._whole("each", [1, 1, 1])
        return self._nodes("Split", colours, each, outputs=3, axis=1)

    def _by_panel(self, groups: str) -> str:
        return self._node("MatMul", groups, f"{MARK}owners")

    def _outside(self, moved: str, colourful: str, became: str) -> str:
        """Tell how far a pixel is from its usual colour, what that became, and all between."""
        whole = self._node("Sub", f"{MARK}paper", f"{MARK}mean")
        rest = self._node("Sub", whole, self._node("Mul", f"{MARK}share", f"{MARK}paper"))
        # Rows of four are gathered faster than planes.
        rows = self._node("Transpose", became, perm=[0, 2, 1])
        spread = self._node("Gather", rows, f"{MARK}group", axis=1)
        spread = self._node("Transpose", spread, perm=[0, 2, 1])
        parts = self._whole("parts", [3, 1])
        colour, shrunk = self._nodes("Split", spread, parts, outputs=2, axis=1)
        course = self._node("Add", self._node("Mul", colour, f"{MARK}share"), rest)
        along = self._node("Sum", *self._planes(self._node("Mul", moved, course)))
        length = self._node("Sum", *self._planes(self._node("Mul", course, course)))
        length = self._node("Max", length, f"{MARK}one")
        part = self._ramp(self._node("Div", along, length), 0.0, 1.0)
        off = self._node("Abs", self._node("Sub", moved, self._node("Mul", course, part)))
        off = self._node("Max", *self._planes(off))
        # Numbers and lines move with the scale; on grey ground only colour stands out, and
        # in a panel whose bars shrank only what is still coloured.
        still = self._node("Sub", f"{MARK}one", shrunk)
        free = self._node("Mul", self._node("Mul", f"{MARK}coloured", still), f"{MARK}far")
        off = self._node("Min", off, self._node("Add", colourful, free))
        level = self._ramp(off, OUT_LOW, OUT_HIGH)
        return self._node("Mul", self._node("Mul", level, level), f"{MARK}weight")

    def _departing(self, moved: str) -> str:
        most = self._node("Max", *self._planes(self._node("Abs", moved)))
        level = self._ramp(self._node("Div", most, f"{MARK}allowance"), 1.0, 1.0 + FULL)
        return self._node("Mul", level, level)

    def _net(self, activation: str) -> str:
        """Bring what the net sees to 0..1, and a little more everywhere."""
        side, step, rim = [3, 3], [1, 1], [1, 1, 1, 1]
        smooth = self._node("AveragePool", activation, kernel_shape=side, strides=step, pads=rim)
        most = self._node("ReduceMax", smooth, axes=[2, 3], keepdims=1)
        most = self._node("Max", most, f"{MARK}tiny")
        view = self._ramp(self._node("Div", smooth, most), 0.0, SEEN)
        return self._node("Add", view, self._real("floor", FLOOR))

    def _sides(self) -> tuple[int, int]:
        rows, columns = self._known.panel.shape
        return rows // self._cells[0], columns // self._cells[1]

    def _pooled(self, pixels: str) -> str:
        rows, columns = self._known.panel.shape
        picture = self._node("Reshape", pixels, self._whole("picture", [-1, 1, rows, columns]))
        sides = list(self._sides())
        return self._node("AveragePool", picture, kernel_shape=sides, strides=sides)

    def _ramp(self, values: str, low: float, high: float) -> str:
        """0 at ``low``, 1 at ``high``."""
        if (low, high) != (0.0, 1.0):
            width = self._real(f"per_{high - low:g}", 1.0 / (high - low))
            values = self._node("Mul", values, width)
        if low:
            start = self._real(f"start_{low:g}_{high:g}", low / (high - low))
            values = self._node("Sub", values, start)
        return self._node("Clip", values, f"{MARK}none", f"{MARK}one")

    def _above(self, values: str, limit: float) -> str:
        found = self._node("Greater", values, self._real(f"limit_{limit:g}", limit))
        return self._node("Cast", found, to=TensorProto.FLOAT)

    def _below(self, values: str, limit: float) -> str:
        found = self._node("Less", values, self._real(f"limit_{limit:g}", limit))
        return self._node("Cast", found, to=TensorProto.FLOAT)

    def _node(
        self, operation: str, *inputs: str, outputs: int = 1, output: str = "", **given: Any
    ) -> str:
        return self._nodes(operation, *inputs, outputs=outputs, output=output, **given)[0]

    def _nodes(
        self, operation: str, *inputs: str, outputs: int, output: str = "", **given: Any
    ) -> list[str]:
        self._made += 1
        first = output or f"{MARK}{self._made}"
        names = [first, *(f"{MARK}{self._made}_{index}" for index in range(1, outputs))]
        self.nodes.append(helper.make_node(operation, list(inputs), names, **given))
        return names

    def _real(self, name: str, value: float | NDArray[Any]) -> str:
        return self._constant(name, np.asarray(value, np.float32))

    def _whole(self, name: str, value: int | list[int]) -> str:
        return self._constant(name, np.asarray(value, np.int64))

    def _bytes(self, name: str, values: NDArray[Any], wide: int) -> None:
        self._prepare("Cast", name, self._constant(f"{name}_bytes", values), to=wide)

    def _folded(self, operation: str, *inputs: str, **given: Any) -> str:
        name = f"once_{len(self.prepared)}"
        self._prepare(operation, name, *inputs, **given)
        return f"{MARK}{name}"

    def _prepare(self, operation: str, name: str, *inputs: str, **given: Any) -> None:
        self.prepared.append(helper.make_node(operation, list(inputs), [f"{MARK}{name}"], **given))

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        full = f"{MARK}{name}"
        if all(one.name != full for one in self.constants):
            self.constants.append(numpy_helper.from_array(value.copy(order="C"), full))
        return full
