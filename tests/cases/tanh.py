"""Cases of TANH."""

from __future__ import annotations

from support.graphs import Case, act, real

from edgekit.ops.tanh import Tanh

OUT = (act(scale=1 / 128, zero_point=0),)

CASES = (
    Case("image", Tanh(), (act((1, 4, 4, 16), 0.02, 3),), OUT),
    Case("fine_scale", Tanh(), (act((1, 256), 0.003, -7),), OUT),
    Case("coarse_scale_saturates", Tanh(), (act((1, 256), 0.2, 20),), OUT),
    Case("scale_above_one", Tanh(), (act((1, 256), 2.5, 0),), OUT),
    Case("zero_point_lowest", Tanh(), (act((2, 128), 0.02, -128),), OUT),
    Case("zero_point_highest", Tanh(), (act((2, 3, 43), 0.02, 127),), OUT),
    Case("rank_five", Tanh(), (act((1, 2, 3, 2, 5), 0.1, 9),), OUT),
)

REFUSED = (
    ("and one output", Case("two_inputs", Tanh(), (act((1, 4)), act((1, 4))))),
    ("activations are int8", Case("float", Tanh(), (real((1, 4)),), (real((1, 4)),))),
    ("its output has scale 1/128", Case("other_output_scale", Tanh(), (act((1, 4)),), (act((1, 4), 0.01, 0),))),
)
