"""Cases of SOFTMAX."""

from __future__ import annotations

from support.graphs import Case, act, real

from edgekit.ops.softmax import Softmax

PROBABILITY = (act(scale=1 / 256, zero_point=-128),)

CASES = (
    Case("twelve", Softmax(), (act((1, 12), 0.1, 5),), PROBABILITY),
    Case("two", Softmax(), (act((1, 2), 0.05, -3),), PROBABILITY),
    Case("one", Softmax(), (act((1, 1)),), PROBABILITY),
    Case("fine_scale", Softmax(), (act((1, 10), 0.001),), PROBABILITY),
    Case("coarse_scale", Softmax(), (act((1, 10), 1.5),), PROBABILITY),
    Case("very_coarse_scale", Softmax(), (act((1, 10), 40.0),), PROBABILITY),
    Case("beta", Softmax(beta=0.5), (act((1, 10), 0.2),), PROBABILITY),
    Case("batch_of_four", Softmax(), (act((4, 7), 0.07),), PROBABILITY),
    Case("image", Softmax(), (act((1, 3, 4, 5), 0.07),), PROBABILITY),
    Case("sequence", Softmax(), (act((2, 6, 5), 0.07),), PROBABILITY),
    Case("vector", Softmax(), (act((9,), 0.07),), PROBABILITY),
    Case("many", Softmax(), (act((1, 300), 0.04),), PROBABILITY),
    Case("most_that_tflite_micro_can_sum", Softmax(), (act((1, 511), 0.01),), PROBABILITY),
)

BEYOND_TFLITE_MICRO = (
    Case("one_more_than_tflite_micro_can_sum", Softmax(), (act((1, 512), 0.01),), PROBABILITY),
    Case("deep", Softmax(), (act((2, 1001), 0.05),), PROBABILITY),
    Case("deepest", Softmax(), (act((1, 4095), 0.2),), PROBABILITY),
)
"""Of more than 511 nearly equal elements tflite-micro cannot hold the sum and aborts; tests/ops/test_softmax.py."""

ROW = (act((1, 4)),)

REFUSED = (
    ("and one output", Case("two_inputs", Softmax(), ROW + ROW, PROBABILITY)),
    ("activations are int8", Case("float_input", Softmax(), (real((1, 4)),), PROBABILITY)),
    ("its output has scale 1/256", Case("other_scale", Softmax(), ROW, (act(scale=1 / 255, zero_point=-128),))),
    ("its output has scale 1/256", Case("other_zero_point", Softmax(), ROW, (act(scale=1 / 256, zero_point=0),))),
    ("beta times", Case("beta_zero", Softmax(beta=0.0), ROW, PROBABILITY)),
    ("beta times", Case("beta_not_a_number", Softmax(beta=float("nan")), ROW, PROBABILITY)),
    ("at most 4095 elements", Case("too_many", Softmax(), (act((1, 4096)),), PROBABILITY)),
    ("at most 4095 elements", Case("no_axis", Softmax(), (act(()),), PROBABILITY)),
)
