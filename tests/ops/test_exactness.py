"""Every op, every case: the writer, the reader and the NumPy reference against tflite-micro, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from support import graphs
from support.oracle import Oracle

from edgekit import ops
from edgekit.frontends import tflite as reader
from edgekit.frontends import tflite_writer as writer
from edgekit.ir import interp, verify

ALL = [pytest.param(case, id=f"{module}-{case.name}") for module, case in graphs.all_cases()]


@pytest.mark.parametrize("case", ALL)
def test_every_output_byte_equals_tflite_micro(case):
    model = writer.write(graphs.graph(case))
    oracle = Oracle(model)
    read = reader.read(model)
    for inputs in graphs.samples(read):
        expected = oracle.run(inputs)
        actual = interp.run(read, inputs)
        for name, values in expected.items():
            np.testing.assert_array_equal(actual[name], values, err_msg=name)
            assert actual[name].dtype == values.dtype


@pytest.mark.parametrize("case", ALL)
def test_reading_what_was_written_gives_the_same_graph(case):
    graph = graphs.graph(case)
    verify.verify(graph)
    read = reader.read(writer.write(graph))
    assert [n.op for n in read.nodes] == [n.op for n in graph.nodes]
    assert [n.inputs for n in read.nodes] == [n.inputs for n in graph.nodes]
    assert (read.inputs, read.outputs) == (graph.inputs, graph.outputs)
    for name, tensor in graph.tensors.items():
        other = read.tensors[name]
        assert (other.shape, other.dtype, other.quant) == (tensor.shape, tensor.dtype, tensor.quant)
        assert (other.data is None) == (tensor.data is None)
        if tensor.data is not None:
            np.testing.assert_array_equal(other.data, tensor.data)


def test_every_op_has_a_case_table():
    assert {case.op.NAME for _, case in graphs.all_cases()} == {op.NAME for op in ops.OPS}


def test_case_names_are_unique_within_their_table():
    names = [(module, case.name) for module, case in graphs.all_cases()]
    assert len(set(names)) == len(names)
