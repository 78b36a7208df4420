"""TANH: hyperbolic tangent of int8, in gemmlowp's fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir import fixed_point
from edgekit.ir.graph import Array, QuantParams, View
from edgekit.ir.quant import INT8_MAX, INT8_MIN, rounding_divide_by_pot
from edgekit.ops import _lut
from edgekit.ops.base import Rule

_OUTPUT = QuantParams((1 / 128,), (0,))


@dataclass(frozen=True)
class Tanh(_lut.Unary):
    """Exact with tensorflow/lite/kernels/internal/reference/integer_ops/tanh.h."""

    NAME: ClassVar[str] = "TANH"
    OUTPUT_QUANT: ClassVar[QuantParams | None] = _OUTPUT
    RULES: ClassVar[tuple[Rule, ...]] = (*_lut.Unary.RULES, _lut.fixed_output(_OUTPUT))

    def function(self, x: Array) -> Array:
        """The hyperbolic tangent."""
        return np.tanh(x)

    def compute(self, view: View, q: Array) -> Array:
        """Saturated outside of what Q4 holds, else rounded from Q0 to 8 bits."""
        tensor = view.input(0)
        x, saturated = _lut.fixed_point_input(tensor.scale, q - tensor.zero_point)
        inside = np.clip(rounding_divide_by_pot(fixed_point.tanh(x, 4), 24), INT8_MIN, INT8_MAX)
        return np.where(saturated < 0, INT8_MIN, np.where(saturated > 0, INT8_MAX, inside))
