"""The one rounding: the NumPy form against exact rational arithmetic, and its C twin against it."""

import ctypes
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.native import shared_library

from edgekit.ir import quant

INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIER = st.integers(2**30, 2**31 - 1)

C_TWIN = """
#include "ek/requantize.h"
void twin(const int32_t *acc, const int32_t *value, const int32_t *shift, int32_t *result, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        result[i] = ek_requantize(acc[i], value[i], shift[i]);
    }
}
"""


@given(st.floats(1e-9, 1e6))
def test_a_multiplier_is_within_half_a_unit_of_the_real_number(real):
    m = quant.quantize_multiplier(real)
    assert 2**30 <= m.value < 2**31
    exact = Fraction(real)
    found = Fraction(m.value) * Fraction(2) ** (m.shift - 31)
    assert abs(found - exact) <= Fraction(2) ** (m.shift - 32)


def test_zero_and_underflow_give_the_zero_multiplier():
    assert quant.quantize_multiplier(0.0) == quant.Multiplier(0, 0)
    assert quant.quantize_multiplier(2.0**-40) == quant.Multiplier(0, 0)


@given(INT32, MULTIPLIER)
def test_high_multiply_rounds_to_nearest(a, b):
    found = int(quant.doubling_high_multiply(np.int64(a), np.int64(b)))
    exact = Fraction(a * b, 2**31)
    assert abs(found - exact) <= Fraction(1, 2)


@given(INT32, st.integers(0, 31))
def test_the_rounding_shift_breaks_ties_away_from_zero(x, exponent):
    found = int(quant.rounding_divide_by_pot(np.int64(x), exponent))
    exact = Fraction(x, 2**exponent)
    away = int(exact + Fraction(1, 2)) if exact >= 0 else -int(-exact + Fraction(1, 2))
    assert found == away


@given(st.integers(-(2**20), 2**20), MULTIPLIER, st.integers(-20, 8))
def test_requantize_is_close_to_the_real_product(acc, value, shift):
    found = int(quant.requantize(np.int64(acc), value, shift))
    exact = Fraction(acc) * value * Fraction(2) ** (shift - 31)
    if abs(exact) < 2**30:
        assert abs(found - exact) <= 1 + Fraction(2) ** min(shift, 0)


@pytest.fixture(scope="module")
def c_twin():
    return shared_library(C_TWIN).twin


def test_the_c_twin_gives_the_same_values(c_twin):
    generator = np.random.default_rng(1)
    edge = np.array([-(2**31), -(2**31) + 1, -(2**30), -3, -2, -1, 0, 1, 2, 3, 2**30, 2**31 - 1], np.int64)
    acc = np.concatenate([np.repeat(edge, 400), generator.integers(-(2**31), 2**31, 100_000)])
    value = generator.integers(2**30, 2**31, acc.size)
    value[::7] = np.resize([2**30, 2**31 - 1, 2**30 + 1], value[::7].size)
    shift = generator.integers(-31, 9, acc.size)
    result = np.zeros(acc.size, np.int32)
    arrays = [x.astype(np.int32) for x in (acc, value, shift)]
    pointer = ctypes.POINTER(ctypes.c_int32)
    c_twin(*(a.ctypes.data_as(pointer) for a in [*arrays, result]), ctypes.c_int32(acc.size))
    np.testing.assert_array_equal(result, quant.wrap_int32(quant.requantize(acc, value, shift)))
