"""Functions of one int8 at any scale and zero point, every one of the 256 inputs, against tflite-micro."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import graphs
from support.graphs import Case, act, integers
from support.oracle import Oracle

from edgekit.frontends import tflite as reader
from edgekit.frontends import tflite_writer as writer
from edgekit.ir import interp
from edgekit.ops.hard_swish import HardSwish
from edgekit.ops.leaky_relu import LeakyRelu
from edgekit.ops.logistic import Logistic
from edgekit.ops.quantize import Quantize
from edgekit.ops.relu import Relu
from edgekit.ops.relu6 import Relu6
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgekit.ops.tanh import Tanh

ALL_INT8 = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
FIXED_OUTPUT = {Logistic: act(scale=1 / 256, zero_point=-128), Tanh: act(scale=1 / 128, zero_point=0)}

# round numbers make ties, which tell one rounding from another
round_scales = st.sampled_from([0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.3, 0.5, 1.0, 1 / 128, 1 / 256])
scales = round_scales | st.floats(2**-13, 16.0, width=32)
zero_points = st.sampled_from([-128, 0, 127]) | st.integers(-128, 127)
alphas = st.sampled_from([0.1, 0.2, 0.3, 0.5, -0.2, 1.7]) | st.floats(-2.0, 2.0)
leaky = st.builds(lambda alpha: LeakyRelu(alpha=float(np.float32(alpha))), alphas)
operations = leaky | st.sampled_from([Logistic(), Tanh(), Relu(), Relu6(), HardSwish(), Quantize()])


def assert_exact(case, inputs):
    model = writer.write(graphs.graph(case))
    expected = Oracle(model).run(inputs)["output_0"]
    np.testing.assert_array_equal(interp.run(reader.read(model), inputs)["output_0"], expected)


@given(operations, scales, zero_points, scales, zero_points)
@settings(max_examples=300)
def test_every_int8_maps_as_in_tflite_micro(op, scale, zero_point, out_scale, out_zero_point):
    output = FIXED_OUTPUT.get(type(op), act(scale=out_scale, zero_point=out_zero_point))
    case = Case("any", op, (act((1, 256), scale, zero_point),), (output,))
    assume(not op.problems(graphs.view(case)))
    assert_exact(case, [ALL_INT8])


sizes = st.tuples(*[st.integers(1, 60)] * 4)


@given(st.booleans(), st.booleans(), sizes)
@settings(max_examples=150)
def test_the_nearest_pixel_is_that_of_tflite_micro(align_corners, half_pixel_centers, size):
    height, width, out_height, out_width = size
    op = ResizeNearestNeighbor(align_corners, half_pixel_centers)
    image = np.random.default_rng(1).integers(-128, 128, (1, height, width, 1), np.int8)
    assert_exact(Case("any", op, (act(image.shape), integers(out_height, out_width))), [image])
