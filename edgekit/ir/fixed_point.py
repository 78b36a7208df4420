"""Fixed-point exponential, logistic and tanh, byte-equal to gemmlowp's (fixedpoint/fixedpoint.h).

A number in Qm is an int32 with m integer bits and 31 - m fractional bits, held in int64 arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.ir.quant import doubling_high_multiply, rounding_divide_by_pot

if TYPE_CHECKING:
    from edgekit.ir.graph import Array

_INT32_MIN, _INT32_MAX = -(1 << 31), (1 << 31) - 1
_ONE_Q0 = _INT32_MAX
_EXP_MINUS_ONE_EIGHTH = 1895147668
_ONE_THIRD = 715827883
# exp(-2**k) in Q0, for k = -2, -1 ...
_EXP_MINUS_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
# 48/17 and -32/17 in Q2: the start of a Newton-Raphson division over [1/2, 1]
_48_OVER_17 = 1515870810
_MINUS_32_OVER_17 = -1010580540


def multiply_by_pot(x: Array, exponent: int) -> Array:
    """``x`` * 2**exponent: rounded half away from zero, or saturated to 32 bits."""
    if exponent <= 0:
        return rounding_divide_by_pot(x, -exponent)
    limit = (1 << (31 - exponent)) - 1
    shifted = np.asarray(x, np.int64) << exponent
    return np.where(x > limit, _INT32_MAX, np.where(x < -limit, _INT32_MIN, shifted))


def exp_on_negative_values(a: Array, integer_bits: int) -> Array:
    """Q0 of exp(a) for ``a`` <= 0 in Q(integer_bits)."""
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    reduced = (np.asarray(a, np.int64) & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(multiply_by_pot(reduced, integer_bits))
    remainder = reduced - a
    for k, factor in enumerate(_EXP_MINUS_POWERS, start=-2):
        if integer_bits > k:
            chosen = (remainder & (1 << (fractional_bits + k))) != 0
            result = np.where(chosen, doubling_high_multiply(result, factor), result)
    if integer_bits > 5:  # noqa: PLR2004  (below -32 the result is zero)
        result = np.where(a < -(1 << (36 - integer_bits)), 0, result)
    return np.where(np.asarray(a) == 0, _ONE_Q0, result)


def _exp_between_minus_quarter_and_zero(a: Array) -> Array:
    """Q0 of exp(a) for a in [-1/4, 0), by a Taylor expansion about -1/8."""
    x = a + (1 << 28)
    x2 = doubling_high_multiply(x, x)
    x3 = doubling_high_multiply(x2, x)
    x4_over_4 = multiply_by_pot(doubling_high_multiply(x2, x2), -2)
    tail = multiply_by_pot(doubling_high_multiply(x4_over_4 + x3, _ONE_THIRD) + x2, -1)
    return _EXP_MINUS_ONE_EIGHTH + doubling_high_multiply(x + tail, _EXP_MINUS_ONE_EIGHTH)


def _two_over_one_plus(a: Array) -> Array:
    """Q2 of 2 / (1 + a) for a in [0, 1] in Q0."""
    total = np.asarray(a, np.int64) + _ONE_Q0
    half_denominator = (total + 1) >> 1  # the sum is never negative, so its half rounds up
    x = _48_OVER_17 + doubling_high_multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        error = (1 << 29) - doubling_high_multiply(half_denominator, x)
        x = x + multiply_by_pot(doubling_high_multiply(x, error), 2)
    return x


def one_over_one_plus(a: Array) -> Array:
    """Q0 of 1 / (1 + a) for ``a`` in [0, 1] in Q0."""
    return multiply_by_pot(_two_over_one_plus(a), 1)


def logistic(a: Array, integer_bits: int) -> Array:
    """Q0 of 1 / (1 + exp(-a)) for ``a`` in Q(integer_bits)."""
    positive = one_over_one_plus(exp_on_negative_values(-np.abs(a), integer_bits))
    return np.where(a == 0, 1 << 30, np.where(a > 0, positive, _ONE_Q0 - positive))


def tanh(a: Array, integer_bits: int) -> Array:
    """Q0 of the hyperbolic tangent of ``a`` in Q(integer_bits)."""
    exponential = exp_on_negative_values(-np.abs(a), integer_bits + 1)
    magnitude = multiply_by_pot(_two_over_one_plus(exponential) - (1 << 29), 2)
    return np.where(a == 0, 0, np.where(a < 0, -magnitude, magnitude))
