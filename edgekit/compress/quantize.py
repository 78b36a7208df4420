"""Post-training quantisation: a float Graph and samples become an int8 Graph with TensorFlow Lite's semantics.

Weights int8, symmetric, a scale per output channel; activations int8 with one scale each; biases int32; fixed scales
behind SOFTMAX, LOGISTIC and TANH; one scale over ops that move elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.compress import calibrate
from edgekit.compress.fuse import WEIGHTED, fuse
from edgekit.errors import Problem, UnsupportedError
from edgekit.ir.graph import Array, DType, Graph, Node, QuantParams, Tensor, View
from edgekit.ir.quant import nearest, quantize_reals
from edgekit.ops.concatenation import Concatenation
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.quantize import Quantize
from edgekit.passes.fold import fold_constants

_TINY = 1e-8
_BIAS_LIMIT = float(1 << 30)


@dataclass(frozen=True)
class Options:
    """How ranges are chosen: one of ``calibrate.CALIBRATORS``."""

    calibrator: str = "minmax"


def quantize(graph: Graph, columns: Sequence[Array], options: Options | None = None) -> Graph:
    """The int8 graph of a float one; ``columns`` has float32 samples (samples, ...) for each input.

    Raises:
        DataError: the samples do not fit the model, are constant or not finite.
        UnsupportedError: every layer that has no int8 form.
        UsageError: there is no such calibrator.
    """
    chosen = options or Options()
    fused = prepared(graph)
    seen = calibrate.observe(fused, columns)
    return ranged(fused, {n: calibrate.limits(o, chosen.calibrator) for n, o in seen.items()})


def prepared(graph: Graph) -> Graph:
    """A float graph with as few layers as it can do with: what is quantised.

    Raises:
        UnsupportedError: it is no float graph.
    """
    fused = fuse(fold_constants(graph))
    integers = [n for n in fused.inputs if fused.tensors[n].dtype is not DType.FLOAT32]
    if integers:
        raise UnsupportedError(Problem("the model is not a float model", f"input '{integers[0]}'"))
    return fused


def ranged(fused: Graph, ranges: Mapping[str, tuple[float, float]]) -> Graph:
    """The int8 form of a ``prepared`` graph whose computed tensors hold these ranges, 0 inside each.

    Raises:
        UnsupportedError: every layer that has no int8 form.
    """
    result = _with_scales(fused, _activation_scales(fused, ranges))
    problems = [p for view in result.views() for p in view.node.op.problems(view)]
    if problems:
        raise UnsupportedError(*problems)
    return result


def affine(low: float, high: float) -> QuantParams:
    """Scale and zero point of int8 over [low, high], which holds 0; 0 is exact."""
    scale = float(np.float32(max((high - low) / 255, _TINY)))
    return QuantParams((scale,), (int(np.clip(np.rint(-128 - low / scale), -128, 127)),))


def _activation_scales(graph: Graph, ranges: Mapping[str, tuple[float, float]]) -> dict[str, QuantParams]:
    """Scale and zero point of every computed tensor; those that must be alike are."""
    parent = {n: n for n in ranges}
    fixed: dict[str, QuantParams] = {}

    def find(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    def join(a: str, b: str) -> None:
        a, b = find(a), find(b)
        if a != b:
            parent[b] = a
            if b in fixed:
                fixed.setdefault(a, fixed[b])

    for view in graph.views():
        node = view.node
        if node.op.OUTPUT_QUANT is not None:
            fixed[find(node.outputs[0])] = node.op.OUTPUT_QUANT
        if node.op.KEEPS_SCALE:
            source = node.inputs[node.op.activations(view)[0]]
            for name in node.outputs:
                join(source, name)
    for node in graph.nodes:
        if isinstance(node.op, Concatenation):
            for name in node.inputs:
                if name in parent and find(name) not in fixed and find(node.outputs[0]) not in fixed:
                    join(node.outputs[0], name)
    groups: dict[str, list[str]] = {}
    for name in ranges:
        groups.setdefault(find(name), []).append(name)
    found: dict[str, QuantParams] = {}
    for root, names in groups.items():
        low, high = min(ranges[n][0] for n in names), max(ranges[n][1] for n in names)
        found |= dict.fromkeys(names, fixed.get(root) or affine(low, high))
    return found


def _with_scales(graph: Graph, scales: Mapping[str, QuantParams]) -> Graph:
    """The graph with int8 tensors, quantised constants, and a QUANTIZE where a concatenation's input differs."""
    tensors = dict(graph.tensors)
    for name, quant in scales.items():
        tensors[name] = replace(tensors[name], dtype=DType.INT8, quant=quant)
    nodes: list[Node] = []
    for view in graph.views():
        node = view.node
        inputs = [*node.inputs, *([""] * (3 - len(node.inputs)) if isinstance(node.op, WEIGHTED) else [])]
        if isinstance(node.op, WEIGHTED):
            made = _weights(view, scales[node.inputs[0]])
        else:
            made = _operands(view, scales.get(node.outputs[0]))
        for index, tensor in made.items():
            tensors[tensor.name] = tensor
            inputs[index] = tensor.name
        if isinstance(node.op, Concatenation):
            for index, name in enumerate(inputs):
                if name in scales and scales[name] != scales[node.outputs[0]]:
                    moved = f"{node.outputs[0]}/rescaled_{index}"
                    tensors[moved] = replace(tensors[name], name=moved, quant=scales[node.outputs[0]])
                    nodes.append(Node(Quantize(), (name,), (moved,), (moved,)))
                    inputs[index] = moved
        nodes.append(replace(node, inputs=tuple(inputs)))
    return replace(graph, tensors=tensors).with_nodes(tuple(nodes))


def _weights(view: View, source: QuantParams) -> dict[int, Tensor]:
    """Filter and bias of a layer, zeros if it has none; a scale grows where the bias would not fit 32 bits."""
    filters, bias = view.input(1), view.optional(2)
    axis = 3 if isinstance(view.node.op, DepthwiseConv2D) else 0
    rows = np.moveaxis(filters.value, axis, 0).reshape(filters.shape[axis], -1).astype(np.float64)
    scale = np.maximum(np.abs(rows).max(axis=1) / 127, _TINY)
    offsets = np.zeros(len(scale)) if bias is None else bias.value.astype(np.float64).reshape(-1)
    scale = np.maximum(scale, np.abs(offsets) / (_BIAS_LIMIT * source.scale[0]))
    scale = scale.astype(np.float32).astype(np.float64)
    shape = [1] * len(filters.shape)
    shape[axis] = -1
    quantised = np.clip(nearest(filters.value / scale.reshape(shape)), -127, 127).astype(np.int8)
    label, zeros = view.node.outputs[0], (0,) * len(scale)
    made = {1: _constant(f"{label}/filter_s8", quantised, QuantParams(tuple(scale.tolist()), zeros, axis))}
    steps = (scale * source.scale[0]).astype(np.float32).astype(np.float64)
    values = nearest(offsets / steps).astype(np.int32)
    made[2] = _constant(f"{label}/bias_s32", values, QuantParams(tuple(steps.tolist()), zeros))
    return made


def _operands(view: View, output: QuantParams | None) -> dict[int, Tensor]:
    """Float constants that a layer reads as it reads activations."""
    made: dict[int, Tensor] = {}
    for index, tensor in enumerate(view.inputs):
        if tensor is None or tensor.data is None or tensor.dtype is not DType.FLOAT32:
            continue
        low, high = min(float(tensor.data.min()), 0.0), max(float(tensor.data.max()), 0.0)
        alike = isinstance(view.node.op, Concatenation) and output is not None
        quant = output if alike and output is not None else affine(low, high)
        values = quantize_reals(tensor.data, quant.scale[0], quant.zero_point[0], np.int8)
        made[index] = _constant(f"{view.node.outputs[0]}/operand_{index}_s8", values, quant)
    return made


def _constant(name: str, data: Array, quant: QuantParams) -> Tensor:
    data.flags.writeable = False
    return Tensor(name, data.shape, DType(str(data.dtype)), quant, data)
