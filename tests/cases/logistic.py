"""Cases of LOGISTIC."""

from __future__ import annotations

from support.graphs import Case, act, real

from edgekit.ops.logistic import Logistic

OUT = (act(scale=1 / 256, zero_point=-128),)

CASES = (
    Case("image", Logistic(), (act((1, 4, 4, 16), 0.05, 3),), OUT),
    Case("fine_scale", Logistic(), (act((1, 256), 0.003, -7),), OUT),
    Case("coarse_scale_saturates", Logistic(), (act((1, 256), 0.3, 20),), OUT),
    Case("scale_above_one", Logistic(), (act((1, 256), 2.5, 0),), OUT),
    Case("scale_beyond_sixteen", Logistic(), (act((1, 256), 17.0, 5),), OUT),
    Case("zero_point_lowest", Logistic(), (act((2, 128), 0.04, -128),), OUT),
    Case("zero_point_highest", Logistic(), (act((2, 3, 43), 0.04, 127),), OUT),
    Case("rank_five", Logistic(), (act((1, 2, 3, 2, 5), 0.1, 9),), OUT),
    Case("rank_one_odd", Logistic(), (act((7,), 0.1, 9),), OUT),
)

REFUSED = (
    ("and one output", Case("two_inputs", Logistic(), (act((1, 4)), act((1, 4))))),
    ("activations are int8", Case("float", Logistic(), (real((1, 4)),), (real((1, 4)),))),
    ("its output has scale 1/256", Case("other_output_scale", Logistic(), (act((1, 4)),), (act((1, 4), 0.01, -128),))),
    ("its output has scale 1/256", Case("other_zero_point", Logistic(), (act((1, 4)),), (act((1, 4), 1 / 256, 0),))),
)
