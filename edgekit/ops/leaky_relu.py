"""LEAKY_RELU: x for x >= 0, alpha * x below, of int8, requantised to the output's scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, View
from edgekit.ir.quant import INT8_MAX, INT8_MIN, quantize_multiplier, requantize
from edgekit.ops import _lut
from edgekit.ops.base import Option


@dataclass(frozen=True)
class LeakyRelu(_lut.Unary):
    """Exact with tensorflow/lite/kernels/internal/reference/leaky_relu.h; ``alpha`` may be negative or above 1."""

    alpha: float = 0.0

    NAME: ClassVar[str] = "LEAKY_RELU"
    OPTIONS_TABLE: ClassVar[str] = "LeakyReluOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (Option("alpha", "Alpha", float),)

    def compute(self, view: View, q: Array) -> Array:
        """One factor for each side of zero, both worked out in double."""
        source, target = view.input(0), view.output
        below = quantize_multiplier(source.scale * self.alpha / target.scale)
        above = quantize_multiplier(source.scale / target.scale)
        centred = q - source.zero_point
        scaled = np.where(
            centred >= 0,
            requantize(centred, above.value, above.shift),
            requantize(centred, below.value, below.shift),
        )
        return np.clip(scaled + target.zero_point, INT8_MIN, INT8_MAX)
