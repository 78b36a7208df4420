"""SOFTMAX of more elements than tflite-micro can always sum: its bytes where it answers, the formula's where it stops.

Exponentials are summed with 12 integer bits. Its last shift is 9 + 31 - 8 = 32 once the sum is 512 or more, which
TFLITE_CHECK refuses; a share of one in 512 is less than half a step of 1/256, so that every output is then 0.
"""

import signal
import subprocess
import sys

import numpy as np
import pytest
from cases.softmax import BEYOND_TFLITE_MICRO
from support import graphs
from support.oracle import Oracle

from edgekit.frontends import tflite as reader
from edgekit.frontends import tflite_writer as writer
from edgekit.ir import interp, verify

RUN = """
import pathlib, sys
import numpy as np
from support.oracle import Oracle
oracle = Oracle(pathlib.Path(sys.argv[1]).read_bytes())
oracle.run([np.full(oracle.graph.tensors[oracle.graph.inputs[0]].shape, 5, np.int8)])
"""
CASES = pytest.mark.parametrize("case", BEYOND_TFLITE_MICRO, ids=lambda c: c.name)


def peaked(shape, seed):
    """One to three high elements a row, the others at random far below."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-128, -60, shape).astype(np.int8)
    for row in values.reshape(-1, shape[-1]):
        row[rng.choice(shape[-1], rng.integers(1, 4), replace=False)] = rng.integers(100, 128)
    return values


@CASES
@pytest.mark.parametrize("seed", range(8))
def test_a_deep_softmax_equals_tflite_micro_where_the_sum_fits(case, seed):
    model = writer.write(graphs.graph(case))
    graph = reader.read(model)
    verify.verify(graph)
    inputs = peaked(graph.tensors[graph.inputs[0]].shape, seed)
    (expected,) = Oracle(model).run([inputs]).values()
    (found,) = interp.outputs(graph, [inputs])
    assert found.max() > -128
    np.testing.assert_array_equal(found, expected)


@CASES
def test_equal_elements_share_nothing_where_tflite_micro_stops(case):
    graph = graphs.graph(case)
    (found,) = interp.outputs(graph, [np.full(graph.tensors[graph.inputs[0]].shape, 5, np.int8)])
    assert (found == -128).all()


def test_tflite_micro_stops_at_a_sum_of_512(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(writer.write(graphs.graph(BEYOND_TFLITE_MICRO[0])))
    done = subprocess.run([sys.executable, "-c", RUN, path], env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert done.returncode == -signal.SIGABRT
