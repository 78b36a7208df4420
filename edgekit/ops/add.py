"""ADD: the sum of two tensors, each rescaled to a common fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgekit.ir.graph import Array, View
from edgekit.ir.quant import quantize_multiplier, requantize
from edgekit.ops import _common as common
from edgekit.ops._binary import Binary, operands
from edgekit.ops.base import Lowered

LEFT_SHIFT = 20


@dataclass(frozen=True)
class Add(Binary):
    """Sum of two int8 operands.

    Exact with tensorflow/lite/kernels/internal/reference/integer_ops/add.h, whose fixed point has 20 more bits.
    """

    NAME: ClassVar[str] = "ADD"
    FAMILY: ClassVar[str] = "add"
    OPTIONS_TABLE: ClassVar[str] = "AddOptions"
    SIGN: ClassVar[int] = 1

    def multipliers(self, view: View) -> tuple[float, float, float]:
        """Real factors of the operands and of the sum, in double (tensorflow/lite/micro/kernels/add_common.cc)."""
        first, second, out = view.input(0).scale, view.input(1).scale, view.output.scale
        twice = 2 * max(first, second)
        return first / twice, second / twice, twice / ((1 << LEFT_SHIFT) * out)

    def combine(self, first: Array, second: Array) -> Array:
        """Sum, or difference for SUB."""
        return first + self.SIGN * second

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Both operands rescaled, added or subtracted, rescaled again."""
        factors = [quantize_multiplier(real) for real in self.multipliers(view)]
        scaled = [
            requantize(x << LEFT_SHIFT, f.value, f.shift) for x, f in zip(operands(values, view), factors, strict=False)
        ]
        total = requantize(scaled[0] + self.SIGN * scaled[1], factors[2].value, factors[2].shift)
        low, high = common.activation_range(self.activation, view.output)
        return [common.clamp(total + view.output.zero_point, low, high)]

    def lower(self, view: View) -> Lowered:
        """Walk, zero points, three multipliers, clamps; ``subtract`` tells SUB from ADD."""
        act_min, act_max = common.activation_range(self.activation, view.output)
        ints = {
            **self.walk(view),
            "in0_zp": view.input(0).zero_point,
            "in1_zp": view.input(1).zero_point,
            "out_zp": view.output.zero_point,
            "act_min": act_min,
            "act_max": act_max,
            "left_shift": LEFT_SHIFT,
            "subtract": int(self.SIGN < 0),
        }
        for name, real in zip(("in0", "in1", "out"), self.multipliers(view), strict=True):
            factor = quantize_multiplier(real)
            ints |= {f"{name}_multiplier": factor.value, f"{name}_shift": factor.shift}
        return Lowered(ints)
