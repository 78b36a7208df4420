"""Cases of RESHAPE."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real

from edgekit.ir.graph import DType
from edgekit.ops.reshape import Reshape

CASES = (
    Case("flatten", Reshape(), (act((1, 3, 4, 5)), integers(1, 60))),
    Case("one_size_open", Reshape(), (act((2, 3, 4)), integers(2, -1))),
    Case("only_open", Reshape(), (act((2, 3, 4)), integers(-1))),
    Case("by_option", Reshape(new_shape=(4, -1)), (act((2, 3, 4)),)),
    Case("input_wins_over_option", Reshape(new_shape=(4, 6)), (act((2, 3, 4)), integers(6, 4))),
    Case("to_five_dimensions", Reshape(), (act((2, 12)), integers(2, 1, 3, 2, 2))),
    Case("float", Reshape(), (real((2, 6)), integers(3, 4)), (real(),)),
    Case("int32", Reshape(), (Spec((2, 6), dtype=DType.INT32), integers(3, 4)), (Spec(dtype=DType.INT32),)),
)

REFUSED = (
    ("and one output", Case("three_inputs", Reshape(), (act((4,)), integers(2, 2), integers(2, 2)))),
    ("its shape is a constant", Case("shape_computed", Reshape(), (act((4,)), Spec((2,), dtype=DType.INT32)))),
    ("same element type", Case("other_type", Reshape(), (act((4,)), integers(2, 2)), (real((2, 2)),))),
    ("its shape is int32", Case("shape_int8", Reshape(), (act((4,)), Spec((2,), constant=True, values=(2, 2))))),
    ("as many elements", Case("too_few", Reshape(), (act((4,)), integers(3)))),
    ("as many elements", Case("no_shape_at_all", Reshape(), (act((4,)),))),
    ("as many elements", Case("open_size_does_not_divide", Reshape(), (act((4,)), integers(3, -1)))),
    ("as many elements", Case("two_open_sizes", Reshape(), (act((4,)), integers(-1, -1)))),
)
