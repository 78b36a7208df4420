"""Cases of MEAN."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real

from edgekit.ir.graph import DType
from edgekit.ops.mean import Mean

SAME_SCALE = (act(),)
OTHER = (act(scale=0.03, zero_point=-9),)

CASES = (
    Case("image_keeps_dims", Mean(keep_dims=True), (act((1, 4, 5, 6)), integers(1, 2)), OTHER),
    Case("image_keeps_dims_same_scale", Mean(keep_dims=True), (act((1, 4, 5, 6)), integers(1, 2)), SAME_SCALE),
    Case("image", Mean(), (act((1, 4, 5, 6)), integers(1, 2)), OTHER),
    Case("image_same_scale", Mean(), (act((1, 4, 5, 6)), integers(1, 2)), SAME_SCALE),
    Case("axes_swapped", Mean(), (act((1, 4, 5, 6)), integers(2, 1)), OTHER),
    Case("batch_of_two", Mean(keep_dims=True), (act((2, 3, 3, 4)), integers(1, 2)), OTHER),
    Case("channels", Mean(keep_dims=True), (act((1, 3, 4, 7)), integers(3)), OTHER),
    Case("negative_axis", Mean(), (act((1, 3, 4, 7)), integers(-1)), OTHER),
    Case("height", Mean(), (act((1, 9, 4, 3)), integers(1)), OTHER),
    Case("sequence", Mean(), (act((2, 11, 6)), integers(1)), OTHER),
    Case("sequence_same_scale", Mean(), (act((2, 11, 6)), integers(1)), SAME_SCALE),
    Case("vector", Mean(keep_dims=True), (act((1, 31)), integers(1)), OTHER),
    Case("first_and_third", Mean(), (act((2, 3, 4, 5)), integers(0, 2)), OTHER),
    Case("second_and_fourth", Mean(keep_dims=True), (act((2, 3, 4, 5)), integers(1, 3)), OTHER),
    Case("single_element", Mean(keep_dims=True), (act((1, 1, 1, 6)), integers(1, 2)), OTHER),
    Case("coarser_output", Mean(keep_dims=True), (act((1, 7, 7, 3)), integers(1, 2)), (act(scale=0.4, zero_point=50),)),
    Case("finer_output", Mean(), (act((1, 7, 7, 3)), integers(1, 2)), (act(scale=0.001, zero_point=0),)),
)  # fmt: skip

REFUSED = (
    ("and one output", Case("one_input", Mean(), (act((1, 4)),))),
    ("activations are int8", Case("float_input", Mean(), (real((1, 4)), integers(1)))),
    ("axis is a constant", Case("axis_computed", Mean(), (act((1, 4)), Spec((1,), dtype=DType.INT32)))),
    ("dimensions", Case("rank_five", Mean(), (act((1, 1, 1, 1, 4)), integers(1)))),
    ("axes are int32 and exist", Case("no_such_axis", Mean(), (act((1, 4)), integers(2)))),
    ("axes are int32 and exist", Case("no_such_negative_axis", Mean(), (act((1, 4)), integers(-3)))),
)
