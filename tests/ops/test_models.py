"""Whole models: every layer's output against tflite-micro, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from support import graphs, need, nets
from support.oracle import Oracle

from edgekit.frontends import tflite as reader
from edgekit.frontends import tflite_writer as writer
from edgekit.ir import interp, verify


def assert_exact(model: bytes, count: int) -> None:
    graph = reader.read(model)
    verify.verify(graph)
    oracle = Oracle(model)
    for inputs in graphs.samples(graph, count):
        actual = interp.run(graph, inputs)
        for name, expected in oracle.run(inputs).items():
            np.testing.assert_array_equal(actual[name], expected, err_msg=name)


@pytest.mark.parametrize("build", [nets.residual_net, nets.two_headed_net])
def test_every_layer_of_a_small_net_equals_tflite_micro(build):
    assert_exact(writer.write(build()), 5)


@pytest.mark.parametrize("name", nets.REFERENCE_MODELS)
def test_every_layer_of_a_reference_model_equals_tflite_micro(name):
    assert_exact(need.model(name).read_bytes(), 1)


@pytest.mark.parametrize("name", nets.REFERENCE_MODELS)
def test_a_reference_model_written_again_computes_the_same(name):
    graph = reader.read(need.model(name))
    again = reader.read(writer.write(graph))
    (inputs, *_) = graphs.samples(graph, 0)
    for first, second in zip(interp.outputs(graph, inputs), interp.outputs(again, inputs), strict=True):
        np.testing.assert_array_equal(first, second)
