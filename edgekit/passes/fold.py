"""Constant folding: nodes whose inputs are all constants are computed now, unread nodes are dropped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.ir.graph import Graph, Node, Tensor

_ABSENT = np.empty(0, np.int8)


def fold_constants(graph: Graph) -> Graph:
    """``graph`` without nodes that need no input and without nodes that no output needs.

    A node that makes a model output is kept even if it is constant, because the output needs a place to lie.
    """
    tensors = dict(graph.tensors)
    nodes: list[Node] = []
    for node in graph.nodes:
        known = all(not name or tensors[name].data is not None for name in node.inputs)
        if known and not set(node.outputs) & set(graph.outputs):
            tensors |= _computed(replace(graph, tensors=tensors), node)
        else:
            nodes.append(node)
    return replace(graph, tensors=tensors).with_nodes(_needed(graph, nodes))


def _computed(graph: Graph, node: Node) -> dict[str, Tensor]:
    view = graph.view(node)
    values = [_ABSENT if t is None else t.value for t in view.inputs]
    results = node.op.evaluate(view, values)
    for array in results:
        array.flags.writeable = False
    return {t.name: replace(t, data=a) for t, a in zip(view.outputs, results, strict=True)}


def _needed(graph: Graph, nodes: list[Node]) -> tuple[Node, ...]:
    read = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(nodes):
        if read & set(node.outputs):
            kept.append(node)
            read |= set(node.inputs)
    return tuple(reversed(kept))
