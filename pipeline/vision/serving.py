"""Running a model: ONNX Runtime only, three outputs from one pass."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.vision.card import INPUT, MODEL_FILE, OUTPUTS, ModelCard, verify
from pipeline.vision.normal import read_normal

INPUT_TYPE = "tensor(uint8)"
OUTPUT_TYPE = "tensor(float)"
TOLERANCE = 1e-4
"""How far rounding may carry a probability out of 0..1; float32 softmax over
14 labels stays within 1e-6."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model says of a batch of images."""

    probabilities: NDArray[np.float32]
    """(N, C), 0..1."""
    maps: NDArray[np.float32]
    """Activation map of every label, (N, C, h, w)."""
    embedding: NDArray[np.float32]
    """(N, D)."""


class ServedModel:
    """A model in memory, checked against its card."""

    def __init__(
        self, card: ModelCard, session: Any, normal: NDArray[np.uint8] | None = None
    ) -> None:
        """Hold a loaded model; ``load`` makes one.

        Args:
            card: The card of the model folder.
            session: The ``onnxruntime.InferenceSession``.
            normal: (H, W, C), what the model finds normal; put under masks.
        """
        self.card = card
        self.normal = normal
        self._session = session
        self._options: Any = None

    def run(self, batch: NDArray[np.uint8], *, maps: bool = True) -> Outputs:
        """Judge a batch of images in one forward pass.

        Args:
            batch: uint8, (N, H, W, C) with H, W, C of the card.
            maps: Whether the activation maps are computed too.

        Returns:
            The outputs with the sizes that the card promises, numbers unchecked;
            ``maps`` is (N, C, 0, 0) when they were not asked for.

        Raises:
            ModelError: The batch does not fit the model, the run failed or
                was stopped, or what came out is not what the card promises.
        """
        expected = tuple(self.card.input_shape)
        if batch.ndim != 4 or batch.shape[1:] != expected or batch.dtype != np.uint8:
            raise ModelError(
                f"expected a batch of uint8 (N, {', '.join(map(str, expected))}),"
                f" got {batch.dtype} {batch.shape}"
            )
        names = outputs_of(self.card, maps=maps)
        self._options = ort.RunOptions()
        try:
            values = self._session.run(names, {INPUT: batch}, self._options)
        except Exception as error:
            raise ModelError(f"model {self.card.name} failed: {error}") from error
        finally:
            self._options = None
        found = dict(zip(names, values, strict=True))
        outputs = Outputs(
            found["probabilities"],
            found.get("maps", np.zeros((len(batch), len(self.card.labels), 0, 0), np.float32)),
            found.get("embedding", np.zeros((len(batch), 0), np.float32)),
        )
        return self._checked(outputs, len(batch), maps=maps)

    def stop(self) -> None:
        """Ask a run that is under way in another thread to end.

        The runtime looks at this between two operators, so a run that hangs
        inside one operator goes on.
        """
        options = self._options
        if options is not None:
            options.terminate = True

    def warm(self, size: int = 1) -> None:
        """Run once on black images, so that the first live image is not slower.

        Args:
            size: Images in the batch.
        """
        self.run(np.zeros((size, *self.card.input_shape), np.uint8))

    def _checked(self, outputs: Outputs, size: int, *, maps: bool) -> Outputs:
        labels = len(self.card.labels)
        expected = {
            "probabilities": (size, labels),
            "maps": (size, labels, *(self.card.map_shape if maps else (0, 0))),
            "embedding": (size, self.card.embedding_size),
        }
        for name, shape in expected.items():
            value: NDArray[np.float32] = getattr(outputs, name)
            if value.shape != shape or value.dtype != np.float32:
                raise ModelError(
                    f"model {self.card.name}: expected {name} as float32 {shape},"
                    f" got {value.dtype} {value.shape}"
                )
        return outputs


def outputs_of(card: ModelCard, *, maps: bool = True) -> tuple[str, ...]:
    """Name the outputs that a graph gives: a model of somebody else's may have no maps."""
    given = {
        "probabilities": True,
        "maps": maps and 0 not in card.map_shape,
        "embedding": card.embedding_size > 0,
    }
    return tuple(name for name in OUTPUTS if given[name])


def load(folder: Path, threads: int = 1) -> ServedModel:
    """Load a model folder after proving that it matches its card.

    Args:
        folder: A folder of the model store; its name is the digest.
        threads: Inference threads.

    Raises:
        ModelError: The folder, the card and the graph do not fit together.
    """
    card = verify(folder)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Threads that spin while they wait take the cores from the other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(
            folder / MODEL_FILE, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ModelError(f"{folder / MODEL_FILE} cannot be loaded: {error}") from error
    _check_graph(folder, card, session)
    return ServedModel(card, session, read_normal(folder, card))


def _check_graph(folder: Path, card: ModelCard, session: Any) -> None:
    faults = []
    inputs = {one.name: (one.type, tuple(one.shape[1:])) for one in session.get_inputs()}
    if inputs != {INPUT: (INPUT_TYPE, tuple(card.input_shape))}:
        faults.append(
            f"expected one input {INPUT}: {INPUT_TYPE} of images {card.input_shape}, got {inputs}"
        )
    outputs = {one.name: one for one in session.get_outputs()}
    expected = outputs_of(card)
    if missing := [name for name in expected if name not in outputs]:
        faults.append(f"expected outputs {', '.join(expected)}, missing {', '.join(missing)}")
    faults += [
        f"expected output {name} as {OUTPUT_TYPE}, got {outputs[name].type}"
        for name in OUTPUTS
        if name in outputs and outputs[name].type != OUTPUT_TYPE
    ]
    if faults:
        raise ModelError(f"{folder / MODEL_FILE} does not match its card: {'; '.join(faults)}")
