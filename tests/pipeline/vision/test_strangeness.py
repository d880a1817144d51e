"""Colours that no reference has, in numpy and in the graph of a model alike."""

from dataclasses import replace

import cv2
import numpy as np
import onnxruntime as ort
import pytest

from pipeline.vision.backbone import shipped
from pipeline.vision.card import INPUT, OUTPUTS
from pipeline.vision.evidence import Head, sizes_of
from pipeline.vision.fewshot import all_views, fit
from pipeline.vision.graft import graft
from pipeline.vision.normal import from_views
from pipeline.vision.reference import reference_of, views_of
from pipeline.vision.strangeness import (
    BOUND,
    MOST,
    OFFSET,
    Strangeness,
    gallery_of,
    planes_of,
    strangeness_of,
)

CELL = 8


def maps(count: int, seed: int) -> np.ndarray:
    """Cells whose levels scatter about those of the plot, on a colour scale without white."""
    shape = (240 // CELL, 320 // CELL)
    usual = np.random.default_rng(1).uniform(80, 190, shape)
    levels = np.random.default_rng(seed).normal(usual, 7, (count, *shape))
    flat = np.clip(levels, 0, 255).astype(np.uint8).reshape(-1, shape[1])
    colours = cv2.applyColorMap(flat, cv2.COLORMAP_JET)[..., ::-1].reshape(count, *shape, 3)
    return colours.repeat(CELL, axis=1).repeat(CELL, axis=2)


def dead(images: np.ndarray, seed: int) -> np.ndarray:
    """One cell of each image without any colour."""
    rng, out = np.random.default_rng(seed), images.copy()
    for image in out:
        row, column = CELL * rng.integers(1, 29), CELL * rng.integers(1, 39)
        image[row : row + CELL, column : column + CELL] = 255
    return out


def strangeness(images: np.ndarray, references: np.ndarray) -> np.ndarray:
    gallery = gallery_of(planes_of(all_views(references)))
    return strangeness_of(planes_of(all_views(images)), gallery)


def test_given_a_white_cell_among_scattered_colours_when_compared_then_it_is_stranger_than_any():
    references, fine = maps(12, seed=1), maps(8, seed=2)
    assert strangeness(dead(fine, 3), references).min() > strangeness(fine, references).max()


def test_given_a_cell_that_is_dead_in_the_references_when_compared_then_it_is_not_strange():
    known = dead(np.repeat(maps(1, seed=1), 6, axis=0)[:1], 5).repeat(6, axis=0)
    assert strangeness(known[:1], known)[0] == pytest.approx(np.log(OFFSET))


def test_given_the_mean_of_the_references_when_compared_then_it_is_not_strange():
    references = maps(6, seed=1)
    mean = reference_of(all_views(references)).mean.astype(np.float64)
    under_a_mask = from_views(mean)[None]
    assert strangeness(under_a_mask, references)[0] < np.log(OFFSET + 4)


def test_given_many_references_when_chosen_then_some_are_kept_and_the_mean():
    assert gallery_of(planes_of(all_views(maps(40, seed=1)))).shape == (MOST + 1, 5, 120, 160)


def test_given_a_head_with_strangeness_when_grafted_then_the_graph_says_the_same():
    backbone, references, labels = shipped(), all_views(maps(4, seed=1)), ("Good", "Bad", "Hot")
    size = sizes_of(backbone).total
    strange = Strangeness(
        gallery_of(planes_of(references)), 4.0, 2.0, np.array([-0.4, 0.5, 0.1], np.float32)
    )
    head = Head(
        labels=labels,
        reference=reference_of(references),
        middle=np.zeros(size, np.float32),
        scale=np.ones(size, np.float32),
        kernel=np.zeros((size, 3), np.float32),
        bias=np.array([0.1, 0.2, -0.1], np.float32),
        strength=1.0,
        share=1.0,
        strange=strange,
    )
    images = np.concatenate([maps(3, seed=2), dead(maps(3, seed=2), 3)])
    session = ort.InferenceSession(graft(backbone, head), providers=["CPUExecutionProvider"])
    probabilities = session.run(list(OUTPUTS), {INPUT: images})[0]
    logits = head.judge(backbone, np.stack([views_of(image) for image in images]))
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(probabilities - chance).max() < 1e-3
    assert np.ptp(probabilities[:, 1]) > 0.01


def test_given_strangeness_beyond_the_bound_when_brought_to_spreads_then_it_counts_as_the_bound():
    strange = Strangeness(np.zeros((1, 5, 2, 2), np.uint8), 1.0, 10.0, np.ones(2, np.float32))
    given = strange.spreads(np.array([-9.0, 1.0, 9.0], np.float32))
    assert given.tolist() == [-BOUND, 0.0, BOUND]


def test_given_ten_labels_a_class_when_fitted_then_single_dead_cells_are_found():
    good, bad = maps(10, seed=1), dead(maps(10, seed=2), 3)
    truth, runs = np.repeat([0, 1], 10), np.arange(20) % 10
    head = fit(shipped(), all_views(np.concatenate([good, bad])), truth, runs, ("Good", "Bad"))
    fresh = np.concatenate([maps(15, seed=4), dead(maps(15, seed=5), 6)])
    given = head.judge(shipped(), all_views(fresh)).argmax(axis=1)
    assert (given == np.repeat([0, 1], 15)).mean() >= 0.95
    cooler = replace(head, strange=None).cooled(2.0)
    assert np.allclose(cooler.kernel * 2, head.kernel)
