"""RELU: max(x, 0) of int8, requantised to the output's scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, View
from edgekit.ir.quant import INT8_MAX, INT8_MIN, quantize_multiplier, requantize
from edgekit.ops import _lut


@dataclass(frozen=True)
class Relu(_lut.Unary):
    """Exact with ReluQuantized of tensorflow/lite/micro/kernels/activations_common.cc."""

    NAME: ClassVar[str] = "RELU"

    def function(self, x: Array) -> Array:
        """max(x, 0)."""
        return np.maximum(x, 0)

    def compute(self, view: View, q: Array) -> Array:
        """Requantised, then clamped from the zero point up."""
        source, target = view.input(0), view.output
        factor = quantize_multiplier(source.scale / target.scale)
        scaled = requantize(q - source.zero_point, factor.value, factor.shift) + target.zero_point
        return np.minimum(np.maximum(scaled, max(INT8_MIN, target.zero_point)), INT8_MAX)
