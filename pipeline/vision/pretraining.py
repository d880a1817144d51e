"""Pretraining a backbone on the plots of many species.

The network sees an image next to some Good images of its species and tells
which family of faults it shows and where. What it learns does not depend on
the species, so it serves plot types that it has never seen.

Needs the training extra (TensorFlow); serving never imports this module.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.vision.exercises import Shard
from pipeline.vision.layers import cbam
from pipeline.vision.reference import CLIP, CODE_SCALE, FIELDS

WARM: Final = 0.1
"""Heat, summed over a map in units of the logit, from which its place counts."""
HEAT_FLOOR: Final = 1e-4
REPORT_EVERY: Final = 100
"""Steps between two lines of progress and two checkpoints."""
Progress = Callable[[str], None]
Batch = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to pretrain."""

    families: tuple[str, ...]
    """Names of the fault families; the harmless ones come first."""
    harmless: int
    """How many of them are no fault."""
    size: tuple[int, int] = (240, 320)
    """Height and width of the images, in pixels."""
    widths: tuple[int, ...] = (24, 40, 64, 64, 64)
    """Channels of the convolutions."""
    steps: int = 3500
    batch: int = 64
    learning_rate: float = 2e-3
    heat_weight: float = 0.3
    anomaly_weight: float = 0.5
    seed: int = 1
    threads: int = 2


def build_body(plan: Plan) -> keras.Model:
    """Build a fresh body: fields (h, w, 9) to features and embedding.

    Args:
        plan: Size and widths.
    """
    height, width = plan.size
    fields = keras.Input((height // 2, width // 2, FIELDS), name="fields")
    first, second, *rest = plan.widths
    out = _block(fields, first, "stem", stride=2)
    out = _block(out, second, "middle", stride=2)
    out = cbam(out, "middle_attention")
    for number, filters in enumerate(rest):
        out = _block(out, filters, f"wide{number}", dilation=(2, 2, 4, 4)[number])
    features = cbam(out, "attention")
    embedding = keras.layers.GlobalAveragePooling2D(name="embedding")(features)
    return keras.Model(fields, {"features": features, "embedding": embedding}, name="backbone")


def _block(features: Any, filters: int, name: str, stride: int = 1, dilation: int = 1) -> Any:
    layers = keras.layers
    out = layers.Conv2D(
        filters, 3, stride, padding="same", dilation_rate=dilation, use_bias=False, name=name
    )(features)
    out = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(out)
    return layers.ReLU(name=f"{name}_relu")(out)


class Pretraining:
    """A body, its head and its optimizer; goes on from a checkpoint."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Build everything and read the checkpoint, if there is one.

        Args:
            plan: How to pretrain.
            folder: Where checkpoints are kept.
        """
        keras.utils.set_random_seed(plan.seed)
        if tf.config.threading.get_intra_op_parallelism_threads() == 0:
            tf.config.threading.set_intra_op_parallelism_threads(plan.threads)
        self.plan = plan
        self.body = build_body(plan)
        self.head = keras.layers.Dense(len(plan.families), name="families")
        self.head.build((None, plan.widths[-1]))
        schedule = keras.optimizers.schedules.CosineDecay(
            plan.learning_rate, plan.steps, warmup_target=plan.learning_rate, warmup_steps=50
        )
        self._optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4)
        variables = [*self.body.trainable_variables, *self.head.trainable_variables]
        self._optimizer.build(variables)
        self._learn = tf.function(self._step)
        self._checkpoints = tf.train.CheckpointManager(
            tf.train.Checkpoint(body=self.body, head=self.head, optimizer=self._optimizer),
            str(folder),
            max_to_keep=1,
        )
        self._checkpoints.restore_or_initialize()

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self._optimizer.iterations)

    def run(self, batches: Iterator[Batch], check: list[Batch], progress: Progress) -> None:
        """Learn until all steps are done.

        Args:
            batches: Without end, from ``batches``.
            check: Of species that are never learnt.
            progress: Called with a line now and then.
        """
        begun, first, losses = time.monotonic(), self.step, []
        while self.step < self.plan.steps:
            losses.append(float(self._learn(_tensors(next(batches)))))
            if self.step % REPORT_EVERY == 0 or self.step == self.plan.steps:
                self._checkpoints.save()
                pace = (time.monotonic() - begun) / (self.step - first)
                left = (self.plan.steps - self.step) * pace / 60
                found = self.check(check)
                progress(
                    f"step {self.step}/{self.plan.steps} loss {np.mean(losses):.3f}"
                    f" unseen species: {found}; {left:.0f} min left"
                )
                losses.clear()

    def check(self, batches: list[Batch]) -> str:
        """Judge species that were never learnt; give the figures as text."""
        scores, truth, right = [], [], []
        for batch in batches:
            logits = self._logits(_tensors(batch), training=False)[1].numpy()
            scores.append(anomaly(logits, self.plan.harmless))
            truth.append(batch["fault"] >= self.plan.harmless)
            right.append(logits.argmax(axis=1) == batch["fault"])
        found = auc(np.concatenate(scores), np.concatenate(truth))
        return f"area {found:.4f}, family {100 * np.concatenate(right).mean():.1f} %"

    def _logits(self, batch: dict[str, Any], *, training: bool) -> tuple[Any, Any]:
        wide = tf.cast(batch["views"], tf.float32)
        mean, allowance = (tf.cast(batch[name], tf.float32) for name in ("mean", "allowance"))
        departure = tf.clip_by_value((wide - mean) / allowance, -CLIP, CLIP)
        colour = wide[..., :3] / 127.5 - 1.0
        code = tf.math.log(tf.cast(batch["count"], tf.float32)) / (math.log(2.0) * CODE_SCALE)
        plane = tf.zeros_like(colour[..., :1]) + code[:, None, None, None]
        fields = tf.concat([departure, colour, plane], axis=-1)
        outputs = self.body(fields, training=training)
        return outputs["features"], self.head(outputs["embedding"])

    def _step(self, batch: dict[str, Any]) -> Any:
        plan, fault = self.plan, batch["fault"]
        variables = [*self.body.trainable_variables, *self.head.trainable_variables]
        with tf.GradientTape() as tape:
            features, logits = self._logits(batch, training=True)
            family = tf.nn.sparse_softmax_cross_entropy_with_logits(fault, logits)
            bad = tf.cast(fault >= plan.harmless, tf.float32)
            score = tf.reduce_logsumexp(logits[:, plan.harmless :], axis=1)
            score -= tf.reduce_logsumexp(logits[:, : plan.harmless], axis=1)
            anomalous = tf.nn.sigmoid_cross_entropy_with_logits(bad, score)
            heat = self._heat_outside(features, batch["region"], fault)
            loss = tf.reduce_mean(
                family + plan.anomaly_weight * anomalous + plan.heat_weight * heat
            )
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _heat_outside(self, features: Any, region: Any, fault: Any) -> Any:
        """Loss of the activation map of the true family; 0 where no region is known."""
        kernel = tf.gather(tf.transpose(self.head.kernel), fault)
        cells = features.shape[1] * features.shape[2]
        heat = tf.nn.relu(tf.einsum("nhwk,nk->nhw", features, kernel)) / cells
        inside = tf.reduce_sum(heat * tf.cast(region, tf.float32), axis=(1, 2))
        share = inside / (tf.reduce_sum(heat, axis=(1, 2)) + WARM)
        known = tf.cast(tf.reduce_any(region, axis=(1, 2)), tf.float32)
        return -known * tf.math.log(share + HEAT_FLOOR)


def batches(
    shards: Callable[[], list[Shard]], size: int, seed: int, *, vary: bool = True
) -> Iterator[Batch]:
    """Give batches without end; shards that are added meanwhile are taken up.

    Args:
        shards: Gives the shards there are now.
        size: Images in a batch.
        seed: Same seed and shards, same batches.
        vary: Whether to mirror images and exchange their colours, with their references.
    """
    rng = np.random.default_rng(seed)
    while True:
        listed = shards()
        order = [
            (number, index)
            for number, shard in enumerate(listed)
            for index in range(len(shard.fault))
        ]
        for first in range(0, len(order) - size + 1, size):
            if first == 0:
                rng.shuffle(order)
            chosen = order[first : first + size]
            yield _vary(_gather(listed, chosen, rng), rng) if vary else _gather(listed, chosen, rng)


def _gather(listed: list[Shard], chosen: list[tuple[int, int]], rng: np.random.Generator) -> Batch:
    rows: dict[str, list[Any]] = {
        name: [] for name in ("views", "fault", "region", "mean", "allowance", "count")
    }
    for number, index in chosen:
        shard = listed[number]
        species, reference = shard.species[index], rng.integers(shard.count.shape[1])
        for name in ("views", "fault", "region"):
            rows[name].append(getattr(shard, name)[index])
        for name in ("mean", "allowance", "count"):
            rows[name].append(getattr(shard, name)[species, reference])
    return {name: np.stack(values) for name, values in rows.items()}


def _vary(batch: Batch, rng: np.random.Generator) -> Batch:
    """Mirror and recolour: what is a fault stays one, next to references changed alike."""
    pictures = ("views", "mean")
    for axis in (1, 2):
        if rng.random() < 0.3:
            for name in ("views", "mean", "allowance", "region"):
                batch[name] = np.flip(batch[name], axis)
    if rng.random() < 0.5:
        channels = [*rng.permutation(3), 3, 4]
        for name in pictures:
            batch[name] = batch[name][..., channels]
    if rng.random() < 0.25:
        for name in pictures:
            batch[name] = (255 - batch[name])[..., [0, 1, 2, 4, 3]]
    return batch


def _tensors(batch: Batch) -> dict[str, Any]:
    return {name: tf.constant(np.ascontiguousarray(values)) for name, values in batch.items()}


def anomaly(logits: NDArray[np.float32], harmless: int) -> NDArray[np.float32]:
    """Give the logit of "some fault" from the logits of the families, (N, F) to (N,)."""
    top = logits.max(axis=1, keepdims=True)
    bad, fine = np.exp(logits - top)[:, harmless:], np.exp(logits - top)[:, :harmless]
    return np.asarray(np.log(bad.sum(axis=1)) - np.log(fine.sum(axis=1)), np.float32)


def auc(scores: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    """Give the area under the ROC curve: the share of pairs in the right order.

    Source:
        Mann and Whitney 1947; ties count half.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))
