"""Cases of PAD and PADV2."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real, weights

from edgekit.ir.graph import DType
from edgekit.ops.pad import Pad, PadV2


def _int(dtype: DType, shape: tuple[int, ...] = ()) -> Spec:
    return Spec(shape, dtype=dtype)


def _pads(*sides: int) -> Spec:
    return integers(*sides, shape=(len(sides) // 2, 2))


def _value(value: float, dtype: DType = DType.INT8) -> Spec:
    quantised = dtype is DType.INT8
    return Spec(
        (1,), (0.05,) if quantised else (), (3,) if quantised else (), dtype=dtype, constant=True, values=(value,)
    )


LOWEST = act(scale=0.05, zero_point=-128)
INT16 = Spec(dtype=DType.INT16)

CASES = (
    Case("image", Pad(), (act((1, 3, 5, 4)), _pads(0, 0, 1, 1, 1, 1, 0, 0))),
    Case("image_uneven_batch", Pad(), (act((2, 3, 5, 3)), _pads(0, 0, 0, 2, 1, 0, 0, 0))),
    Case("image_channels", Pad(), (act((1, 3, 2, 3)), _pads(0, 0, 2, 1, 0, 3, 1, 2))),
    Case("image_only_channels", Pad(), (act((2, 3, 2, 5)), _pads(0, 0, 0, 0, 0, 0, 0, 3))),
    Case("batch", Pad(), (act((1, 2, 3, 5)), _pads(1, 2, 1, 0, 0, 1, 2, 0))),
    Case("nothing", Pad(), (act((1, 2, 3, 5)), _pads(0, 0, 0, 0, 0, 0, 0, 0))),
    Case("zero_point_lowest", Pad(), (act((1, 2, 3, 5), 0.05, -128), _pads(0, 0, 9, 1, 1, 1, 0, 0)), (LOWEST,)),
    Case("rank_one", Pad(), (act((7,)), _pads(2, 3))),
    Case("rank_two", Pad(), (act((3, 7)), _pads(0, 0, 2, 3))),
    Case("rank_two_rows", Pad(), (act((3, 7)), _pads(1, 0, 2, 3))),
    Case("rank_three", Pad(), (act((2, 3, 7)), _pads(0, 0, 2, 3, 1, 2))),
    Case("rank_three_time_only", Pad(), (act((2, 3, 7)), _pads(0, 0, 2, 1, 0, 0))),
    Case("rank_five", Pad(), (act((2, 1, 2, 3, 5)), _pads(1, 0, 0, 1, 1, 1, 2, 0, 0, 3))),
    Case("float", Pad(), (real((1, 2, 3, 1)), _pads(0, 0, 1, 1, 1, 1, 0, 1)), (real(),)),
    Case("int16", Pad(), (_int(DType.INT16, (1, 3, 3, 1)), _pads(0, 0, 1, 1, 1, 2, 0, 0)), (_int(DType.INT16),)),
    Case("int32_batch", Pad(), (_int(DType.INT32, (2, 3)), _pads(1, 0, 0, 2)), (_int(DType.INT32),)),
    Case("given_value", PadV2(), (act((1, 3, 5, 3)), _pads(0, 0, 1, 1, 1, 0, 0, 1), _value(-77))),
    Case("given_value_float", PadV2(), (real((2, 3)), _pads(0, 0, 1, 1), _value(-1.5, DType.FLOAT32)), (real(),)),
    Case("value_int16", PadV2(), (_int(DType.INT16, (2, 3)), _pads(1, 0, 1, 2), _value(-1234, DType.INT16)), (INT16,)),
)  # fmt: skip

REFUSED = (
    ("and one output", Case("one_input", Pad(), (act((4,)),))),
    ("its paddings is a constant", Case("paddings_computed", Pad(), (act((4,)), _int(DType.INT32, (1, 2))))),
    ("padding value is a constant", Case("value_computed", PadV2(), (act((4,)), _pads(1, 1), act((1,))))),
    ("same element type", Case("other_type", Pad(), (act((4,)), _pads(1, 1)), (real((6,)),))),
    ("at most five dimensions", Case("rank_six", Pad(), (act((1,) * 6), _pads(*(0,) * 12)), (act((1,) * 6),))),
    ("at most 32 bits", Case("int64", Pad(), (_int(DType.INT64, (4,)), _pads(1, 1)), (_int(DType.INT64, (6,)),))),
    ("none of them negative", Case("negative", Pad(), (act((4,)), _pads(-1, 1)))),
    ("two int32 for each dimension", Case("too_few", Pad(), (act((4, 4)), _pads(1, 1)))),
    ("one element of the data's type", Case("two_values", PadV2(), (act((4,)), _pads(1, 1), weights((2,))))),
)
