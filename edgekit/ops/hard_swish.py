"""HARD_SWISH: x * relu6(x + 3) / 6 of int8, in 16-bit fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, View
from edgekit.ir.quant import INT8_MAX, INT8_MIN, Multiplier, quantize_multiplier
from edgekit.ops import _lut
from edgekit.ops.base import Rule

_INT16_MIN, _INT16_MAX = -(1 << 15), (1 << 15) - 1
_INT32_MAX = (1 << 31) - 1


@dataclass(frozen=True)
class HardSwish(_lut.Unary):
    """Exact with tensorflow/lite/kernels/internal/reference/hard_swish.h."""

    NAME: ClassVar[str] = "HARD_SWISH"
    RULES: ClassVar[tuple[Rule, ...]] = (
        *_lut.Unary.RULES,
        Rule(
            says="its output scale is larger than a 128th of its input scale",
            holds=lambda v: _output_multiplier(v).shift <= 0,
            attribute="scales",
            found=lambda v: (v.input(0).scale, v.output.scale),
            hint="calibrate the model again: the output range is far too small for the input range",
        ),
    )

    def function(self, x: Array) -> Array:
        """The product of x and relu6(x + 3), over 6."""
        return x * np.clip(x + 3, 0, 6) / 6

    def compute(self, view: View, q: Array) -> Array:
        """The value on the output scale, unshifted, times a relu-like factor in [0, 1], then shifted."""
        hires = (q - view.input(0).zero_point) << 7
        output = _output_multiplier(view)
        value = _high_multiply(hires, _to_int16(output.value), rounding=True)
        factor = _relu_factor(hires, _reluish_multiplier(view))
        product = _high_multiply(factor, value, rounding=False)
        shifted = _divide_by_pot(product, -output.shift)
        return np.clip(_wrap_int16(shifted + view.output.zero_point), INT8_MIN, INT8_MAX)


def _hires_scale(view: View) -> np.float32:
    return np.float32(1 / 128) * np.float32(view.input(0).scale)


def _output_multiplier(view: View) -> Multiplier:
    return quantize_multiplier(float(_hires_scale(view) / np.float32(view.output.scale)))


def _reluish_multiplier(view: View) -> Multiplier:
    return quantize_multiplier(float(_hires_scale(view) / np.float32(3 / 32768)))


def _relu_factor(hires: Array, multiplier: Multiplier) -> Array:
    """(x + 3) / 6 limited to [0, 1], in Q15."""
    factor = hires
    if multiplier.shift > 0:
        factor = np.clip(factor << (multiplier.shift - 1), _INT16_MIN, _INT16_MAX)
    factor = _high_multiply(factor, _to_int16(multiplier.value), rounding=True)
    if multiplier.shift > 0:
        factor = np.clip(factor << 1, _INT16_MIN, _INT16_MAX)
    if multiplier.shift < 0:
        factor = _divide_by_pot(factor, -multiplier.shift)
    return (factor + (1 << 15)) >> 1


def _to_int16(value: int) -> int:
    """A 32-bit multiplier with 16 bits (DownScaleInt32ToInt16Multiplier)."""
    half = 1 << 15
    return _INT16_MAX if value >= _INT32_MAX - half else (value + half) >> 16


def _high_multiply(a: Array, b: Array | int, *, rounding: bool) -> Array:
    """High half of 2 * a * b for 16-bit values, rounded half away from zero or cut towards it."""
    product = a * b
    if rounding:
        product = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    high = np.where(product >= 0, product >> 15, -((-product) >> 15))
    return np.where((a == _INT16_MIN) & (np.asarray(b) == _INT16_MIN), _INT16_MAX, high)


def _divide_by_pot(x: Array, exponent: int) -> Array:
    """RoundingDivideByPOT on int16: beyond 15 bits its mask is all ones, which the reference does not notice."""
    mask = _wrap_int16(np.array((1 << exponent) - 1, np.int64))
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def _wrap_int16(x: Array) -> Array:
    return ((x + (1 << 15)) & 0xFFFF) - (1 << 15)
