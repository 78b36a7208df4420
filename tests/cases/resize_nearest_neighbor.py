"""Cases of RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

from support.graphs import Case, Spec, act, integers, real

from edgekit.ir.graph import DType
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighbor

PLAIN = ResizeNearestNeighbor()
CORNERS = ResizeNearestNeighbor(align_corners=True)
CENTRES = ResizeNearestNeighbor(half_pixel_centers=True)
BOTH = ResizeNearestNeighbor(align_corners=True, half_pixel_centers=True)
INT16 = Spec((1, 2, 3, 3), dtype=DType.INT16)

CASES = (
    Case("twice", PLAIN, (act((1, 3, 4, 5)), integers(6, 8))),
    Case("twice_batch", CENTRES, (act((2, 3, 4, 1)), integers(6, 8))),
    Case("odd_factor", PLAIN, (act((1, 3, 5, 3)), integers(7, 11))),
    Case("odd_factor_centres", CENTRES, (act((1, 3, 5, 3)), integers(7, 11))),
    Case("odd_factor_corners", CORNERS, (act((1, 3, 5, 3)), integers(7, 11))),
    Case("odd_factor_both", BOTH, (act((1, 3, 5, 3)), integers(7, 11))),
    Case("smaller", PLAIN, (act((1, 9, 10, 2)), integers(4, 3))),
    Case("smaller_centres", CENTRES, (act((1, 9, 10, 2)), integers(4, 3))),
    Case("smaller_corners", CORNERS, (act((1, 9, 10, 2)), integers(4, 3))),
    Case("to_one_pixel", CORNERS, (act((1, 9, 10, 2)), integers(1, 1))),
    Case("halves_round_up", CORNERS, (act((1, 2, 6, 1)), integers(3, 11))),
    Case("large_factor", PLAIN, (act((1, 2, 3, 4)), integers(31, 47))),
    Case("float", PLAIN, (real((1, 2, 3, 2)), integers(3, 5)), (real(),)),
    Case("int16", PLAIN, (INT16, integers(5, 5)), (Spec(dtype=DType.INT16),)),
)

REFUSED = (
    ("and one output", Case("one_input", PLAIN, (act((1, 2, 2, 1)),))),
    ("its size is a constant", Case("size_computed", PLAIN, (act((1, 2, 2, 1)), Spec((2,), dtype=DType.INT32)))),
    ("its input has 4 dimensions", Case("rank_three", PLAIN, (act((2, 2, 1)), integers(4, 4)))),
    ("same element type", Case("other_type", PLAIN, (act((1, 2, 2, 1)), integers(4, 4)), (real((1, 4, 4, 1)),))),
    ("two int32 of at least 1", Case("three_sizes", PLAIN, (act((1, 2, 2, 1)), integers(4, 4, 4)))),
    ("two int32 of at least 1", Case("size_zero", PLAIN, (act((1, 2, 2, 1)), integers(0, 4)))),
)
