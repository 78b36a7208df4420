"""Cases of SPLIT."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real

from edgekit.ir.graph import DType
from edgekit.ops.split import Split


def _int(dtype: DType, shape: tuple[int, ...] = ()) -> Spec:
    return Spec(shape, dtype=dtype)


CASES = (
    Case("channels", Split(num_splits=2), (integers(3, shape=()), act((1, 3, 5, 8))), (act(),) * 2),
    Case("channels_odd_negative_axis", Split(num_splits=3), (integers(-1), act((2, 3, 2, 9))), (act(),) * 3),
    Case("width", Split(num_splits=2), (integers(2), act((2, 3, 4, 5))), (act(),) * 2),
    Case("height", Split(num_splits=3), (integers(1), act((2, 6, 2, 5))), (act(),) * 3),
    Case("batch", Split(num_splits=2), (integers(0), act((4, 3, 2, 5))), (act(),) * 2),
    Case("one_part", Split(num_splits=1), (integers(1), act((2, 6)))),
    Case("features", Split(num_splits=4), (integers(1), act((3, 8))), (act(),) * 4),
    Case("time_rank_three", Split(num_splits=2), (integers(1), act((2, 6, 3))), (act(),) * 2),
    Case("rank_five", Split(num_splits=2), (integers(3), act((2, 2, 3, 4, 3))), (act(),) * 2),
    Case("float", Split(num_splits=2), (integers(1), real((3, 4))), (real(),) * 2),
    Case("int16", Split(num_splits=2), (integers(1), _int(DType.INT16, (3, 2))), (_int(DType.INT16),) * 2),
    Case("int32", Split(num_splits=2), (integers(1), _int(DType.INT32, (3, 4))), (_int(DType.INT32),) * 2),
)

REFUSED = (
    ("as many outputs as parts", Case("two_parts_one_output", Split(num_splits=2), (integers(0), act((4,))))),
    ("its axis is a constant", Case("axis_computed", Split(), (_int(DType.INT32, (1,)), act((4,))))),
    ("its axis is a single int32", Case("two_axes", Split(), (integers(0, 1), act((4, 4))))),
    ("same element type", Case("other_type", Split(), (integers(0), act((4,))), (real((4,)),))),
    ("axis is a dimension", Case("axis_beyond", Split(), (integers(1), act((4,))))),
    ("multiple of the number", Case("three_of_four", Split(num_splits=3), (integers(0), act((4,))), (act(),) * 3)),
)
