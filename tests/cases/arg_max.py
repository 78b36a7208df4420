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
