"""The rules of a graph, and the interpreter's checks of its inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support import graphs, nets

from edgekit.errors import DataError, InternalError
from edgekit.ir import interp, verify


def broken(**changes):
    return replace(nets.residual_net(), **changes)


def with_tensor(which, **changes):
    graph = nets.residual_net()
    return replace(graph, tensors={**graph.tensors, which: replace(graph.tensors[which], **changes)})


def without(name):
    graph = nets.residual_net()
    return replace(graph, tensors={k: t for k, t in graph.tensors.items() if k != name})


def test_a_sound_graph_has_no_problems():
    assert verify.problems(nets.residual_net()) == []
    assert verify.problems(nets.two_headed_net()) == []


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (without("conv_2d_2/out_0"), "used but not defined"),
        (broken(inputs=()), "needs an input and an output"),
        (broken(outputs=()), "needs an input and an output"),
        (broken(inputs=("input_0", "input_0")), "listed twice"),
        (broken(inputs=("input_0", "conv_2d_0/operand_1")), "a model input is a constant"),
        (broken(nodes=nets.residual_net().nodes[1:]), "before any layer makes it"),
        (broken(nodes=nets.residual_net().nodes[:-1]), "no layer makes this model output"),
        (with_tensor("conv_2d_0/out_0", shape=(1, 8, 6, 5)), "has the wrong shape"),
        (with_tensor("conv_2d_0/operand_1", data=np.zeros((4, 3, 3, 3), np.int8)), "can be changed"),
        (with_tensor("conv_2d_0/operand_1", shape=(4, 3, 3, 2)), "its data has another shape"),
        (with_tensor("conv_2d_0/out_0", name="other"), "differs from its key"),
    ],
)
def test_a_graph_that_breaks_a_rule_is_refused(graph, message):
    with pytest.raises(InternalError, match=message):
        verify.verify(graph)


def test_all_problems_are_reported_at_once():
    graph = broken(nodes=nets.residual_net().nodes[2:-1])
    assert len(verify.problems(graph)) > 1


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [np.zeros((1, 8, 6, 4), np.int8)],
        [np.zeros((1, 8, 6, 3), np.uint8)],
        [np.zeros((1, 8, 6, 3), np.int8)] * 2,
    ],
)
def test_data_that_does_not_fit_the_model_is_refused(inputs):
    with pytest.raises(DataError):
        interp.run(nets.residual_net(), inputs)


def test_the_interpreter_gives_every_tensor_and_the_outputs_in_order():
    graph = nets.two_headed_net()
    (inputs, *_) = graphs.samples(graph, 0)
    values = interp.run(graph, inputs)
    assert set(values) == set(graph.tensors)
    for name, output in zip(graph.outputs, interp.outputs(graph, inputs), strict=True):
        np.testing.assert_array_equal(output, values[name])
