"""Writing the nodes and constants of an ONNX graph. Needs the training extra (onnx)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


class Nodes:
    """Collects nodes and constants whose names share a prefix."""

    def __init__(self, prefix: str) -> None:
        """Begin with nothing.

        Args:
            prefix: Of all names.
        """
        self.nodes: list[Any] = []
        """What is done with each image."""
        self.prepared: list[Any] = []
        """What the runtime does once, when it loads the graph."""
        self.constants: list[Any] = []
        self._prefix = prefix
        self._made = 0

    def node(self, operation: str, *inputs: str, output: str = "", **given: Any) -> str:
        """Add a node.

        Args:
            operation: Of ONNX.
            inputs: Names of tensors.
            output: Name of the result; chosen where left out.
            given: Attributes.

        Returns:
            The name of the result.
        """
        return self.several(operation, *inputs, outputs=1, output=output, **given)[0]

    def several(
        self, operation: str, *inputs: str, outputs: int, output: str = "", **given: Any
    ) -> list[str]:
        """Add a node of more than one result; otherwise as ``node``.

        Args:
            operation: Of ONNX.
            inputs: Names of tensors.
            outputs: How many results.
            output: Name of the first.
            given: Attributes.

        Returns:
            The names of the results.
        """
        self._made += 1
        first = output or f"{self._prefix}{self._made}"
        rest = [f"{self._prefix}{self._made}_{index}" for index in range(1, outputs)]
        self.nodes.append(helper.make_node(operation, list(inputs), [first, *rest], **given))
        return [first, *rest]

    def real(self, name: str, value: float | NDArray[Any]) -> str:
        """Give the name of a constant of float32."""
        return self._constant(name, np.asarray(value, np.float32))

    def whole(self, name: str, value: int | list[int] | NDArray[Any]) -> str:
        """Give the name of a constant of int64."""
        return self._constant(name, np.asarray(value, np.int64))

    def small(self, name: str, values: NDArray[Any], wide: int = TensorProto.FLOAT) -> str:
        """Give the name of a constant that is kept in fewer bytes than it is used in.

        Args:
            name: Without the prefix.
            values: Of a small type.
            wide: Type of ONNX that it is used in.
        """
        return self.once("Cast", name, self._constant(f"{name}_small", values), to=wide)

    def once(self, operation: str, name: str, *inputs: str, **given: Any) -> str:
        """Compute a constant when the graph is loaded.

        Args:
            operation: Of ONNX.
            name: Of the result, without the prefix.
            inputs: Names of constants.
            given: Attributes.

        Returns:
            The full name.
        """
        full = f"{self._prefix}{name}"
        self.prepared.append(helper.make_node(operation, list(inputs), [full], **given))
        return full

    def ramp(self, values: str, low: float, high: float) -> str:
        """Give 0 at ``low``, 1 at ``high``, and what is between."""
        scale = 1.0 / (high - low)
        if scale != 1.0:
            values = self.node("Mul", values, self.real(f"by_{scale:g}", scale))
        if low:
            values = self.node("Sub", values, self.real(f"less_{low * scale:g}", low * scale))
        return self.node("Clip", values, self.real("none", 0.0), self.real("one", 1.0))

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        full = f"{self._prefix}{name}"
        if all(one.name != full for one in self.constants):
            self.constants.append(numpy_helper.from_array(value.copy(order="C"), full))
        return full
