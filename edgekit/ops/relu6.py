"""RELU6: min(max(x, 0), 6) of int8, clamped in the input's own scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, View
from edgekit.ir.quant import INT8_MAX, INT8_MIN, quantize_real
from edgekit.ops import _lut


@dataclass(frozen=True)
class Relu6(_lut.Unary):
    """Exact with Relu6Quantized of tensorflow/lite/micro/kernels/activations_common.cc.

    The output's scale is not looked at: the kernel takes it to be the input's.
    """

    NAME: ClassVar[str] = "RELU6"
    KEEPS_SCALE: ClassVar[bool] = True

    def function(self, x: Array) -> Array:
        """min(max(x, 0), 6)."""
        return np.clip(x, 0, 6)

    def compute(self, view: View, q: Array) -> Array:
        """Six first, then zero, as the kernel compares them."""
        tensor = view.input(0)
        six = min(max(quantize_real(6.0, tensor.scale, tensor.zero_point), INT8_MIN), INT8_MAX)
        return np.where(q > six, six, np.maximum(q, tensor.zero_point))
