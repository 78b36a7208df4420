"""AVERAGE_POOL_2D: the mean of each window, the border not counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array
from edgekit.ops._pool import Pool2D


@dataclass(frozen=True)
class AveragePool2D(Pool2D):
    """Mean of each window, rounded half away from zero."""

    NAME: ClassVar[str] = "AVERAGE_POOL_2D"
    IS_MAX: ClassVar[bool] = False

    def reduce(self, taps: list[Array], count: Array | int) -> Array:
        """The sum, plus or minus half the count, divided with truncation."""
        total: Array = np.sum(taps, axis=0)
        half: Array = np.asarray(count) // 2
        return np.where(total > 0, (total + half) // count, -((half - total) // count))
