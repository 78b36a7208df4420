"""Cases of RELU6."""

from __future__ import annotations

from support.graphs import Case, act, real

from edgekit.ops.relu6 import Relu6

CASES = (
    Case("both_limits_inside", Relu6(), (act((1, 3, 3, 29), 0.05, -20),), (act(scale=0.05, zero_point=-20),)),
    Case("six_out_of_range", Relu6(), (act((1, 256), 0.02, 3),), (act(scale=0.02, zero_point=3),)),
    Case("nothing_below_zero", Relu6(), (act((1, 256), 0.1, -128),), (act(scale=0.1, zero_point=-128),)),
    Case("all_below_zero", Relu6(), (act((1, 256), 0.1, 127),), (act(scale=0.1, zero_point=127),)),
    Case("half_of_a_step", Relu6(), (act((1, 256), 6 / 40.5, -30),), (act(scale=6 / 40.5, zero_point=-30),)),
    Case("output_scale_is_not_looked_at", Relu6(), (act((1, 256), 0.05, -20),), (act(scale=0.1, zero_point=7),)),
)

REFUSED = (
    ("and one output", Case("two_inputs", Relu6(), (act((1, 4)), act((1, 4))))),
    ("activations are int8", Case("float", Relu6(), (real((1, 4)),), (real((1, 4)),))),
)
