"""Shapes of invented detectors."""

import numpy as np
import pytest

from simulation.zoo import geometry


@pytest.mark.parametrize("rule", sorted(set(geometry.KINDS), key=lambda rule: rule.__name__))
def test_given_a_geometry_when_looked_at_then_cells_lie_where_their_middles_say(rule) -> None:
    for seed in range(6):
        found = rule(np.random.default_rng(seed))
        labels = found.labels(150, 170)
        assert labels.shape == (150, 170)
        assert labels.min() >= -1
        assert labels.max() < found.count
        seen = found.seen > 0
        assert seen.any()
        assert (found.middles[seen] > 0).all()
        assert (found.middles[seen] < 1).all()
        index = int(np.bincount(labels[labels >= 0]).argmax())
        rows, columns = np.nonzero(labels == index)
        assert (columns.mean() + 0.5) / 170 == pytest.approx(found.middles[index, 0], abs=0.03)
        assert 1 - (rows.mean() + 0.5) / 150 == pytest.approx(found.middles[index, 1], abs=0.03)
