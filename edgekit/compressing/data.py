"""The labelled samples of a compression: trained on and judged by, never the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import sample_files
from edgekit.compress import training
from edgekit.errors import DataError, Problem
from edgekit.ir.graph import Array

CALIBRATION = 500
"""At most so many training samples set ranges and judge channels."""
_TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Data:
    """Labelled float samples in two parts: trained on, judged by. ``note`` says how they were parted."""

    x: Array
    y: Array
    test_x: Array
    test_y: Array
    sha256: str
    note: str

    @property
    def few(self) -> tuple[Array, Array]:
        """CALIBRATION training samples and their labels, from all over: files are often sorted."""
        chosen = np.random.default_rng(0).permutation(len(self.x))[:CALIBRATION]
        return self.x[chosen], self.y[chosen]


def read(path: Path, seed: int) -> Data:
    """``inputs`` and ``labels`` of a .npz, with ``test_inputs`` and ``test_labels`` or a fifth of them for these.

    Raises:
        DataError: everything that is missing or damaged.
    """
    arrays = sample_files.read(path)
    missing = [n for n in ("inputs", "labels") if n not in arrays]
    if ("test_inputs" in arrays) != ("test_labels" in arrays):
        missing.append("test_labels" if "test_inputs" in arrays else "test_inputs")
    if missing:
        hint = "write it with numpy.savez(file, inputs=..., labels=..., test_inputs=..., test_labels=...)"
        raise DataError(*(Problem(f"there is no array '{n}'", str(path), hint=hint) for n in missing))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    x, y = arrays["inputs"].astype(np.float32), arrays["labels"].reshape(-1)
    if "test_inputs" in arrays:
        test_x, test_y = arrays["test_inputs"].astype(np.float32), arrays["test_labels"].reshape(-1)
        return Data(x, y, test_x, test_y, sha256, f"{len(x):,} to train, {len(test_x):,} of the file's own to judge")
    if not x.ndim or len(x) != len(y) or len(x) < 2:  # noqa: PLR2004  (one on either side)
        hint = "give two samples or more, and a class number for each"
        raise DataError(
            Problem("there is not one label a sample", str(path), f"{y.shape} labels", f"{x.shape} samples", hint)
        )
    order = np.random.default_rng(seed).permutation(len(x))
    cut = max(1, int(len(x) * _TEST_SHARE))
    rest, judged = np.sort(order[cut:]), np.sort(order[:cut])
    note = f"{len(rest):,} to train, {cut:,} taken out at random to judge"
    return Data(x[rest], y[rest], x[judged], y[judged], sha256, note)


def check(model: Any, given: Data, source: str) -> None:
    """Raise DataError with everything about both parts that does not fit the model."""
    wrong: list[Problem] = []
    for x, y, names in (
        (given.x, given.y, {"samples": "inputs", "labels": "labels"}),
        (given.test_x, given.test_y, {"samples": "test_inputs", "labels": "test_labels"}),
    ):
        try:
            training.check(model, x, y)
        except DataError as error:
            told = (replace(p, where=f"{source}, {names[p.where]}" if p.where in names else p.where)
                    for p in error.problems)  # fmt: skip
            wrong.extend(p for p in told if p not in wrong)
    if wrong:
        raise DataError(*wrong)
