"""What the tables of additions hold, whichever kernel reads them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.ir.graph import Array
from edgekit.ir.quant import requantize

HALF = 1 << 30
"""The multiplier that is a half."""


def contributions(ints: Mapping[str, int]) -> Array:
    """What the operand of an addition with the smaller scale contributes, by its byte: int64, 256 entries.

    Less the zero point of the other one, whose factor is exactly 1/2; subtracted operands are negated.
    """
    fine, coarse = (1, 0) if ints["in0_multiplier"] == HALF and ints["in0_shift"] == 0 else (0, 1)
    signs = (1, -1 if ints["subtract"] else 1)
    values = np.arange(256, dtype=np.uint8).astype(np.int8).astype(np.int64) - ints[f"in{fine}_zp"]
    shift = ints["left_shift"]
    scaled = requantize(values << shift, ints[f"in{fine}_multiplier"], ints[f"in{fine}_shift"])
    return signs[fine] * scaled.astype(np.int64) - signs[coarse] * (ints[f"in{coarse}_zp"] << (shift - 1))
