"""Cases of EXPAND_DIMS."""

from __future__ import annotations

from support.graphs import Case, act, integers, real

from edgekit.ops.expand_dims import ExpandDims

CASES = (
    Case("front", ExpandDims(), (act((3, 5)), integers(0))),
    Case("middle", ExpandDims(), (act((2, 3, 5)), integers(2))),
    Case("end", ExpandDims(), (act((3, 5)), integers(2))),
    Case("last_by_minus_one", ExpandDims(), (act((3, 5)), integers(-1))),
    Case("scalar_axis", ExpandDims(), (act((3, 5)), integers(-3, shape=()))),
    Case("float", ExpandDims(), (real((2, 2)), integers(1)), (real(),)),
)
