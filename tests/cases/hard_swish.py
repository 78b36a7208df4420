"""Cases of HARD_SWISH."""

from __future__ import annotations

from support.graphs import Case, act, real

from edgekit.ops.hard_swish import HardSwish

CASES = (
    Case("usual", HardSwish(), (act((1, 4, 4, 16), 0.05, 3),), (act(scale=0.03, zero_point=-110),)),
    Case("fine_scales", HardSwish(), (act((1, 256), 0.004, -7),), (act(scale=0.003, zero_point=-30),)),
    Case("coarse_scales", HardSwish(), (act((1, 256), 0.7, 20),), (act(scale=0.6, zero_point=-100),)),
    Case("very_coarse_scales", HardSwish(), (act((1, 256), 90.0, -128),), (act(scale=50.0, zero_point=-128),)),
    Case("very_fine_scales", HardSwish(), (act((1, 256), 1e-4, 0),), (act(scale=1e-4, zero_point=0),)),
    Case("exponent_zero", HardSwish(), (act((1, 256), 1.2, 0),), (act(scale=0.01, zero_point=0),)),
    Case("coarser_output", HardSwish(), (act((2, 128), 0.02, -128),), (act(scale=0.9, zero_point=127),)),
    Case("output_vanishes", HardSwish(), (act((2, 128), 0.0001, -128),), (act(scale=9.0, zero_point=5),)),
)

REFUSED = (
    ("and one output", Case("two_inputs", HardSwish(), (act((1, 4)), act((1, 4))))),
    ("activations are int8", Case("float", HardSwish(), (real((1, 4)),), (real((1, 4)),))),
    ("its output scale is larger", Case("output_far_finer", HardSwish(), (act((1, 4), 1.0),), (act((1, 4), 0.001),))),
)
