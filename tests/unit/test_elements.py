"""Copies and fills of ek/elements.h at every alignment, for cores that need aligned words and for others."""

import ctypes

import numpy as np
import pytest
from support.native import shared_library

SOURCE = """
#define EK_ANY_ALIGNMENT {any_alignment}
#include "ek/elements.h"
void copy(int8_t *to, const int8_t *from, int32_t bytes) {{ ek_copy(to, from, bytes); }}
void fill(int8_t *to, int32_t pattern, int32_t bytes) {{ ek_fill(to, pattern, bytes); }}
"""
ROOM, MARK = 96, 0x5A


@pytest.fixture(scope="module", params=[0, 1], ids=["aligned_words_only", "words_anywhere"])
def library(request):
    return shared_library(SOURCE.format(any_alignment=request.param))


def _aligned(size):
    raw = np.full(size + 16, MARK, np.uint8)
    start = -raw.ctypes.data % 16
    return raw[start : start + size]


def _address(array, offset):
    return ctypes.c_void_p(array.ctypes.data + offset)


def test_a_copy_moves_its_bytes_and_no_others(library):
    source = _aligned(ROOM)
    source[:] = np.arange(ROOM)
    for to in range(4):
        for start in range(4):
            for count in [*range(24), 47, 64]:
                target = _aligned(ROOM)
                library.copy(_address(target, 8 + to), _address(source, start), count)
                expected = np.full(ROOM, MARK, np.uint8)
                expected[8 + to : 8 + to + count] = source[start : start + count]
                np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("value", [np.int8(-77), np.int16(-12345), np.int32(-1234567890)])
def test_a_fill_repeats_its_value_and_stays_inside(library, value):
    size = value.itemsize
    pattern = np.tile(np.array([value]), 4 // size).view(np.int32)[0]
    for offset in range(0, 8, size):
        for count in range(12):
            target = _aligned(ROOM)
            library.fill(_address(target, 8 + offset), ctypes.c_int32(pattern), count * size)
            expected = np.full(ROOM, MARK, np.uint8)
            expected[8 + offset : 8 + offset + count * size] = np.tile(np.array([value]), count).view(np.uint8)
            np.testing.assert_array_equal(target, expected)
