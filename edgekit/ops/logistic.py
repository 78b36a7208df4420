"""LOGISTIC: 1 / (1 + exp(-x)) of int8, in gemmlowp's fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir import fixed_point
from edgekit.ir.graph import Array, QuantParams, View
from edgekit.ir.quant import INT8_MAX, INT8_MIN, rounding_divide_by_pot
from edgekit.ops import _lut, _real
from edgekit.ops.base import Rule

_OUTPUT = QuantParams((1 / 256,), (INT8_MIN,))


@dataclass(frozen=True)
class Logistic(_lut.Unary):
    """Exact with tensorflow/lite/kernels/internal/reference/integer_ops/logistic.h."""

    NAME: ClassVar[str] = "LOGISTIC"
    OUTPUT_QUANT: ClassVar[QuantParams | None] = _OUTPUT
    RULES: ClassVar[tuple[Rule, ...]] = (*_lut.Unary.RULES, _lut.fixed_output(_OUTPUT))

    def function(self, x: Array) -> Array:
        """The logistic function."""
        return _real.sigmoid(x)

    def compute(self, view: View, q: Array) -> Array:
        """Saturated outside of what Q4 holds, else rounded from Q0 to 8 bits."""
        tensor = view.input(0)
        x, saturated = _lut.fixed_point_input(tensor.scale, q - tensor.zero_point)
        inside = np.clip(rounding_divide_by_pot(fixed_point.logistic(x, 4), 23) + INT8_MIN, INT8_MIN, INT8_MAX)
        return np.where(saturated < 0, INT8_MIN, np.where(saturated > 0, INT8_MAX, inside))
