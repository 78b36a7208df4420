"""Cases of MAX_POOL_2D."""

# ruff: noqa: E501  (a case is one row of a table)

from __future__ import annotations

from support.graphs import Case, act, real

from edgekit.ops.base import Activation, Padding
from edgekit.ops.max_pool_2d import MaxPool2D

SAME = Padding.SAME

CASES = (
    Case("two_by_two", MaxPool2D(stride_h=2, stride_w=2, filter_h=2, filter_w=2), (act((1, 6, 4, 5)),)),
    Case("whole_image", MaxPool2D(stride_h=25, stride_w=5, filter_h=25, filter_w=5), (act((1, 25, 5, 16)),)),
    Case("same", MaxPool2D(SAME, filter_h=3, filter_w=3), (act((1, 5, 5, 3)),)),
    Case("same_with_stride", MaxPool2D(SAME, 2, 2, 3, 3), (act((1, 7, 8, 3)),)),
    Case("window_larger_than_image", MaxPool2D(SAME, filter_h=5, filter_w=7), (act((1, 3, 4, 3)),)),
    Case("rectangle", MaxPool2D(stride_h=1, stride_w=3, filter_h=4, filter_w=2), (act((1, 7, 9, 2)),)),
    Case("batch_of_two", MaxPool2D(stride_h=2, stride_w=2, filter_h=3, filter_w=3), (act((2, 7, 7, 4)),)),
    Case("channels_of_four", MaxPool2D(stride_h=2, stride_w=2, filter_h=2, filter_w=2), (act((1, 4, 6, 4)),)),
    Case("channels_of_fifteen", MaxPool2D(SAME, 2, 2, 3, 2), (act((1, 5, 4, 15)),)),
    Case("channels_of_33_relu6", MaxPool2D(filter_h=2, filter_w=3, activation=Activation.RELU6), (act((1, 3, 5, 33), zero_point=-20),), (act(zero_point=-20),)),
    Case("channels_of_six_relu", MaxPool2D(SAME, filter_h=2, filter_w=2, activation=Activation.RELU), (act((1, 3, 3, 6)),)),
    Case("relu", MaxPool2D(SAME, filter_h=2, filter_w=2, activation=Activation.RELU), (act((1, 4, 4, 3)),)),
    Case("relu6", MaxPool2D(SAME, filter_h=2, filter_w=2, activation=Activation.RELU6), (act((1, 4, 4, 3)),)),
    Case("relu_n1_to_1", MaxPool2D(SAME, filter_h=2, filter_w=2, activation=Activation.RELU_N1_TO_1), (act((1, 4, 4, 3)),)),
)  # fmt: skip

IMAGE = (act((1, 4, 4, 2)),)

REFUSED = (
    ("and one output", Case("two_inputs", MaxPool2D(), IMAGE + IMAGE)),
    ("activations are int8", Case("float_input", MaxPool2D(), (real((1, 4, 4, 2)),))),
    ("its input has 4 dimensions", Case("rank_three", MaxPool2D(), (act((4, 4, 2)),))),
    ("its stride is at least 1", Case("no_stride", MaxPool2D(stride_h=0), IMAGE)),
    ("its filter is at least 1", Case("no_filter", MaxPool2D(filter_w=-1), IMAGE)),
    ("its fused activation", Case("tanh", MaxPool2D(activation=Activation.TANH), IMAGE)),
    ("same scale and zero point", Case("other_zero_point", MaxPool2D(), IMAGE, (act(zero_point=4),))),
    ("same scale and zero point", Case("other_scale", MaxPool2D(), IMAGE, (act(scale=0.0501),))),
)
