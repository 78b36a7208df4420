"""Cases of SQUEEZE."""

from __future__ import annotations

from support.graphs import Case, act, real

from edgekit.ops.squeeze import Squeeze

CASES = (
    Case("all_ones", Squeeze(), (act((1, 3, 1, 5)),)),
    Case("named", Squeeze(squeeze_dims=(1, 2)), (act((1, 1, 1, 5)),)),
    Case("negative", Squeeze(squeeze_dims=(-2,)), (act((1, 3, 1, 5)),)),
    Case("nothing_to_take", Squeeze(), (act((2, 3)),)),
    Case("float", Squeeze(squeeze_dims=(0,)), (real((1, 3, 1)),), (real(),)),
)

REFUSED = (
    ("and one output", Case("two_inputs", Squeeze(), (act((1, 4)), act((1, 4))))),
    ("same element type", Case("other_type", Squeeze(), (act((1, 4)),), (real((4,)),))),
    ("exist and have size 1", Case("size_four", Squeeze(squeeze_dims=(1,)), (act((1, 4)),))),
    ("exist and have size 1", Case("beyond", Squeeze(squeeze_dims=(2,)), (act((1, 4)),))),
)
