"""Unary functions of int8: each is 256 bytes, looked up; some are only a clamp."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, QuantParams, Shape, View, image_rows
from edgekit.ir.quant import INT8_MAX, INT8_MIN, requantize
from edgekit.ops import _common as common
from edgekit.ops.base import Lowered, Op, Rule

_ALL_INT8 = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)
_GEMMLOWP_BITS = 4


class Unary(Op):
    """An elementwise function int8 -> int8, given by ``compute``."""

    FAMILY: ClassVar[str] = "lut"
    ROWWISE: ClassVar[bool] = True
    RULES: ClassVar[tuple[Rule, ...]] = (common.counts(1, 1), common.int8_activations(0))

    @abstractmethod
    def compute(self, view: View, q: Array) -> Array:
        """The function's quantised value at each quantised input ``q`` (int64), in the int8 range."""

    @abstractmethod
    def function(self, x: Array) -> Array:
        """The function itself, of real numbers."""

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """The function at each element."""
        del view
        return [self.function(values[0]).astype(np.float32)]

    def table(self, view: View) -> Array:
        """The function at every int8, indexed by the input's byte read as unsigned: int8 (256)."""
        return byte_table(self.compute(view, _ALL_INT8))

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape."""
        return (view.input(0).shape,)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """The function at each element."""
        return [self.compute(view, values[0].astype(np.int64)).astype(np.int8)]

    def lower(self, view: View) -> Lowered:
        """Elements of a row and the table, or the clamp that does the same."""
        return lower_table(view, self.table(view))


def byte_table(values: Array) -> Array:
    """Values at -128 .. 127, reordered so that the input's byte is the index."""
    return np.roll(np.asarray(values).astype(np.int8), INT8_MIN)


def lower_table(view: View, table: Array) -> Lowered:
    """Ints and arrays of a ``lut`` kernel; ``clamp`` is 1 where two limits replace the table."""
    low, high = int(table.min()), int(table.max())
    ints = {"row": image_rows(view.output.shape)[2]}
    if np.array_equal(table, byte_table(np.clip(_ALL_INT8, low, high))):
        return Lowered({**ints, "clamp": 1, "act_min": low, "act_max": high})
    return Lowered({**ints, "clamp": 0}, {"table": table})


def fixed_point_input(scale: float, centred: Array) -> tuple[Array, Array]:
    """Q4 of the real input and -1, 0, 1 where it is saturated low, not at all, or high.

    ``centred`` is the quantised input less its zero point. As LOGISTIC and TANH prepare it
    (tensorflow/lite/micro/kernels/logistic_common.cc and CalculateInputRadius).
    """
    fraction, shift = math.frexp(scale * (1 << (31 - _GEMMLOWP_BITS)))
    multiplier = round(fraction * (1 << 31))  # exact: a float32 scale has 24 bits
    radius = math.floor(math.ldexp(((1 << _GEMMLOWP_BITS) - 1) << (31 - _GEMMLOWP_BITS), -shift))
    saturated = np.where(centred <= -radius, -1, np.where(centred >= radius, 1, 0))
    inside = np.where(saturated == 0, centred, 0)
    return requantize(inside, multiplier, shift), saturated


def fixed_output(quant: QuantParams) -> Rule:
    """The rule that the output is quantised as TensorFlow Lite defines it for this op."""
    scale, zero_point = quant.scale[0], quant.zero_point[0]
    return Rule(
        says=f"its output has scale 1/{round(1 / scale)} and zero point {zero_point}",
        holds=lambda v: (v.output.scale, v.output.zero_point) == (scale, zero_point),
        attribute="scale, zero point",
        found=lambda v: (v.output.scale, v.output.zero_point),
        hint="convert the model again with a current TensorFlow Lite converter",
    )
