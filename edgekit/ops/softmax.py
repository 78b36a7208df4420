"""SOFTMAX: exponentials of the last axis, divided by their sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.fixed_point import exp_on_negative_values, one_over_one_plus
from edgekit.ir.graph import Array, QuantParams, Shape, View
from edgekit.ir.quant import (
    INT8_MAX,
    INT8_MIN,
    doubling_high_multiply,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from edgekit.ops import _common as common
from edgekit.ops.base import Lowered, Op, Option, Rule

_DIFF_BITS = 5
_SUM_BITS = 12
_MAX_DEPTH = (1 << _SUM_BITS) - 1
_LEVELS = 256
_OUTPUT_SCALE = 1 / _LEVELS


@dataclass(frozen=True)
class Softmax(Op):
    """Softmax of the last axis, int8 to int8 with scale 1/256 and zero point -128.

    Exact with tensorflow/lite/kernels/internal/reference/softmax.h: exponentials in Q0, their sum in Q12, one
    reciprocal by Newton's method. A difference to the largest element is one of 256 values, so the
    exponentials are a table.
    """

    beta: float = 1.0

    NAME: ClassVar[str] = "SOFTMAX"
    FAMILY: ClassVar[str] = "softmax"
    OUTPUT_QUANT: ClassVar[QuantParams | None] = QuantParams((_OUTPUT_SCALE,), (INT8_MIN,))
    OPTIONS_TABLE: ClassVar[str] = "SoftmaxOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (Option("beta", "Beta", float),)
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(1, 1),
        common.int8_activations(0),
        Rule(
            says="its output has scale 1/256 and zero point -128",
            holds=lambda v: v.output.scale == _OUTPUT_SCALE and v.output.zero_point == INT8_MIN,
            attribute="quantisation",
            found=lambda v: v.output.quant,
            hint="convert the model again with a current TensorFlow Lite converter",
        ),
        Rule(
            says="its beta times the input's scale is a number above 2**-26",
            holds=lambda v: math.isfinite(_op(v).beta) and _op(v).beta * v.input(0).scale > 2.0**-26,
            attribute="beta",
            found=lambda v: f"{_op(v).beta}, input scale {v.input(0).scale}",
            hint="the model's output would be the same for every input",
        ),
        Rule(
            says=f"its last axis has at most {_MAX_DEPTH} elements",
            holds=lambda v: len(v.input(0).shape) > 0 and v.input(0).shape[-1] <= _MAX_DEPTH,
            attribute="shape",
            found=lambda v: v.input(0).shape,
            hint="the sum of more exponentials does not fit 32 bits",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape."""
        return (view.input(0).shape,)

    def exponentials(self, view: View) -> Array:
        """Q0 of exp(beta * scale * -d) for d = 0 .. 255; 0 where the difference is too large to count."""
        limit = float((1 << 31) - 1)
        real = min(self.beta * view.input(0).scale * (1 << (31 - _DIFF_BITS)), limit)
        factor = quantize_multiplier(real)
        radius = math.floor(((1 << _DIFF_BITS) - 1) * (1 << (31 - _DIFF_BITS)) / (1 << factor.shift))
        diff = -np.arange(min(radius + 1, _LEVELS), dtype=np.int64)
        table = np.zeros(_LEVELS, np.int64)
        scaled = doubling_high_multiply(diff << factor.shift, factor.value)
        table[: diff.size] = exp_on_negative_values(scaled, _DIFF_BITS)
        return table

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Exponentials from the table, times the reciprocal of their sum."""
        rows = values[0].reshape(-1, values[0].shape[-1]).astype(np.int64)
        exponentials = self.exponentials(view)[rows.max(axis=1, keepdims=True) - rows]
        total = rounding_divide_by_pot(exponentials, _SUM_BITS).sum(axis=1, keepdims=True)
        headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
        reciprocal = one_over_one_plus((total << headroom) - (1 << 31))
        exponent = _SUM_BITS - headroom + 31 - 8
        share = rounding_divide_by_pot(doubling_high_multiply(reciprocal, exponentials), np.minimum(exponent, 31))
        share = np.where(exponent > 31, 0, share)  # noqa: PLR2004  (tflite-micro stops here)
        return [common.clamp(share + INT8_MIN, INT8_MIN, INT8_MAX).reshape(values[0].shape)]

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """Exponentials of the distances to the largest element, over their sum."""
        del view
        scaled = self.beta * values[0]
        exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return [(exponentials / exponentials.sum(axis=-1, keepdims=True)).astype(np.float32)]

    def lower(self, view: View) -> Lowered:
        """Rows and depth; ``table`` of exponentials, ``entries`` long: differences beyond give 0."""
        table = self.exponentials(view)
        entries = int(np.flatnonzero(table)[-1]) + 1
        depth = view.input(0).shape[-1]
        return Lowered(
            {"rows": view.input(0).elements // depth, "depth": depth, "entries": entries},
            {"table": table[:entries].astype(np.int32)},
        )


def _op(view: View) -> Softmax:
    return common.op_of(view, Softmax)
