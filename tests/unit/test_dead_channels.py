"""Dead-channel elimination keeps every remaining byte, whatever the input."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import EXTREMES, chain_with_dead_channels
from support.need import model

from edgekit.frontends import tflite
from edgekit.ir import interp, verify
from edgekit.ir.graph import Graph
from edgekit.passes.dead_channels import explain, remove_dead_channels


def assert_same_bytes(before: Graph, after: Graph, inputs):
    expected, found = interp.run(before, inputs), interp.run(after, inputs)
    for name, values in found.items():
        tensor = after.tensors[name]
        if tensor.data is None:
            whole = expected[name]
            np.testing.assert_array_equal(values, whole[..., list(tensor.channels)] if tensor.channels else whole)


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
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
