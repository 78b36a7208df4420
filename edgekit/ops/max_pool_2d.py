"""MAX_POOL_2D: the largest element of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array
from edgekit.ops._pool import Pool2D


@dataclass(frozen=True)
class MaxPool2D(Pool2D):
    """Maximum of each window."""

    NAME: ClassVar[str] = "MAX_POOL_2D"
    IS_MAX: ClassVar[bool] = True

    def reduce(self, taps: list[Array], count: Array | int) -> Array:
        """The largest tap."""
        del count
        return np.max(taps, axis=0)
