"""The one rounding of the project: fixed-point requantisation as TensorFlow Lite Micro does it.

``requantize`` is ``MultiplyByQuantizedMultiplier`` with double rounding (tensorflow/lite/kernels/internal/
common.h with TFLITE_SINGLE_ROUNDING off): a doubling high multiply that rounds to nearest, then a right
shift that rounds half away from zero. Its C twin is ``ek_requantize`` in firmware/include/ek/requantize.h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.ir.graph import Array

INT8_MIN, INT8_MAX = -128, 127
_Q31 = 1 << 31
_MIN_EXPONENT, _MAX_EXPONENT = -31, 30


@dataclass(frozen=True)
class Multiplier:
    """A positive real number as value * 2**(shift - 31), value in [2**30, 2**31) or 0.

    A positive ``shift`` is a left shift, a negative one a rounding right shift.
    """

    value: int
    shift: int


def quantize_multiplier(real: float) -> Multiplier:
    """Fixed-point form of ``real`` >= 0 (tensorflow/lite/kernels/internal/quantization_util.cc)."""
    if real == 0.0:
        return Multiplier(0, 0)
    fraction, exponent = math.frexp(real)
    value = _round_half_away(fraction * _Q31)
    if value == _Q31:
        value //= 2
        exponent += 1
    if exponent < _MIN_EXPONENT:
        return Multiplier(0, 0)
    if exponent > _MAX_EXPONENT:
        return Multiplier(_Q31 - 1, _MAX_EXPONENT)
    return Multiplier(value, exponent)


def _round_half_away(x: float) -> int:
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def wrap_int32(x: Array) -> Array:
    """``x`` reduced to 32-bit two's complement, as int64."""
    return ((x.astype(np.int64) + _Q31) & 0xFFFFFFFF) - _Q31


def doubling_high_multiply(a: Array, b: Array | int) -> Array:
    """Gemmlowp SaturatingRoundingDoublingHighMul on int32 values held as int64.

    The product is rounded half away from zero by a truncating division; only the one saturating case
    -2**31 * -2**31 is special.
    """
    a64 = np.asarray(a, np.int64)
    b64 = np.asarray(b, np.int64)
    product = a64 * b64
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    return np.where((a64 == -_Q31) & (b64 == -_Q31), _Q31 - 1, high)


def rounding_divide_by_pot(x: Array, exponent: Array | int) -> Array:
    """Gemmlowp RoundingDivideByPOT: x / 2**exponent, half away from zero; ``exponent`` in [0, 31]."""
    x64 = np.asarray(x, np.int64)
    e64 = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << e64) - 1
    remainder = x64 & mask
    threshold = (mask >> 1) + (x64 < 0)
    return (x64 >> e64) + (remainder > threshold)


def requantize(acc: Array, value: Array | int, shift: Array | int) -> Array:
    """Scale int32 accumulators by a Multiplier, elementwise or broadcast; returns int64 before any clamp.

    The left shift wraps at 32 bits as the C code does.
    """
    s = np.asarray(shift, np.int64)
    left = np.maximum(s, 0)
    right = np.maximum(-s, 0)
    shifted = wrap_int32(np.asarray(acc, np.int64) << left)
    return rounding_divide_by_pot(doubling_high_multiply(shifted, value), right)


def nearest(values: Array) -> Array:
    """Whole numbers, halves away from zero, still as floats."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values)


def quantize_reals(values: Array, scale: float, zero_point: int, dtype: np.dtype[Any] | type) -> Array:
    """Real values as integers of ``dtype``: round(x / scale) + zero point in double precision, clamped."""
    info = np.iinfo(dtype)
    return np.clip(nearest(values.astype(np.float64) / scale) + zero_point, info.min, info.max).astype(dtype)


def quantize_real(real: float, scale: float, zero_point: int) -> int:
    """The int8 value nearest to ``real``, unclamped (float32 division, half away from zero)."""
    return zero_point + _round_half_away(float(np.float32(real) / np.float32(scale)))
