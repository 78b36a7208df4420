"""Dead-channel elimination keeps every remaining byte, whatever the input."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import graphs
from support.graphs import act, bias, integers, weights
from support.models import EXTREMES, chain_with_dead_channels
from support.need import model
from support.nets import Net

from edgekit.frontends import tflite
from edgekit.ir import interp, verify
from edgekit.ir.graph import Graph
from edgekit.ops.add import Add
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.expand_dims import ExpandDims
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.reshape import Reshape
from edgekit.ops.squeeze import Squeeze
from edgekit.passes.dead_channels import explain, remove_dead_channels


def assert_same_bytes(before: Graph, after: Graph, inputs):
    expected, found = interp.run(before, inputs), interp.run(after, inputs)
    for name, values in found.items():
        tensor = after.tensors[name]
        if tensor.data is None:
            whole = expected[name]
            np.testing.assert_array_equal(values, whole[..., list(tensor.channels)] if tensor.channels else whole)


@given(st.integers(0, 10_000))
@settings(max_examples=60)
def test_every_remaining_byte_is_equal(seed):
    graph = chain_with_dead_channels(seed)
    slim = remove_dead_channels(graph)
    verify.verify(slim)
    shape = graph.tensors[graph.inputs[0]].shape
    generator = np.random.default_rng(seed)
    for inputs in [generator.integers(-128, 128, shape, np.int8), *(f(shape) for f in EXTREMES)]:
        assert_same_bytes(graph, slim, [inputs])


def slimmed(count):
    """Seeded graphs that lose something, with what is left of them."""
    pairs = [(g, remove_dead_channels(g)) for g in map(chain_with_dead_channels, range(40))]
    return [(g, slim) for g, slim in pairs if slim.macs < g.macs][:count]


def test_what_is_removed_is_explained():
    graphs = slimmed(8)
    assert len(graphs) == 8
    for graph, slim in graphs:
        removed = explain(graph)
        assert removed
        for removal in removed:
            assert not set(removal.constant) & set(removal.unread)
            left = slim.tensors[removal.tensors[0]].shape[-1]
            assert removal.channels == left + len(removal.constant) + len(removal.unread)


def test_a_second_run_removes_nothing():
    for _, slim in slimmed(4):
        assert remove_dead_channels(slim).macs == slim.macs


def test_the_visual_wake_words_model_falls_below_its_bars():
    graph = tflite.read(model("vww_96_int8.tflite"))
    slim = remove_dead_channels(graph)
    weights = sum(t.bytes for t in slim.tensors.values() if t.data is not None and t.data.dtype == np.int8)
    assert slim.macs <= 3_800_000
    assert weights <= 34_000
    shape = graph.tensors[graph.inputs[0]].shape
    assert_same_bytes(graph, slim, [np.random.default_rng(0).integers(-128, 128, shape, np.int8)])


def filters(shape, *entries):
    """A filter that is zero but for ((index), weight) pairs."""
    values = np.zeros(shape, int)
    for index, weight in entries:
        values[index] = weight
    return replace(weights(shape), values=tuple(values.ravel().tolist()))


def assert_slimmed(graph):
    slim = remove_dead_channels(graph)
    verify.verify(slim)
    assert slim.macs < graph.macs
    for inputs in graphs.samples(graph):
        assert_same_bytes(graph, slim, inputs)


def test_a_residual_whose_rounding_depends_on_itself_comes_to_an_end():
    """What is put back to fill a word of channels decides here which channels are dead."""
    net = Net("residual")
    (x,) = net.layer(Conv2D(), net.input(act((1, 2, 2, 3))), weights((8, 1, 1, 3)), bias(8))
    within = filters((8, 1, 1, 8), ((1, 0, 0, 5), 50), ((7, 0, 0, 6), 3), ((6, 0, 0, 7), 9))
    (y,) = net.layer(Conv2D(), x, within, bias(8))
    (y,) = net.layer(Add(), x, y)
    after = filters((4, 1, 1, 8), ((slice(None), 0, 0, slice(6, 8)), 20))
    assert_slimmed(net.graph(*net.layer(Conv2D(), y, after, bias(4))))


@pytest.mark.parametrize("shape", [Reshape((4, 8)), Reshape()], ids=["in its options", "as a constant"])
def test_a_reshape_asks_for_the_channels_that_are_left(shape):
    net = Net("reshaped")
    (x,) = net.layer(Conv2D(), net.input(act((1, 2, 2, 3))), filters((8, 1, 1, 3), ((7,), 3)), bias(8))
    (x,) = net.layer(shape, x, *(() if shape.new_shape else (integers(-1, 8),)))
    assert_slimmed(net.graph(*net.layer(FullyConnected(), x, weights((4, 8)), bias(4))))


def test_scalars_pass_unharmed():
    net = Net("scalar")
    (x,) = net.layer(FullyConnected(), net.input(act((1, 1))), weights((1, 1)), bias(1))
    (x,) = net.layer(Squeeze(), x)
    (x,) = net.layer(ExpandDims(), x, integers(0, shape=()))
    graph = net.graph(*net.layer(FullyConnected(), x, weights((2, 1)), bias(2)))
    slim = remove_dead_channels(graph)
    for inputs in graphs.samples(graph):
        assert_same_bytes(graph, slim, inputs)
