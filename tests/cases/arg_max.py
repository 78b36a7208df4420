"""Cases of ARG_MAX."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real

from edgekit.ir.graph import DType
from edgekit.ops.arg_max import ArgMax

OUT = (Spec(dtype=DType.INT32),)

CASES = (
    Case("classes", ArgMax(), (act((1, 10)), integers(1)), OUT),
    Case("classes_scalar_axis", ArgMax(), (act((3, 7)), integers(-1, shape=())), OUT),
    Case("channels", ArgMax(), (act((2, 3, 4, 5)), integers(3)), OUT),
    Case("height", ArgMax(), (act((2, 3, 4, 5)), integers(1)), OUT),
    Case("batch", ArgMax(), (act((4, 3)), integers(0)), OUT),
    Case("rank_one", ArgMax(), (act((9,)), integers(0)), OUT),
    Case("one_element", ArgMax(), (act((3, 1)), integers(1)), OUT),
    Case("float", ArgMax(), (real((2, 6)), integers(1)), OUT),
    Case("float_height", ArgMax(), (real((1, 5, 2, 3)), integers(-3)), OUT),
)

REFUSED = (
    ("and one output", Case("one_input", ArgMax(), (act((1, 4)),), OUT)),
    ("its axis is a constant", Case("axis_computed", ArgMax(), (act((1, 4)), Spec((1,), dtype=DType.INT32)), OUT)),
    ("its axis is a single int32", Case("two_axes", ArgMax(), (act((1, 4)), integers(0, 1)), OUT)),
    ("its output int32", Case("to_int64", ArgMax(), (act((1, 4)), integers(1)), (Spec(dtype=DType.INT64),))),
    ("its input is int8 or float32", Case("from_int32", ArgMax(), (Spec((4,), dtype=DType.INT32), integers(0)), OUT)),
    ("axis is a dimension", Case("axis_beyond", ArgMax(), (act((1, 4)), integers(2)), OUT)),
)
