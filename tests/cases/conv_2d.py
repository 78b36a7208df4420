"""Cases of CONV_2D."""

# ruff: noqa: E501  (a case is one row of a table)

from __future__ import annotations

from dataclasses import replace

from support.graphs import Case, Spec, act, bias, real, weights

from edgekit.ir.graph import DType
from edgekit.ops.base import Activation, Padding
from edgekit.ops.conv_2d import Conv2D

SAME, VALID = Padding.SAME, Padding.VALID

CASES = (
    Case("one_by_one", Conv2D(), (act((1, 4, 5, 8)), weights((6, 1, 1, 8), axis=0), bias(6))),
    Case("one_by_one_wide", Conv2D(activation=Activation.RELU), (act((1, 3, 3, 64), zero_point=-128), weights((16, 1, 1, 64), 0.004, 0), bias(16)), (act(scale=0.03, zero_point=-128),)),
    Case("one_by_one_tail_of_two", Conv2D(activation=Activation.RELU), (act((1, 2, 5, 12), zero_point=-128), weights((9, 1, 1, 12), 0.004, 0), bias(9)), (act(scale=0.03, zero_point=-128),)),
    Case("one_by_one_tail_of_three", Conv2D(), (act((1, 1, 7, 36)), weights((5, 1, 1, 36), axis=0), bias(5))),
    Case("one_by_one_tail_of_one", Conv2D(), (act((1, 3, 3, 40)), weights((4, 1, 1, 40), axis=0), bias(4))),
    Case("one_by_one_strided", Conv2D(stride_h=2, stride_w=2), (act((1, 5, 7, 8)), weights((6, 1, 1, 8), axis=0), bias(6))),
    Case("large_sums", Conv2D(), (act((1, 3, 5, 300), zero_point=-128), replace(weights((6, 1, 1, 300), 0.00002, 0), low=60), bias(6))),
    Case("large_sums_relu", Conv2D(activation=Activation.RELU), (act((1, 3, 3, 64), zero_point=-128), replace(weights((3, 3, 3, 64), 0.00002, 0), low=30), bias(3)), (act(scale=0.05, zero_point=-128),)),
    Case("rows_of_six", Conv2D(), (act((1, 4, 6, 4)), weights((7, 3, 3, 4), axis=0), bias(7))),
    Case("zero_filters", Conv2D(activation=Activation.RELU), (act((1, 3, 3, 8), zero_point=-128), replace(weights((6, 1, 1, 8), 1e-7, 0), low=0, high=0), bias(6, 1 << 30)), (act(scale=0.05, zero_point=-128),)),
    Case("three_by_three_same", Conv2D(), (act((1, 7, 6, 3)), weights((5, 3, 3, 3), axis=0), bias(5))),
    Case("three_by_three_valid", Conv2D(padding=VALID), (act((1, 7, 6, 3)), weights((5, 3, 3, 3), axis=0), bias(5))),
    Case("stride_two_same_odd", Conv2D(stride_h=2, stride_w=2), (act((1, 7, 9, 3)), weights((8, 3, 3, 3), axis=0), bias(8))),
    Case("stride_two_same_even", Conv2D(stride_h=2, stride_w=2), (act((1, 8, 8, 3)), weights((8, 3, 3, 3), axis=0), bias(8))),
    Case("stride_differs", Conv2D(stride_h=1, stride_w=3), (act((1, 5, 10, 2)), weights((3, 3, 2, 2), axis=0), bias(3))),
    Case("dilated", Conv2D(dilation_h=2, dilation_w=3), (act((1, 9, 9, 2)), weights((3, 3, 3, 2), axis=0), bias(3))),
    Case("dilated_valid", Conv2D(padding=VALID, dilation_h=2), (act((1, 9, 4, 2)), weights((3, 3, 1, 2), axis=0), bias(3))),
    Case("ten_by_four", Conv2D(stride_h=2, stride_w=2, activation=Activation.RELU), (act((1, 25, 10, 1), 0.6, 83), weights((8, 10, 4, 1), axis=0), bias(8)), (act(scale=0.2, zero_point=-128),)),
    Case("per_tensor_filter", Conv2D(), (act((1, 5, 5, 4)), weights((4, 3, 3, 4)), bias(4))),
    Case("no_bias", Conv2D(), (act((1, 5, 5, 4)), weights((4, 3, 3, 4), axis=0))),
    Case("bias_absent", Conv2D(), (act((1, 5, 5, 4)), weights((4, 3, 3, 4), axis=0), None)),
    Case("relu6", Conv2D(activation=Activation.RELU6), (act((1, 5, 5, 4)), weights((4, 3, 3, 4), axis=0), bias(4)), (act(scale=0.04, zero_point=-100),)),
    Case("relu_n1_to_1", Conv2D(activation=Activation.RELU_N1_TO_1), (act((1, 5, 5, 4)), weights((4, 3, 3, 4), axis=0), bias(4)), (act(scale=0.04, zero_point=10),)),
    Case("pointwise_16_channels", Conv2D(activation=Activation.RELU), (act((1, 3, 3, 16)), weights((4, 1, 1, 16), 0.002, 0), bias(4)), (act(scale=0.05, zero_point=-128),)),
    Case("pointwise_20_channels", Conv2D(), (act((1, 3, 3, 20)), weights((8, 1, 1, 20), 0.002, 0), bias(8)), (act(scale=0.05, zero_point=4),)),
    Case("pointwise_33_channels", Conv2D(activation=Activation.RELU), (act((1, 3, 3, 33)), weights((8, 1, 1, 33), 0.002, 0), bias(8)), (act(scale=0.05, zero_point=-128),)),
    Case("pointwise_48_channels", Conv2D(), (act((1, 3, 3, 48)), weights((4, 1, 1, 48), 0.002, 0), bias(4)), (act(scale=0.05, zero_point=4),)),
    Case("pointwise_65_channels", Conv2D(activation=Activation.RELU), (act((1, 3, 3, 65)), weights((4, 1, 1, 65), 0.002, 0), bias(4)), (act(scale=0.05, zero_point=-128),)),
    Case("pointwise_80_channels", Conv2D(), (act((1, 3, 3, 80)), weights((8, 1, 1, 80), 0.002, 0), bias(8)), (act(scale=0.05, zero_point=4),)),
    Case("pointwise_96_channels", Conv2D(activation=Activation.RELU), (act((1, 3, 3, 96)), weights((4, 1, 1, 96), 0.002, 0), bias(4)), (act(scale=0.05, zero_point=-128),)),
    Case("window_of_whole_sixteens", Conv2D(stride_h=2), (act((1, 7, 5, 16)), weights((8, 3, 3, 16), 0.001, 0), bias(8))),
    Case("window_of_whole_sixteens_relu", Conv2D(activation=Activation.RELU), (act((1, 6, 9, 8), zero_point=-128), weights((4, 3, 2, 8), 0.001, 0), bias(4)), (act(scale=0.05, zero_point=-128),)),
    Case("batch_of_three", Conv2D(stride_h=2), (act((3, 6, 5, 4)), weights((7, 3, 3, 4), axis=0), bias(7))),
    Case("grouped", Conv2D(), (act((1, 5, 5, 8)), weights((6, 3, 3, 4), axis=0), bias(6))),
    Case("grouped_one_channel_each", Conv2D(padding=VALID), (act((1, 5, 5, 4)), weights((8, 2, 2, 1), axis=0), bias(8))),
    Case("one_output_channel", Conv2D(), (act((1, 4, 4, 3)), weights((1, 3, 3, 3)), bias(1))),
    Case("filter_larger_than_image", Conv2D(), (act((1, 2, 3, 2)), weights((3, 5, 7, 2), axis=0), bias(3))),
    Case("large_bias", Conv2D(), (act((1, 3, 3, 2)), weights((4, 1, 1, 2), 1e-7, 0), bias(4, 1 << 30)), (act(scale=0.05, zero_point=-4),)),
    Case("multiplier_above_one", Conv2D(), (act((1, 3, 3, 2), 0.9), weights((4, 1, 1, 2), 0.9, 0), bias(4, 9)), (act(scale=0.05, zero_point=-4),)),
    Case("input_zero_point_lowest", Conv2D(), (act((1, 4, 4, 5), zero_point=-128), weights((3, 3, 3, 5), axis=0), bias(3))),
    Case("tiles_less_one", Conv2D(), (act((1, 3, 7, 8)), weights((6, 3, 3, 8), axis=0), bias(6))),
    Case("tiles_of_eight_columns", Conv2D(activation=Activation.RELU), (act((1, 4, 8, 16), zero_point=-128), weights((4, 3, 3, 16), 0.001, 0), bias(4)), (act(scale=0.05, zero_point=-128),)),
    Case("tiles_and_one", Conv2D(), (act((1, 5, 9, 20), zero_point=127), weights((2, 3, 3, 20), 0.001, 0), bias(2))),
    Case("tiles_valid", Conv2D(padding=VALID, activation=Activation.RELU6), (act((1, 6, 18, 12)), weights((4, 3, 3, 12), axis=0), bias(4)), (act(scale=0.04, zero_point=-100),)),
    Case("tiles_inside", Conv2D(), (act((2, 3, 21, 4)), weights((4, 3, 3, 4), axis=0), bias(4))),
    Case("tiles_of_36_channels", Conv2D(), (act((1, 2, 3, 36)), weights((4, 3, 3, 36), 0.0005, 0), bias(4))),
    Case("one_pixel", Conv2D(), (act((1, 1, 1, 8)), weights((2, 3, 3, 8), axis=0), bias(2))),
    Case("tiles_of_lowest_weights", Conv2D(), (act((1, 4, 4, 48), zero_point=-128), replace(weights((4, 3, 3, 48), 0.00005, 0), low=-128, high=-127), bias(4))),
    Case("tiles_of_highest_weights", Conv2D(activation=Activation.RELU), (act((1, 4, 4, 44), zero_point=3), replace(weights((4, 3, 3, 44), 0.00005, 0), low=126), bias(4)), (act(scale=0.05, zero_point=-128),)),
    Case("tiles_of_large_sums", Conv2D(), (act((1, 4, 5, 8), 0.05), replace(weights((8, 3, 3, 8), 1e-6, 0), low=100), bias(8, (1 << 29) - 5_000_000)), (act(scale=0.35, zero_point=-4),)),
    Case("input_zero_point_highest", Conv2D(), (act((1, 4, 4, 5), zero_point=127), weights((3, 3, 3, 5), axis=0), bias(3))),
)  # fmt: skip

IMAGE = act((1, 4, 4, 2))
FILTER = weights((3, 1, 1, 2))

REFUSED = (
    ("and one output", Case("one_input", Conv2D(), (IMAGE,))),
    ("activations are int8", Case("float_input", Conv2D(), (real((1, 4, 4, 2)), FILTER))),
    ("its input has 4 dimensions", Case("rank_three", Conv2D(), (act((4, 4, 2)), FILTER))),
    ("its filter has 4 dimensions", Case("filter_of_rank_two", Conv2D(), (IMAGE, weights((3, 2))))),
    ("its stride is at least 1", Case("no_stride", Conv2D(stride_w=0), (IMAGE, FILTER))),
    ("its dilation is at least 1", Case("no_dilation", Conv2D(dilation_h=0), (IMAGE, FILTER))),
    ("its fused activation", Case("tanh", Conv2D(activation=Activation.TANH), (IMAGE, FILTER))),
    ("its filter is a constant", Case("filter_computed", Conv2D(), (IMAGE, act((3, 1, 1, 2), zero_point=0)))),
    ("its bias is a constant", Case("bias_computed", Conv2D(), (IMAGE, FILTER, Spec((3,), dtype=DType.INT32)))),
    ("symmetric", Case("filter_zero_point", Conv2D(), (IMAGE, Spec((3, 1, 1, 2), (0.1,), (1,), constant=True)))),
    ("at most 65536 weights", Case("long_sum", Conv2D(), (act((1, 1, 1, 65537)), weights((1, 1, 1, 65537))))),
    ("one value per output channel", Case("bias_too_long", Conv2D(), (IMAGE, FILTER, bias(4)))),
    ("equal groups", Case("channels_do_not_divide", Conv2D(), (act((1, 4, 4, 3)), FILTER))),
)
