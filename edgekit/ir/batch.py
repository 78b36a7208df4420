"""Run a graph of batch 1 over many samples at once, where its layers keep samples apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgekit.ir import interp, verify
from edgekit.ir.graph import Array, Graph, Node, Tensor, View
from edgekit.ops.reshape import Reshape

SIZE = 64


def rebatched(graph: Graph, count: int) -> Graph | None:
    """``graph`` for ``count`` samples side by side; None if a layer moves or joins samples."""
    computed = {name for node in graph.nodes for name in node.outputs} | set(graph.inputs)
    if any(graph.tensors[name].shape[:1] != (1,) for name in computed):
        return None
    tensors: dict[str, Tensor] = dict(graph.tensors)
    for name in computed:
        tensors[name] = replace(tensors[name], shape=(count, *tensors[name].shape[1:]))
    if any(_joins_constants(view) for view in graph.views()):
        return None
    nodes = tuple(_reshaped(node, tensors) for node in graph.nodes)
    wide = replace(graph, tensors=tensors).with_nodes(nodes)
    return None if any(verify.layer_problems(wide, node) for node in nodes) else wide


def _joins_constants(view: View) -> bool:
    """Whether the layer has a constant, of one sample, beside its inputs."""
    return view.node.op.NAME == "CONCATENATION" and any(t is not None and t.data is not None for t in view.inputs)


def _reshaped(node: Node, tensors: Mapping[str, Tensor]) -> Node:
    if not isinstance(node.op, Reshape):
        return node
    return replace(node, op=replace(node.op, new_shape=tensors[node.outputs[0]].shape), inputs=node.inputs[:1])


def runs(graph: Graph, columns: Sequence[Array], size: int = SIZE) -> Iterator[dict[str, Array]]:
    """Every tensor's value for up to ``size`` samples at a time; ``columns`` has an array (samples, ...) per input."""
    count = len(columns[0])
    whole = rebatched(graph, min(size, count)) if count > 1 else None
    if whole is None:
        for i in range(count):
            yield interp.run(graph, [c[i : i + 1] for c in columns])
        return
    for start in range(0, count, size):
        part = [c[start : start + size] for c in columns]
        rest = len(part[0]) < min(size, count)
        yield interp.run((rebatched(graph, len(part[0])) if rest else whole) or graph, part)


def outputs(graph: Graph, columns: Sequence[Array], size: int = SIZE) -> list[Array]:
    """The model outputs for all samples, one array (samples, ...) per output."""
    parts = [[values[name] for name in graph.outputs] for values in runs(graph, columns, size)]
    return [np.concatenate([p[i] for p in parts]) for i in range(len(graph.outputs))]
