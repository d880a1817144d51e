"""From a TensorFlow function to an ONNX graph, within the memory of a training.

Needs the training extra (TensorFlow); serving never imports this module.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import onnx
import tf2onnx
from tf2onnx.graph import Node

OPSET: Final = 17
STRICT: Final = "TF2ONNX_CATCH_ERRORS"
"""Set to anything, tf2onnx 1.17 keeps no copy of the graph before each of its passes."""


def convert(
    forward: Callable[..., Any], signature: Sequence[Any], *, lenient: bool = False
) -> onnx.ModelProto:
    """Convert a function.

    Args:
        forward: A ``tf.function``.
        signature: The ``tf.TensorSpec`` of each input.
        lenient: Whether a pass of the converter that fails is left out, at the price of
            a copy of the graph for each pass.

    Returns:
        The graph, of opset 17.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_slim())
        if not lenient:
            stack.enter_context(_strict())
        proto, _ = tf2onnx.convert.from_function(forward, input_signature=signature, opset=OPSET)
    return proto


@contextlib.contextmanager
def _slim() -> Iterator[None]:
    """Free the constants that a pass of the converter replaces.

    Every pass writes each constant anew into the same protobuf message, whose arena keeps
    what was there before until the message goes: with VGG16 56 MB a pass, 3.7 GB in all.
    """
    written = Node.update_proto

    def update_proto(node: Any, *given: Any, **named: Any) -> None:
        if node.is_const():
            fresh = onnx.NodeProto()
            fresh.op_type, fresh.name, fresh.domain = node.type, node.name, node.domain
            # The class offers no other way to its message.
            node._op = fresh  # noqa: SLF001
        written(node, *given, **named)

    Node.update_proto = update_proto
    try:
        yield
    finally:
        Node.update_proto = written


@contextlib.contextmanager
def _strict() -> Iterator[None]:
    before = os.environ.get(STRICT)
    os.environ[STRICT] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[STRICT]
        else:
            os.environ[STRICT] = before
