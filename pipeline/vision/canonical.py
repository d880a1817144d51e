"""The same computation as the same bytes: names and order of a graph follow from what it does.

The converter names constants and orders operators by chance, differently in
every process. Needs the training extra (onnx).
"""

import hashlib
from collections.abc import Callable
from typing import Any

import onnx


def canonical(graph: Any) -> None:
    """Rename and reorder a graph in place; equal parts become one.

    Args:
        graph: Without subgraphs; the names of its inputs and outputs stay.
    """
    makers = {name: node for node in graph.node for name in node.output if name}
    constants = {one.name: one for one in graph.initializer}
    names = {"": "", **{one.name: one.name for one in graph.input}}
    kept = {one.name for one in graph.output}
    nodes: list[Any] = []
    values: list[Any] = []
    known: set[str] = set()

    def constant(name: str) -> None:
        value = onnx.TensorProto()
        value.CopyFrom(constants[name])
        value.name = ""
        names[name] = value.name = f"c_{_digest(value.SerializeToString(deterministic=True))}"
        if value.name not in known:
            known.add(value.name)
            values.append(value)

    def operation(name: str) -> None:
        node = onnx.NodeProto()
        node.CopyFrom(makers[name])
        given = list(node.output)
        inputs = [names[one] for one in node.input]
        node.ClearField("input")
        node.ClearField("output")
        node.ClearField("name")
        node.ClearField("doc_string")
        attributes = sorted(node.attribute, key=lambda one: one.name)
        node.ClearField("attribute")
        node.attribute.extend(attributes)
        node.input.extend(inputs)
        key = _digest(node.SerializeToString(deterministic=True))
        final = [one for one in given if one in kept]
        for index, one in enumerate(given):
            names[one] = one if one in kept else f"t_{key}_{index}"
        if key in known and not final:
            return
        known.add(key)
        node.output.extend(names[one] for one in given)
        node.name = f"{node.op_type}_{key}{'_' + final[0] if final else ''}"
        nodes.append(node)

    for output in graph.output:
        _walk(
            output.name,
            names,
            makers,
            lambda name: (constant if name in constants else operation)(name),
        )
    for field, found in (("node", nodes), ("initializer", values)):
        graph.ClearField(field)
        getattr(graph, field).extend(found)
    graph.ClearField("value_info")
    graph.ClearField("doc_string")


def _walk(
    wanted: str, names: dict[str, str], makers: dict[str, Any], visit: Callable[[str], None]
) -> None:
    """Visit what a tensor is made of, inputs first, in the order of the inputs."""
    waiting = [wanted]
    while waiting:
        name = waiting[-1]
        if name in names:
            waiting.pop()
        elif name in makers and (
            missing := [one for one in makers[name].input if one not in names]
        ):
            waiting.append(missing[0])
        else:
            visit(name)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:24]
