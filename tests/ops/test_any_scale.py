"""Layers at any scale and zero point, over all inputs or all pairs of them, against tflite-micro."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import graphs
from support.graphs import Case, Spec, act, integers
from support.oracle import Oracle

from edgekit.frontends import tflite as reader
from edgekit.frontends import tflite_writer as writer
from edgekit.ir import interp
from edgekit.ir.graph import DType
from edgekit.ops.add import Add
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.hard_swish import HardSwish
from edgekit.ops.leaky_relu import LeakyRelu
from edgekit.ops.logistic import Logistic
from edgekit.ops.mean import Mean
from edgekit.ops.mul import Mul
from edgekit.ops.quantize import Quantize
from edgekit.ops.relu import Relu
from edgekit.ops.relu6 import Relu6
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgekit.ops.sub import Sub
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


PAIRS = [np.repeat(np.arange(-128, 128, 3, dtype=np.int8), 256).reshape(1, -1), np.tile(ALL_INT8, (1, 86))]
filter_scales = st.sampled_from([0.02, 0.1, 1 / 3, 0.375, 0.75, 1.5, 2.25, 18.75]) | st.floats(2**-10, 4.0, width=32)


@given(st.sampled_from([FullyConnected(), Conv2D(), DepthwiseConv2D()]), scales, filter_scales, scales, st.booleans())
@settings(max_examples=200)
def test_every_sum_becomes_the_output_of_tflite_micro(op, scale, filter_scale, out_scale, per_channel):
    """One tap of weight 1 and a bias for each of four channels: sums of all kinds, many of them halfway."""
    scaled = tuple(filter_scale * n for n in ((1, 0.5, 3, 0.7) if per_channel else (1,)))
    axis = 3 if op.NAME == "DEPTHWISE_CONV_2D" else 0
    op = replace(op, depth_multiplier=4) if axis else op
    shape = {"FULLY_CONNECTED": (4, 1), "CONV_2D": (4, 1, 1, 1)}.get(op.NAME, (1, 1, 1, 4))
    taps = Spec(shape, scaled, (0,) * len(scaled), axis, constant=True, values=(1,) * 4)
    real = tuple(float(np.float32(scale)) * float(np.float32(s)) for s in scaled)
    sums = Spec((4,), real, (0,) * len(real), dtype=DType.INT32, constant=True, values=(0, 1, -2, 1000))
    image = ALL_INT8.reshape((256, 1) if op.NAME == "FULLY_CONNECTED" else (1, 256, 1, 1))
    case = Case("any", op, (act(image.shape, scale, 0), taps, sums), (act(scale=out_scale, zero_point=0),))
    assume(not op.problems(graphs.view(case)))
    assert_exact(case, [image])


@given(st.sampled_from([Add(), Sub(), Mul()]), st.tuples(scales, zero_points), st.tuples(scales, zero_points), scales)
@settings(max_examples=100)
def test_pairs_of_int8_are_combined_as_in_tflite_micro(op, left, right, out_scale):
    ends = (act(PAIRS[0].shape, *left), act(PAIRS[1].shape, *right))
    case = Case("any", op, ends, (act(scale=out_scale, zero_point=-3),))
    assume(not op.problems(graphs.view(case)))
    assert_exact(case, PAIRS)


@given(scales, zero_points, scales, zero_points, st.integers(1, 9))
@settings(max_examples=100)
def test_a_mean_is_that_of_tflite_micro(scale, zero_point, out_scale, out_zero_point, count):
    image = np.random.default_rng(count).integers(-128, 128, (1, count, 1, 300), np.int8)
    given_, made = act(image.shape, scale, zero_point), act(scale=out_scale, zero_point=out_zero_point)
    case = Case("any", Mean(keep_dims=True), (given_, integers(1, 2)), (made,))
    assume(not case.op.problems(graphs.view(case)))
    assert_exact(case, [image])
