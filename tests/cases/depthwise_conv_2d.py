"""Cases of DEPTHWISE_CONV_2D."""

# ruff: noqa: E501  (a case is one row of a table)

from __future__ import annotations

from dataclasses import replace

from support.graphs import Case, Spec, act, bias, real, weights

from edgekit.ir.graph import DType
from edgekit.ops.base import Activation, Padding
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D

VALID = Padding.VALID


def _filter(kh: int, kw: int, channels: int) -> Spec:
    return weights((1, kh, kw, channels), 0.004, 3)


CASES = (
    Case("three_by_three", DepthwiseConv2D(), (act((1, 6, 7, 8)), _filter(3, 3, 8), bias(8))),
    Case("one_pixel", DepthwiseConv2D(), (act((1, 1, 1, 4)), _filter(3, 3, 4), bias(4))),
    Case("narrow_and_tall", DepthwiseConv2D(activation=Activation.RELU), (act((1, 25, 5, 4), zero_point=-128), _filter(3, 3, 4), bias(4)), (act(scale=0.03, zero_point=-128),)),
    Case("long_rows", DepthwiseConv2D(), (act((1, 13, 40, 4)), _filter(3, 3, 4), bias(4))),
    Case("long_rows_strided", DepthwiseConv2D(stride_h=2, stride_w=2, activation=Activation.RELU), (act((1, 24, 40, 4), zero_point=-128), _filter(3, 3, 4), bias(4)), (act(scale=0.03, zero_point=-128),)),
    Case("odd_taps", DepthwiseConv2D(padding=VALID), (act((1, 9, 2, 6)), _filter(7, 1, 6), bias(6))),
    Case("zero_filters", DepthwiseConv2D(), (act((1, 3, 3, 8)), replace(weights((1, 3, 3, 8), 1e-7, 3), low=0, high=0), bias(8, 1 << 30)), (act(scale=0.05, zero_point=4),)),
    Case("valid", DepthwiseConv2D(padding=VALID), (act((1, 6, 7, 5)), _filter(3, 3, 5), bias(5))),
    Case("stride_two_odd", DepthwiseConv2D(stride_h=2, stride_w=2), (act((1, 7, 9, 4)), _filter(3, 3, 4), bias(4))),
    Case("stride_two_even", DepthwiseConv2D(stride_h=2, stride_w=2), (act((1, 8, 6, 4)), _filter(3, 3, 4), bias(4))),
    Case("stride_differs", DepthwiseConv2D(stride_h=3, stride_w=1), (act((1, 8, 6, 4)), _filter(3, 3, 4), bias(4))),
    Case("stride_exceeds_filter", DepthwiseConv2D(padding=VALID, stride_h=3, stride_w=4), (act((1, 8, 9, 2)), _filter(2, 2, 2), bias(2))),
    Case("dilated", DepthwiseConv2D(dilation_h=2, dilation_w=3), (act((1, 9, 9, 4)), _filter(3, 3, 4), bias(4))),
    Case("dilated_past_the_border", DepthwiseConv2D(dilation_h=9), (act((1, 4, 4, 2)), _filter(2, 2, 2), bias(2))),
    Case("multiplier_two", DepthwiseConv2D(depth_multiplier=2), (act((1, 5, 5, 3)), _filter(3, 3, 6), bias(6))),
    Case("multiplier_of_one_channel", DepthwiseConv2D(depth_multiplier=8, stride_h=2, stride_w=2), (act((1, 9, 10, 1)), _filter(10, 8, 8), bias(8))),
    Case("tall_filter", DepthwiseConv2D(padding=VALID), (act((1, 10, 1, 16)), _filter(5, 1, 16), bias(16))),
    Case("tall_filter_relu", DepthwiseConv2D(padding=VALID, activation=Activation.RELU), (act((1, 25, 1, 20), zero_point=-128), _filter(13, 1, 20), bias(20)), (act(scale=0.03, zero_point=-128),)),
    Case("tall_filter_with_border", DepthwiseConv2D(), (act((2, 19, 2, 9)), _filter(10, 1, 9), bias(9))),
    Case("strided_relu", DepthwiseConv2D(stride_h=2, stride_w=2, activation=Activation.RELU), (act((1, 9, 11, 12), zero_point=-128), _filter(3, 3, 12), bias(12)), (act(scale=0.03, zero_point=-128),)),
    Case("whole_image", DepthwiseConv2D(padding=VALID), (act((1, 6, 4, 3)), _filter(6, 4, 3), bias(3))),
    Case("relu", DepthwiseConv2D(activation=Activation.RELU), (act((1, 6, 6, 8), zero_point=-128), _filter(3, 3, 8), bias(8)), (act(scale=0.03, zero_point=-128),)),
    Case("relu6", DepthwiseConv2D(activation=Activation.RELU6), (act((1, 6, 6, 4)), _filter(3, 3, 4), bias(4)), (act(scale=0.04, zero_point=-100),)),
    Case("relu_n1_to_1", DepthwiseConv2D(activation=Activation.RELU_N1_TO_1), (act((1, 6, 6, 4)), _filter(3, 3, 4), bias(4)), (act(scale=0.02, zero_point=-7),)),
    Case("per_tensor_filter", DepthwiseConv2D(), (act((1, 6, 6, 4)), weights((1, 3, 3, 4), 0.004), bias(4))),
    Case("no_bias", DepthwiseConv2D(), (act((1, 6, 6, 4)), _filter(3, 3, 4))),
    Case("batch_of_two", DepthwiseConv2D(stride_h=2, stride_w=2), (act((2, 5, 6, 4)), _filter(3, 3, 4), bias(4))),
    Case("wide_channels", DepthwiseConv2D(), (act((1, 3, 3, 67)), _filter(3, 3, 67), bias(67))),
    Case("zero_point_highest", DepthwiseConv2D(), (act((1, 4, 4, 3), zero_point=127), _filter(3, 3, 3), bias(3))),
)  # fmt: skip

IMAGE = act((1, 4, 4, 2))
FILTER = _filter(2, 2, 2)

REFUSED = (
    ("and one output", Case("one_input", DepthwiseConv2D(), (IMAGE,))),
    ("activations are int8", Case("float_input", DepthwiseConv2D(), (real((1, 4, 4, 2)), FILTER))),
    ("its input has 4 dimensions", Case("rank_three", DepthwiseConv2D(), (act((4, 4, 2)), FILTER))),
    ("its filter has 4 dimensions", Case("filter_of_rank_two", DepthwiseConv2D(), (IMAGE, weights((3, 2))))),
    ("its stride is at least 1", Case("no_stride", DepthwiseConv2D(stride_w=0), (IMAGE, FILTER))),
    ("its dilation is at least 1", Case("no_dilation", DepthwiseConv2D(dilation_h=0), (IMAGE, FILTER))),
    ("its fused activation", Case("tanh", DepthwiseConv2D(activation=Activation.TANH), (IMAGE, FILTER))),
    ("its filter is a constant", Case("filter_computed", DepthwiseConv2D(), (IMAGE, act((1, 2, 2, 2), zero_point=0)))),
    (
        "its bias is a constant",
        Case("bias_computed", DepthwiseConv2D(), (IMAGE, FILTER, Spec((2,), dtype=DType.INT32))),
    ),
    ("symmetric", Case("scales_along_height", DepthwiseConv2D(), (IMAGE, weights((1, 2, 2, 2), axis=1)))),
    ("at most 65536 weights", Case("long_sum", DepthwiseConv2D(), (act((1, 1, 1, 1)), weights((1, 257, 256, 1))))),
    ("one value per output channel", Case("bias_too_long", DepthwiseConv2D(), (IMAGE, FILTER, bias(4)))),
    ("times depth multiplier", Case("wrong_multiplier", DepthwiseConv2D(depth_multiplier=2), (IMAGE, FILTER))),
)
