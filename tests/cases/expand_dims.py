"""Cases of EXPAND_DIMS."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real

from edgekit.ir.graph import DType
from edgekit.ops.expand_dims import ExpandDims

CASES = (
    Case("front", ExpandDims(), (act((3, 5)), integers(0))),
    Case("middle", ExpandDims(), (act((2, 3, 5)), integers(2))),
    Case("end", ExpandDims(), (act((3, 5)), integers(2))),
    Case("last_by_minus_one", ExpandDims(), (act((3, 5)), integers(-1))),
    Case("scalar_axis", ExpandDims(), (act((3, 5)), integers(-3, shape=()))),
    Case("float", ExpandDims(), (real((2, 2)), integers(1)), (real(),)),
)

REFUSED = (
    ("and one output", Case("one_input", ExpandDims(), (act((4,)),))),
    ("its axis is a constant", Case("axis_computed", ExpandDims(), (act((4,)), Spec((1,), dtype=DType.INT32)))),
    ("its axis is a single int32", Case("two_axes", ExpandDims(), (act((4,)), integers(0, 1)))),
    ("same element type", Case("other_type", ExpandDims(), (act((4,)), integers(0)), (real((1, 4)),))),
    ("axis is a dimension", Case("axis_beyond", ExpandDims(), (act((4,)), integers(2)))),
    ("axis is a dimension", Case("axis_before", ExpandDims(), (act((4,)), integers(-3)))),
)
