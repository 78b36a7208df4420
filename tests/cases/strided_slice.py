"""Cases of STRIDED_SLICE."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real

from edgekit.ir.graph import DType
from edgekit.ops.strided_slice import StridedSlice


def _int(dtype: DType, shape: tuple[int, ...] = ()) -> Spec:
    return Spec(shape, dtype=dtype)


def _slice(data: Spec, begin: tuple[int, ...], end: tuple[int, ...], strides: tuple[int, ...]) -> tuple[Spec, ...]:
    return data, integers(*begin), integers(*end), integers(*strides)


IMAGE = (2, 5, 6, 7)
ZEROS, ONES = (0, 0, 0, 0), (1, 1, 1, 1)

LAST = StridedSlice(begin_mask=7, end_mask=7, shrink_axis_mask=8)
MIDDLE = StridedSlice(begin_mask=9, end_mask=9, shrink_axis_mask=6)

CASES = (
    Case("channels", StridedSlice(), _slice(act(IMAGE), (0, 0, 0, 2), (2, 5, 6, 5), ONES)),
    Case("crop", StridedSlice(), _slice(act(IMAGE), (0, 1, 2, 0), (2, 4, 5, 7), ONES)),
    Case("one_image", StridedSlice(), _slice(act(IMAGE), (1, 0, 0, 0), IMAGE, ONES)),
    Case("every_second", StridedSlice(), _slice(act(IMAGE), (0, 0, 1, 0), IMAGE, (1, 2, 3, 2))),
    Case("negative_indices", StridedSlice(), _slice(act(IMAGE), (-2, -3, -4, -5), (2, -1, -1, -1), (1, 1, 2, 1))),
    Case("ends_beyond", StridedSlice(), _slice(act(IMAGE), (-9, 1, 2, 3), (9, 99, 6, 7), ONES)),
    Case("begin_mask", StridedSlice(begin_mask=0b1010), _slice(act(IMAGE), (1, 3, 2, 5), IMAGE, ONES)),
    Case("end_mask", StridedSlice(end_mask=0b1001), _slice(act(IMAGE), (1, 3, 2, 5), (1, 5, 6, 6), ONES)),
    Case("all_masked", StridedSlice(begin_mask=15, end_mask=15), _slice(act(IMAGE), ONES, ONES, ONES)),
    Case("shrink_first", StridedSlice(shrink_axis_mask=1), _slice(act(IMAGE), (1, 0, 0, 0), IMAGE, ONES)),
    Case("shrink_last_negative", LAST, _slice(act(IMAGE), (0, 0, 0, -1), ZEROS, ONES)),
    Case("shrink_two", MIDDLE, _slice(act(IMAGE), (0, 2, 3, 0), (0, 3, 4, 0), ONES)),
    Case("shrink_all", StridedSlice(shrink_axis_mask=3), _slice(act((3, 4)), (1, 2), (2, 3), (1, 1))),
    Case("backwards", StridedSlice(begin_mask=15, end_mask=15), _slice(act(IMAGE), ZEROS, ZEROS, (1, 1, 1, -1))),
    Case("reversed_rows", StridedSlice(begin_mask=15, end_mask=15), _slice(act(IMAGE), ZEROS, ZEROS, (1, -1, 1, 1))),
    Case("backwards_by_two", StridedSlice(), _slice(act(IMAGE), (1, 4, 5, 6), (0, 0, -7, 1), (-1, -2, -2, -3))),
    Case("backwards_from_beyond", StridedSlice(), _slice(act((9,)), (99,), (-99,), (-4,))),
    Case("rank_one", StridedSlice(), _slice(act((9,)), (2,), (8,), (3,))),
    Case("rank_two", StridedSlice(), _slice(act((3, 9)), (1, 0), (3, 9), (1, 2))),
    Case("rank_three", StridedSlice(), _slice(act((2, 4, 5)), (0, 1, 1), (2, 4, 4), (1, 2, 1))),
    Case("float", StridedSlice(), (*_slice(real((3, 4)), (0, 1), (3, 4), (2, 1)),), (real(),)),
    Case("int16", StridedSlice(), _slice(_int(DType.INT16, (3, 5)), (0, 0), (3, 5), (1, 2)), (_int(DType.INT16),)),
    Case("int32", StridedSlice(), _slice(_int(DType.INT32, (3, 5)), (0, 4), (3, 0), (1, -1)), (_int(DType.INT32),)),
)  # fmt: skip

COMPUTED = _int(DType.INT32, (1,))
ONE = integers(1)

REFUSED = (
    ("and one output", Case("one_input", StridedSlice(), (act((4,)),))),
    ("its begin is a constant", Case("begin_computed", StridedSlice(), (act((4,)), COMPUTED, ONE, ONE))),
    ("its end is a constant", Case("end_computed", StridedSlice(), (act((4,)), ONE, COMPUTED, ONE))),
    ("its strides is a constant", Case("strides_computed", StridedSlice(), (act((4,)), ONE, ONE, COMPUTED))),
    ("same element type", Case("other_type", StridedSlice(), _slice(act((4,)), (0,), (4,), (1,)), (real((4,)),))),
    ("at most 5 dimensions", Case("rank_six", StridedSlice(), _slice(act((1,) * 6), (0,) * 6, (1,) * 6, (1,) * 6))),
    ("one for each dimension", Case("too_few", StridedSlice(), _slice(act((4, 4)), (0,), (4,), (1,)))),
    ("no stride is 0", Case("stride_zero", StridedSlice(), _slice(act((4,)), (0,), (4,), (0,)))),
    ("neither an ellipsis", Case("ellipsis", StridedSlice(ellipsis_mask=1), _slice(act((4,)), (0,), (4,), (1,)))),
    ("nor a new axis", Case("new_axis", StridedSlice(new_axis_mask=1), _slice(act((4,)), (0,), (4,), (1,)))),
    ("relative to begins", Case("offset", StridedSlice(offset=True), _slice(act((4,)), (0,), (4,), (1,)))),
    ("selects something", Case("empty", StridedSlice(), _slice(act((4,)), (3,), (1,), (1,)))),
    ("an index inside", Case("outside", StridedSlice(shrink_axis_mask=1), _slice(act((4,)), (4,), (5,), (1,)))),
    ("stride above 0", Case("backwards", StridedSlice(shrink_axis_mask=1), _slice(act((4,)), (2,), (1,), (-1,)))),
)
