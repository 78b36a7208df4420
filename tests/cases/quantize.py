"""Cases of QUANTIZE."""

from __future__ import annotations

from support.graphs import Case, Spec, act, real

from edgekit.ir.graph import DType
from edgekit.ops.quantize import Quantize


def _int(dtype: DType, shape: tuple[int, ...] = (), scale: float = 0.05, zero_point: int = 0) -> Spec:
    return Spec(shape, (scale,), (zero_point,), dtype=dtype)


IMAGE = (2, 3, 5, 7)
ALL_BYTES = (1, 256)

CASES = (
    Case("float_to_int8", Quantize(), (real(IMAGE),), (act(scale=0.05, zero_point=3),)),
    Case("float_to_int8_saturates", Quantize(), (real((1, 49)),), (act(scale=0.001, zero_point=-128),)),
    Case("float_to_int8_halves", Quantize(), (real((1, 9)),), (act(scale=40.0, zero_point=0),)),
    Case("float_to_int8_rank_five", Quantize(), (real((1, 2, 3, 2, 2)),), (act(scale=0.2, zero_point=127),)),
    Case("float_to_int16", Quantize(), (real((1, 5, 3)),), (_int(DType.INT16, scale=0.0005),)),
    Case("int8_to_int8", Quantize(), (act(ALL_BYTES, 0.05, 3),), (act(scale=0.037, zero_point=-11),)),
    Case("int8_to_int8_unchanged", Quantize(), (act(IMAGE, 0.05, 3),), (act(scale=0.05, zero_point=3),)),
    Case("int8_to_int8_moved", Quantize(), (act(ALL_BYTES, 0.05, 3),), (act(scale=0.05, zero_point=-3),)),
    Case("int8_to_int8_far_finer", Quantize(), (act(ALL_BYTES, 0.9, 3),), (act(scale=0.001, zero_point=0),)),
    Case("int8_to_uint8", Quantize(), (act(ALL_BYTES, 0.05, 3),), (_int(DType.UINT8, (), 0.05, 131),)),
    Case("int8_to_uint8_scaled", Quantize(), (act(ALL_BYTES, 0.05, 3),), (_int(DType.UINT8, (), 0.03, 100),)),
    Case("uint8_to_int8", Quantize(), (_int(DType.UINT8, ALL_BYTES, 0.05, 131),), (act(scale=0.05, zero_point=3),)),
    Case("uint8_to_int8_scaled", Quantize(), (_int(DType.UINT8, IMAGE, 0.05, 0),), (act(scale=0.09, zero_point=3),)),
    Case("int8_to_int16", Quantize(), (act(IMAGE, 0.05, 3),), (_int(DType.INT16, (), 0.0002),)),
    Case("int8_to_int32", Quantize(), (act(IMAGE, 0.05, 3),), (_int(DType.INT32, (), 0.0002),)),
    Case("int16_to_int8", Quantize(), (_int(DType.INT16, IMAGE, 0.0002),), (act(scale=0.04, zero_point=3),)),
    Case("int16_to_int16", Quantize(), (_int(DType.INT16, IMAGE, 0.0002),), (_int(DType.INT16, (), 0.00017),)),
    Case("int16_to_int32", Quantize(), (_int(DType.INT16, IMAGE, 0.0002),), (_int(DType.INT32, (), 0.0017),)),
    Case("int32_to_int8", Quantize(), (_int(DType.INT32, IMAGE, 1e-9),), (act(scale=0.01, zero_point=3),)),
    Case("int32_to_int16", Quantize(), (_int(DType.INT32, IMAGE, 1e-8),), (_int(DType.INT16, (), 0.0007),)),
)

REFUSED = (
    ("and one output", Case("two_inputs", Quantize(), (act((1, 4)), act((1, 4))))),
    ("goes from float32 or integers", Case("to_float", Quantize(), (act((1, 4)),), (real((1, 4)),))),
    ("integers have one scale", Case("without_scale", Quantize(), (act((1, 4)),), (Spec((1, 4)),))),
)
