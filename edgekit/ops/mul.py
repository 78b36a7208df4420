"""MUL: the product of two tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgekit.ir.graph import Array, View
from edgekit.ir.quant import Multiplier, quantize_multiplier, requantize
from edgekit.ops import _common as common
from edgekit.ops._binary import Binary, operands
from edgekit.ops.base import Lowered


@dataclass(frozen=True)
class Mul(Binary):
    """Product of two int8 operands.

    Exact with tensorflow/lite/kernels/internal/reference/integer_ops/mul.h.
    """

    NAME: ClassVar[str] = "MUL"
    FAMILY: ClassVar[str] = "mul"
    OPTIONS_TABLE: ClassVar[str] = "MulOptions"

    def combine(self, first: Array, second: Array) -> Array:
        """Product."""
        return first * second

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """The product of the operands less their zero points, rescaled."""
        first, second = operands(values, view)
        factor = self._multiplier(view)
        product = requantize(first * second, factor.value, factor.shift) + view.output.zero_point
        return [common.clamp(product, *common.activation_range(self.activation, view.output))]

    def lower(self, view: View) -> Lowered:
        """Walk, zero points, multiplier, clamps."""
        act_min, act_max = common.activation_range(self.activation, view.output)
        factor = self._multiplier(view)
        return Lowered(
            {
                **self.walk(view),
                "in0_zp": view.input(0).zero_point,
                "in1_zp": view.input(1).zero_point,
                "out_zp": view.output.zero_point,
                "out_multiplier": factor.value,
                "out_shift": factor.shift,
                "act_min": act_min,
                "act_max": act_max,
            }
        )

    @staticmethod
    def _multiplier(view: View) -> Multiplier:
        return quantize_multiplier(view.input(0).scale * view.input(1).scale / view.output.scale)
