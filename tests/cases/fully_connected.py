"""Cases of FULLY_CONNECTED."""

# ruff: noqa: E501  (a case is one row of a table)

from __future__ import annotations

from support.graphs import Case, Spec, act, bias, real, weights

from edgekit.ir.graph import DType
from edgekit.ops.base import Activation
from edgekit.ops.fully_connected import FullyConnected

TIES = Spec((6,), (0.075,), dtype=DType.INT32, constant=True, values=(6, 14, -6, 7, 15, -5))
"""Sums of which 0.75 is a half, for the lowest and the highest input, if the scales are multiplied in double."""

CASES = (
    Case("plain", FullyConnected(), (act((1, 16)), weights((10, 16)), bias(10, 2000))),
    Case("odd_sizes", FullyConnected(), (act((1, 13)), weights((7, 13)), bias(7, 2000))),
    Case("small_sums", FullyConnected(activation=Activation.RELU), (act((1, 136), zero_point=-128), weights((13, 136), 0.001), bias(13, 2000)), (act(scale=0.06, zero_point=-128),)),
    Case("one_output", FullyConnected(), (act((1, 9)), weights((1, 9)), bias(1, 2000))),
    Case("one_feature", FullyConnected(), (act((1, 1)), weights((5, 1), 0.02), bias(5, 2000))),
    Case("long_rows", FullyConnected(), (act((1, 640), zero_point=-90), weights((8, 640), 0.0004), bias(8, 2000))),
    Case("batch_of_three", FullyConnected(), (act((3, 12)), weights((6, 12)), bias(6, 2000))),
    Case("image_flattened", FullyConnected(), (act((2, 2, 3, 4)), weights((5, 24)), bias(5, 2000))),
    Case("keep_num_dims", FullyConnected(keep_num_dims=True), (act((2, 3, 8)), weights((5, 8)), bias(5, 2000))),
    Case("per_channel", FullyConnected(), (act((1, 16)), weights((10, 16), axis=0), bias(10, 2000))),
    Case("no_bias", FullyConnected(), (act((1, 16)), weights((10, 16)))),
    Case("bias_absent", FullyConnected(), (act((1, 16)), weights((10, 16)), None)),
    Case("relu", FullyConnected(activation=Activation.RELU), (act((1, 32), zero_point=-128), weights((9, 32)), bias(9)), (act(scale=0.06, zero_point=-128),)),
    Case("relu6", FullyConnected(activation=Activation.RELU6), (act((1, 32)), weights((9, 32)), bias(9)), (act(scale=0.06, zero_point=-60),)),
    Case("relu_n1_to_1", FullyConnected(activation=Activation.RELU_N1_TO_1), (act((1, 32)), weights((9, 32)), bias(9)), (act(scale=0.04, zero_point=0),)),
    Case("multiplier_above_one", FullyConnected(), (act((1, 4), 0.9), weights((3, 4), 0.7), None), (act(scale=0.05, zero_point=2),)),
    Case("sums_halfway_between_outputs", FullyConnected(), (act((1, 1), 0.1, 0), Spec((6, 1), (0.75,), constant=True, values=(1,) * 6), TIES), (act(scale=0.2, zero_point=0),)),
    Case("zero_point_highest", FullyConnected(), (act((1, 20), zero_point=127), weights((4, 20)), bias(4, 2000))),
)  # fmt: skip

ROW = act((1, 4))
FILTER = weights((3, 4))

REFUSED = (
    ("and one output", Case("one_input", FullyConnected(), (ROW,))),
    ("activations are int8", Case("float_input", FullyConnected(), (real((1, 4)), FILTER))),
    ("its filter has 2 dimensions", Case("filter_of_rank_four", FullyConnected(), (ROW, weights((3, 1, 1, 4))))),
    ("its fused activation", Case("tanh", FullyConnected(activation=Activation.TANH), (ROW, FILTER))),
    ("its filter is a constant", Case("filter_computed", FullyConnected(), (ROW, act((3, 4), zero_point=0)))),
    ("its bias is a constant", Case("bias_computed", FullyConnected(), (ROW, FILTER, Spec((3,), dtype=DType.INT32)))),
    ("symmetric", Case("scales_along_features", FullyConnected(), (ROW, weights((3, 4), axis=1)))),
    ("at most 65536 weights", Case("long_sum", FullyConnected(), (act((1, 65537)), weights((1, 65537))))),
    ("one value per output channel", Case("bias_too_long", FullyConnected(), (ROW, FILTER, bias(4)))),
    ("stored row by row", Case("shuffled", FullyConnected(weights_format=1), (ROW, FILTER))),
    ("divides into rows", Case("features_do_not_divide", FullyConnected(), (act((1, 6)), FILTER))),
    ("divides into rows", Case("keeps_another_last_axis", FullyConnected(keep_num_dims=True), (act((4, 2)), FILTER))),
)
