"""What holds for every pass, and constant folding: fewer nodes, the same bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import graphs
from support.graphs import act, bias, integers, weights
from support.nets import Net
from support.random_graphs import random_graph

from edgekit.ir import interp, verify
from edgekit.ops.add import Add
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.mul import Mul
from edgekit.ops.relu import Relu
from edgekit.ops.reshape import Reshape
from edgekit.ops.split import Split
from edgekit.passes import PASSES, optimise
from edgekit.passes.fold import fold_constants


@pytest.mark.parametrize("name", PASSES)
@given(seed=st.integers(0, 100_000))
@settings(max_examples=40)
def test_a_pass_keeps_every_remaining_byte_and_all_inputs_and_outputs(name, seed):
    graph = random_graph(seed)
    after = PASSES[name](graph)
    verify.verify(after)
    assert (after.inputs, after.outputs) == (graph.inputs, graph.outputs)
    for inputs in graphs.samples(graph, 1, seed):
        expected = interp.run(graph, inputs)
        for tensor, values in interp.run(after, inputs).items():
            channels = list(after.tensors[tensor].channels)
            whole = expected[tensor] if tensor in expected else after.tensors[tensor].value
            np.testing.assert_array_equal(values, whole[..., channels] if channels else whole)


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("seed", range(20))
def test_a_pass_changes_nothing_the_second_time(name, seed):
    once = PASSES[name](random_graph(seed))
    assert PASSES[name](once).nodes == once.nodes


def test_optimise_stops_after_the_pass_it_is_told():
    graph = with_constants()
    assert [n.name for n in optimise(graph, "fold").nodes] == [n.name for n in fold_constants(graph).nodes]
    assert len(optimise(graph).nodes) <= len(optimise(graph, "fold").nodes) < len(graph.nodes)


def constant(shape, scale=0.05, zero_point=3):
    return graphs.Spec(shape, (scale,), (zero_point,), constant=True)


def with_constants():
    """A sum of constants through a view, which one layer reads; a layer and a part that nothing reads."""
    net = Net("constants")
    (total,) = net.layer(Add(), constant((1, 8)), constant((1, 8)))
    (seen,) = net.layer(Reshape((2, 4)), total, out=(act(),))
    (result,) = net.layer(Mul(), net.input(act((2, 4))), seen)
    net.layer(Relu(), result)
    (first, _) = net.layer(Split(2), integers(1, shape=()), result, out=(act(), act()))
    return net.graph(first)


def test_what_needs_no_input_is_computed_and_what_nobody_reads_is_dropped():
    graph = with_constants()
    folded = fold_constants(graph)
    verify.verify(folded)
    assert [n.op.NAME for n in graph.nodes] == ["ADD", "RESHAPE", "MUL", "RELU", "SPLIT"]
    assert [n.op.NAME for n in folded.nodes] == ["MUL", "SPLIT"]
    known = folded.tensors[folded.nodes[0].inputs[1]]
    inputs = graphs.samples(graph, 1)[-1]
    np.testing.assert_array_equal(known.value, interp.run(graph, inputs)[known.name])
    assert not known.value.flags.writeable
    assert "add_0/out_0" not in folded.tensors
    assert set(folded.nodes[1].outputs) <= set(folded.tensors), "a part that nobody reads still has its place"


def test_a_constant_output_of_the_model_is_still_computed():
    net = Net("constant_output")
    net.input(act((1, 4)))
    graph = net.graph(*net.layer(Add(), constant((1, 4)), constant((1, 4))))
    assert fold_constants(graph).nodes == graph.nodes


def test_an_absent_input_does_not_keep_a_layer_from_being_folded():
    net = Net("absent")
    (known,) = net.layer(FullyConnected(), constant((1, 4)), weights((3, 4)), None)
    graph = net.graph(*net.layer(Add(), net.input(act((1, 3))), known))
    folded = fold_constants(graph)
    assert [n.op.NAME for n in folded.nodes] == ["ADD"]
    inputs = graphs.samples(graph, 1)[-1]
    assert np.array_equal(interp.outputs(graph, inputs)[0], interp.outputs(folded, inputs)[0])


def test_inputs_that_nobody_reads_stay():
    net = Net("unread")
    unread, used = net.input(act((1, 3))), net.input(act((1, 3)))
    graph = net.graph(*net.layer(FullyConnected(), used, weights((2, 3)), bias(2)))
    assert optimise(graph).inputs == (unread, used)
