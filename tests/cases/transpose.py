"""Cases of TRANSPOSE."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real

from edgekit.ir.graph import DType
from edgekit.ops.transpose import Transpose


def _int(dtype: DType, shape: tuple[int, ...] = ()) -> Spec:
    return Spec(shape, dtype=dtype)


CASES = (
    Case("matrix", Transpose(), (act((5, 7)), integers(1, 0))),
    Case("unchanged", Transpose(), (act((2, 3, 5)), integers(0, 1, 2))),
    Case("to_channels_first", Transpose(), (act((2, 3, 5, 7)), integers(0, 3, 1, 2))),
    Case("to_channels_last", Transpose(), (act((2, 3, 5, 7)), integers(0, 2, 3, 1))),
    Case("height_and_width", Transpose(), (act((2, 3, 5, 7)), integers(0, 2, 1, 3))),
    Case("batch_and_time", Transpose(), (act((4, 3, 6)), integers(1, 0, 2))),
    Case("reversed", Transpose(), (act((2, 3, 5, 7)), integers(3, 2, 1, 0))),
    Case("five_dimensions", Transpose(), (act((2, 3, 4, 5, 3)), integers(4, 1, 3, 0, 2))),
    Case("five_dimensions_runs", Transpose(), (act((2, 3, 2, 5, 3)), integers(2, 0, 1, 3, 4))),
    Case("sizes_of_one", Transpose(), (act((1, 3, 1, 7)), integers(2, 3, 0, 1))),
    Case("rank_one", Transpose(), (act((9,)), integers(0))),
    Case("float", Transpose(), (real((2, 3, 4)), integers(2, 0, 1)), (real(),)),
    Case("int16", Transpose(), (_int(DType.INT16, (3, 5)), integers(1, 0)), (_int(DType.INT16),)),
)

REFUSED = (
    ("and one output", Case("one_input", Transpose(), (act((4,)),))),
    ("permutation is a constant", Case("computed", Transpose(), (act((4,)), _int(DType.INT32, (1,))))),
    ("same element type", Case("other_type", Transpose(), (act((4,)), integers(0)), (real((4,)),))),
    ("at most 5 dimensions", Case("rank_six", Transpose(), (act((1,) * 6), integers(0, 1, 2, 3, 4, 5)))),
    ("names each dimension once", Case("twice", Transpose(), (act((2, 2)), integers(0, 0)))),
    ("names each dimension once", Case("negative", Transpose(), (act((2, 2)), integers(0, -1)))),
)
