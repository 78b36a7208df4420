"""The data that accuracy is measured on: fixed sizes, no leak from training to test."""

from __future__ import annotations

import numpy as np
import pytest
from support import datasets


@pytest.mark.parametrize(
    ("name", "sizes", "shape", "classes"),
    [("watch", (4874, 372, 773), (128, 1, 6), 7), ("digits", (3500, 500, 1000), (28, 28, 1), 10)],
)
def test_splits_have_the_sizes_shapes_and_classes_they_promise(name, sizes, shape, classes):
    data = datasets.SETS[name]()
    parts = (data.train, data.validate, data.test)
    assert tuple(len(p) for p in parts) == sizes
    assert data.shape == shape
    assert data.classes == classes
    for part in parts:
        assert part.x.shape == (len(part.y), *shape)
        assert part.x.dtype == np.float32
        assert np.isfinite(part.x).all()
    assert set(np.unique(data.train.y)) == set(np.unique(data.test.y)) == set(range(classes))
    seen = {x.tobytes() for x in data.train.x}
    assert not any(x.tobytes() in seen for x in data.test.x)
