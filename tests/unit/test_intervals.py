"""Interval analysis: no value is ever seen outside its bounds, and where they can be tight they are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import graphs
from support.graphs import act, bias, weights
from support.models import chain_with_dead_channels
from support.nets import Net
from support.random_graphs import random_graph

from edgekit.ir import interp
from edgekit.ir.graph import DType
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Activation, Padding
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.logistic import Logistic
from edgekit.ops.max_pool_2d import MaxPool2D
from edgekit.ops.reshape import Reshape
from edgekit.passes.intervals import intervals

PLAIN = {"padding": Padding.VALID}


def seen(graph, inputs):
    """Lowest and highest value of each channel of each int8 tensor, by name."""
    for name, values in interp.run(graph, inputs).items():
        tensor = graph.tensors[name]
        if tensor.dtype is DType.INT8 and tensor.data is None:
            rows = values.reshape(-1, tensor.shape[-1] if tensor.shape else 1)
            yield name, rows.min(axis=0), rows.max(axis=0)


def assert_within(graph, samples):
    bounds = intervals(graph)
    assert set(bounds) >= {name for node in graph.nodes for name in node.outputs}
    for inputs in samples:
        for name, low, high in seen(graph, inputs):
            assert (bounds[name].low <= low).all(), name
            assert (bounds[name].high >= high).all(), name


@given(st.integers(0, 100_000), st.integers(0, 100_000))
@settings(max_examples=120)
def test_every_value_of_a_random_network_lies_within_its_bounds(seed, data):
    graph = random_graph(seed)
    assert_within(graph, graphs.samples(graph, 2, data))


@given(st.integers(0, 100_000))
@settings(max_examples=60)
def test_every_value_of_a_chain_of_convolutions_lies_within_its_bounds(seed):
    graph = chain_with_dead_channels(seed)
    assert_within(graph, graphs.samples(graph, 2, seed))


def one_layer(op, shape, *constants, source=None, out=None):
    net = Net("layer")
    image = net.input(source or act(shape, 0.05, 3))
    return net.graph(*net.layer(op, image, *constants, out=(out or act((), 0.05, -9),)))


def assert_reached(graph, inputs_of):
    """The inputs that ``inputs_of`` names for a channel take it to either of its bounds."""
    output = graph.outputs[0]
    bounds = intervals(graph)[output]
    assert (bounds.low < bounds.high).any()
    for channel, (low, high) in enumerate(zip(bounds.low, bounds.high, strict=True)):
        for end, wanted in ((-1, low), (1, high)):
            values = interp.run(graph, [inputs_of(channel, end)])[output]
            assert values.reshape(-1, bounds.low.size)[0, channel] == wanted


@pytest.mark.parametrize("activation", [Activation.NONE, Activation.RELU, Activation.RELU_N1_TO_1])
@pytest.mark.parametrize("kind", ["fully connected", "convolution"])
def test_both_bounds_of_a_sum_are_reached_by_the_inputs_at_its_worst_ends(kind, activation):
    if kind == "convolution":
        filters, op, shape = weights((5, 2, 3, 4), 0.004, 0), Conv2D(activation=activation, **PLAIN), (1, 2, 3, 4)
    else:
        filters, op, shape = weights((5, 24), 0.004), FullyConnected(activation), (1, 24)
    graph = one_layer(op, shape, filters, bias(5))
    data = graph.tensors[graph.nodes[0].inputs[1]].value.reshape(5, *shape)

    def worst(channel, end):
        return np.where(data[channel] * end > 0, 127, -128).astype(np.int8)

    assert_reached(graph, worst)


def test_both_bounds_of_a_depthwise_sum_are_reached():
    graph = one_layer(
        DepthwiseConv2D(depth_multiplier=2, **PLAIN), (1, 2, 2, 3), weights((1, 2, 2, 6), 0.01, 3), bias(6)
    )
    data = graph.tensors[graph.nodes[0].inputs[1]].value

    def worst(channel, end):
        return np.repeat(np.where(data[..., channel : channel + 1] * end > 0, 127, -128), 3, -1).astype(np.int8)

    assert_reached(graph, worst)


@pytest.mark.parametrize("pool", [AveragePool2D, MaxPool2D])
def test_a_pooling_keeps_the_bounds_of_its_input_and_its_activation(pool):
    same = act((), 0.05, 3)
    graph = one_layer(pool(activation=Activation.RELU, filter_h=2, filter_w=2), (1, 4, 4, 2), out=same)
    bounds = intervals(graph)[graph.outputs[0]]
    assert (bounds.low.tolist(), bounds.high.tolist()) == ([3, 3], [127, 127])
    assert_reached(graph, lambda _channel, end: np.full((1, 4, 4, 2), 127 * end, np.int8))


def test_a_dead_filter_gives_a_channel_with_one_value():
    filters = replace(weights((3, 1, 1, 2)), values=(0, 0, 100, -50, 0, 0))
    offsets = replace(bias(3), values=(5000, 0, -5000))
    graph = one_layer(Conv2D(), (1, 3, 3, 2), filters, offsets)
    bounds = intervals(graph)[graph.outputs[0]]
    assert bounds.constant.tolist() == [True, False, True]
    (values,) = interp.outputs(graph, [np.zeros((1, 3, 3, 2), np.int8)])
    assert (values[..., bounds.constant] == bounds.low[bounds.constant]).all()


def test_a_border_of_zeros_widens_a_bound():
    """A tap over the border gives nothing, though the channel that it would read is never zero there."""
    net = Net("border")
    always = replace(weights((1, 1, 1, 2)), values=(0, 0))
    (high,) = net.layer(Conv2D(), net.input(act((1, 3, 3, 2))), always, replace(bias(1), values=(30_000,)))
    filters = replace(weights((1, 3, 3, 1), 0.01), values=(50,) * 9)
    inside = net.graph(*net.layer(Conv2D(**PLAIN), high, filters, None))
    padded = net.graph(*net.layer(Conv2D(), high, filters, None))
    assert intervals(inside)[inside.outputs[0]].constant.all()
    bounds = intervals(padded)[padded.outputs[0]]
    assert not bounds.constant.any()
    assert_within(padded, graphs.samples(padded))


def test_accumulators_that_may_wrap_are_bounded_by_nothing_but_the_activation():
    wild = replace(bias(2), values=((1 << 31) - 1, -(1 << 31)))
    graph = one_layer(FullyConnected(Activation.RELU), (1, 8), weights((2, 8), 0.02), wild)
    bounds = intervals(graph)[graph.outputs[0]]
    assert (bounds.low.tolist(), bounds.high.tolist()) == ([-9, -9], [127, 127])


def test_an_op_without_a_rule_and_a_view_that_moves_channels_may_hold_anything():
    net = Net("views")
    filters = replace(weights((4, 4), 0.001), values=(0,) * 12 + (9,) * 4)
    (narrow,) = net.layer(FullyConnected(), net.input(act((3, 4))), filters, bias(4))
    (kept,) = net.layer(Reshape((1, 3, 4)), narrow)
    (moved,) = net.layer(Reshape((4, 3)), narrow)
    (other,) = net.layer(Logistic(), narrow, out=(act((), 1 / 256, -128),))
    bounds = intervals(net.graph(kept, moved, other))
    assert bounds[kept].constant.tolist() == bounds[narrow].constant.tolist() == [True, True, True, False]
    for name in (moved, other):
        assert (bounds[name].low == -128).all()
        assert (bounds[name].high == 127).all()
