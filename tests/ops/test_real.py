"""What an op computes of real numbers is what its exact int8 reference computes, but for quantisation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support import graphs

from edgekit.ir import batch, interp
from edgekit.ir.graph import DType, Graph, QuantParams, Tensor

# Steps of the output's scale that an int8 kernel may be away from the rounded real result.
STEPS = {"HARD_SWISH": 2.0, "TANH": 2.0, "LOGISTIC": 1.5, "SOFTMAX": 2.0, "ADD": 1.5, "SUB": 1.5}
OTHERS = 1.01
# Kernels that do not do what the name says, exactly as TensorFlow Lite Micro's.
PECULIAR = {"scale_beyond_sixteen", "output_scale_is_not_looked_at"}


def real(values, quant: QuantParams):
    scale, zero = np.array(quant.scale, np.float64), np.array(quant.zero_point)
    if quant.per_channel:
        shape = [1] * values.ndim
        shape[quant.axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return (scale * (values.astype(np.float64) - zero)).astype(np.float32)


def float_twin(graph: Graph) -> Graph:
    """The graph with real numbers in place of quantised ones, its biases in the scale of the accumulators."""
    tensors = {name: float_tensor(t) for name, t in graph.tensors.items()}
    for view in graph.views():
        bias = view.optional(2)
        if bias is not None and view.node.op.NAME in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            scales = np.array(view.input(1).quant.scale) * view.input(0).scale
            tensors[bias.name] = replace(tensors[bias.name], data=frozen(bias.value * scales), dtype=DType.FLOAT32)
    return replace(graph, tensors=tensors)


def float_tensor(tensor: Tensor) -> Tensor:
    if tensor.quant is None or tensor.dtype is not DType.INT8:
        return tensor
    data = None if tensor.data is None else frozen(real(tensor.data, tensor.quant))
    return Tensor(tensor.name, tensor.shape, DType.FLOAT32, None, data)


def frozen(values):
    data = np.asarray(values, np.float32)
    data.flags.writeable = False
    return data


def in_int8(graph: Graph) -> bool:
    tensors = [graph.tensors[n] for n in (*graph.inputs, *graph.outputs)]
    kept = graph.nodes[0].op.NAME not in ("QUANTIZE", "DEQUANTIZE")
    return kept and all(t.dtype is DType.INT8 and t.quant is not None for t in tensors)


CASES = [(m, c, graphs.graph(c)) for m, c in graphs.all_cases()]
INT8 = [pytest.param(c, g, id=f"{m}-{c.name}") for m, c, g in CASES if in_int8(g)]


@pytest.mark.parametrize(("case", "graph"), [p for p in INT8 if p.values[0].name not in PECULIAR])
def test_real_arithmetic_agrees_with_the_exact_reference(case, graph):
    twin = float_twin(graph)
    for sample in graphs.samples(graph):
        inputs = [real(x, graph.tensors[n].quant) for n, x in zip(graph.inputs, sample, strict=True)]
        exact = interp.run(graph, sample)
        for name, result in zip(graph.outputs, interp.outputs(twin, inputs), strict=True):
            quant = graph.tensors[name].quant
            low, high = real(np.array(-128), quant), real(np.array(127), quant)
            steps = np.abs(np.clip(result, low, high) - real(exact[name], quant)) / quant.scale[0]
            assert result.dtype == np.float32
            assert steps.max() <= STEPS.get(case.op.NAME, OTHERS)


@pytest.mark.parametrize(("case", "graph"), INT8)
def test_samples_side_by_side_give_what_they_give_alone(case, graph):
    del case
    columns = [np.concatenate(c) for c in zip(*graphs.samples(graph), strict=True)]
    if any(graph.tensors[n].shape[:1] != (1,) for n in (*graph.inputs, *graph.outputs)):
        assert batch.rebatched(graph, 6) is None
        return
    whole = batch.outputs(graph, columns, size=4)
    for i, sample in enumerate(graphs.samples(graph)):
        for a, b in zip(whole, interp.outputs(graph, sample), strict=True):
            assert np.array_equal(a[i : i + 1].reshape(b.shape), b)
