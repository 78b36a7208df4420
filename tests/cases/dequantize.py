"""Cases of DEQUANTIZE."""

from __future__ import annotations

from support.graphs import Case, Spec, act, real

from edgekit.ir.graph import DType
from edgekit.ops.dequantize import Dequantize

CASES = (
    Case("int8", Dequantize(), (act((2, 3, 5, 7), 0.0371, 3),), (real(),)),
    Case("int8_all_values", Dequantize(), (act((1, 256), 1 / 3, -128),), (real(),)),
    Case("int8_rank_five", Dequantize(), (act((1, 2, 3, 2, 2), 1e-4, 127),), (real(),)),
    Case("int16", Dequantize(), (Spec((2, 3, 5), (0.00037,), (0,), dtype=DType.INT16),), (real(),)),
    Case("uint8", Dequantize(), (Spec((1, 256), (0.0371,), (17,), dtype=DType.UINT8),), (real(),)),
)

REFUSED = (
    ("and one output", Case("two_inputs", Dequantize(), (act((1, 4)), act((1, 4))), (real((1, 4)),))),
    ("to float32", Case("from_int32", Dequantize(), (Spec((4,), (0.1,), (0,), dtype=DType.INT32),), (real((4,)),))),
    ("to float32", Case("to_int8", Dequantize(), (act((1, 4)),), (act((1, 4)),))),
)
