"""Cases of RELU."""

from __future__ import annotations

from support.graphs import Case, act, real

from edgekit.ops.relu import Relu

CASES = (
    Case("equal_scales_are_a_clamp", Relu(), (act((1, 3, 3, 29), 0.05, 3),), (act(scale=0.05, zero_point=3),)),
    Case("zero_point_moves", Relu(), (act((1, 256), 0.05, 3),), (act(scale=0.05, zero_point=-128),)),
    Case("finer_output", Relu(), (act((1, 256), 0.05, 3),), (act(scale=0.021, zero_point=-128),)),
    Case("coarser_output", Relu(), (act((1, 256), 0.05, -20),), (act(scale=0.09, zero_point=-128),)),
    Case("output_zero_point_high", Relu(), (act((2, 3, 43), 0.05, 0),), (act(scale=0.03, zero_point=100),)),
    Case("far_finer_output", Relu(), (act((1, 256), 0.9, -128),), (act(scale=0.01, zero_point=-128),)),
    Case("far_coarser_output", Relu(), (act((1, 256), 0.001, -128),), (act(scale=0.9, zero_point=-1),)),
)

REFUSED = (
    ("and one output", Case("two_inputs", Relu(), (act((1, 4)), act((1, 4))))),
    ("activations are int8", Case("float", Relu(), (real((1, 4)),), (real((1, 4)),))),
)
