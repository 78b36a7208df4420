"""Cases of LEAKY_RELU."""

from __future__ import annotations

import numpy as np
from support.graphs import Case, act, real

from edgekit.ops.leaky_relu import LeakyRelu


def _alpha(value: float) -> LeakyRelu:
    """``value`` as a file holds it: in float32."""
    return LeakyRelu(alpha=float(np.float32(value)))


CASES = (
    Case("small_alpha", _alpha(0.1), (act((1, 4, 4, 16), 0.05, 3),), (act(scale=0.04, zero_point=-90),)),
    Case("alpha_zero", _alpha(0.0), (act((1, 256), 0.05, 3),), (act(scale=0.05, zero_point=3),)),
    Case("alpha_one", _alpha(1.0), (act((1, 256), 0.05, 3),), (act(scale=0.05, zero_point=3),)),
    Case("alpha_above_one", _alpha(1.7), (act((1, 256), 0.05, 3),), (act(scale=0.04, zero_point=3),)),
    Case("alpha_negative", _alpha(-0.3), (act((1, 256), 0.05, 3),), (act(scale=0.05, zero_point=-8),)),
    Case("alpha_negative_ties", _alpha(-1.0), (act((1, 256), 1 / 128, 0),), (act(scale=0.5, zero_point=-128),)),
    Case("keras_default", _alpha(0.3), (act((2, 3, 43), 0.0371, 17),), (act(scale=0.0123, zero_point=-60),)),
    Case("coarser_output", _alpha(0.2), (act((1, 256), 0.01, -128),), (act(scale=0.3, zero_point=127),)),
)

REFUSED = (
    ("and one output", Case("two_inputs", LeakyRelu(), (act((1, 4)), act((1, 4))))),
    ("activations are int8", Case("float", LeakyRelu(), (real((1, 4)),), (real((1, 4)),))),
)
