"""What a layer's accumulators can become: the facts fast kernels need to be exact.

A filter's accumulator lies between two bounds that follow from its weights, its bias and the int8 range of its
input. A channel whose output is the same at both bounds is constant, because requantisation never decreases: dead
channels of pruned models are of that kind, often with biases and shifts that no fast kernel could bear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.ir.graph import Array
from edgekit.ir.quant import INT8_MAX, INT8_MIN, requantize

_INT32_MAX = (1 << 31) - 1
_PACKED_BITS = 22


@dataclass(frozen=True)
class Channels:
    """Per output channel: whether its output is ``fixed``, and the ``value`` it then has; ``peak`` bounds |sum|."""

    fixed: Array
    value: Array
    peak: Array


def channels(
    filters: Array, bias: Array, multiplier: Array, shift: Array, *, in_zp: int, out: tuple[int, int, int]
) -> Channels:
    """Facts of every channel of ``filters`` (channels, taps); ``out`` is zero point, smallest and largest output.

    Taps over the border contribute nothing, as an input equal to the zero point does.
    """
    weights = filters.astype(np.int64)
    least, most = weights * (INT8_MIN - in_zp), weights * (INT8_MAX - in_zp)
    low = bias.astype(np.int64) + np.minimum(least, most).sum(axis=1)
    high = bias.astype(np.int64) + np.maximum(least, most).sum(axis=1)
    peak = np.maximum(np.abs(low), np.abs(high))
    zero_point, act_min, act_max = out
    bounds = [np.clip(requantize(end, multiplier, shift) + zero_point, act_min, act_max) for end in (low, high)]
    # A left shift may wrap, and then the order of the bounds says nothing.
    safe = peak << np.maximum(shift, 0).astype(np.int64) <= _INT32_MAX
    return Channels(safe & (bounds[0] == bounds[1]), bounds[0], peak)


def summary(facts: Channels, filters: Array, shift: Array) -> dict[str, int]:
    """The facts as ints, over the channels that are not fixed.

    ``acc_bits``: every sum lies strictly between -2**acc_bits and 2**acc_bits; ``right_shift_min`` and ``_max``: of
    the requantisation (1 if no channel is left); ``packable``: whether two channels may share 16 bits (sums below
    2**22, weights above -128), as firmware/include/ek/dsp.h wants.
    """
    live = ~facts.fixed
    right = -shift[live].astype(np.int64)
    acc_bits = int(facts.peak[live].max()).bit_length() if live.any() else 0
    smallest = int(filters[live].min()) if live.any() and filters.size else 0
    return {
        "acc_bits": acc_bits,
        "right_shift_min": int(right.min()) if live.any() else 1,
        "right_shift_max": int(right.max()) if live.any() else 1,
        "packable": int(acc_bits <= _PACKED_BITS and smallest >= -INT8_MAX),
    }
