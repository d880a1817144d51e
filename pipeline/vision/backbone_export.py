"""From a pretrained network to the graph that everything else uses.

Needs the training extra (TensorFlow); serving never imports this module.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf

from pipeline.errors import ModelError
from pipeline.vision.backbone import INPUT, OUTPUTS
from pipeline.vision.conversion import convert
from pipeline.vision.pretraining import Pretraining

TOLERANCE: Final = 1e-4
"""Largest difference to Keras that passes, relative to the largest value."""


def to_onnx(training: Pretraining, file: Path) -> None:
    """Write body and head as ONNX and prove that it computes what Keras computes.

    Args:
        training: Pretrained.
        file: Where to write.

    Raises:
        ModelError: ONNX Runtime and Keras disagree.
    """
    shape = training.body.input.shape[1:]
    signature = [tf.TensorSpec((None, *shape), tf.float32, name=INPUT)]

    def outputs(fields: Any) -> dict[str, Any]:
        seen = training.body(fields, training=False)
        values = (seen["features"], seen["embedding"], training.head(seen["embedding"]))
        return dict(zip(OUTPUTS, values, strict=True))

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def forward(fields: Any) -> dict[str, Any]:
        return {name: tf.identity(value, name=name) for name, value in outputs(fields).items()}

    proto = convert(forward, signature)
    onnx.checker.check_model(proto)
    file.write_bytes(proto.SerializeToString())
    probe = np.random.default_rng(1).normal(size=(4, *shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    expected = outputs(probe)
    for name, found in zip(OUTPUTS, session.run(list(OUTPUTS), {INPUT: probe}), strict=True):
        reference = expected[name].numpy()
        difference = np.abs(found - reference).max() / max(float(np.abs(reference).max()), 1e-6)
        if not difference <= TOLERANCE:
            raise ModelError(
                f"the export disagrees with Keras in {name}: expected a relative difference of"
                f" at most {TOLERANCE}, found {difference:.2g}"
            )
