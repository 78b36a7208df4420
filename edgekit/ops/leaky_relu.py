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

    def function(self, x: Array) -> Array:
        """x, or alpha * x below 0."""
        return np.where(x >= 0, x, self.alpha * x)

    def compute(self, view: View, q: Array) -> Array:
        """One factor for each side of zero, both worked out in double."""
        source, target = view.input(0), view.output
        centred = q - source.zero_point
        above = _scaled(centred, source.scale / target.scale)
        below = _scaled(centred, source.scale * self.alpha / target.scale)
        return np.clip(np.where(centred >= 0, above, below) + target.zero_point, INT8_MIN, INT8_MAX)


def _scaled(x: Array, real: float) -> Array:
    """``x`` times ``real``; a negative factor negates what its magnitude gives, which is how tflite-micro rounds it."""
    factor = quantize_multiplier(abs(real))
    scaled = requantize(x, factor.value, factor.shift)
    return -scaled if real < 0 else scaled
