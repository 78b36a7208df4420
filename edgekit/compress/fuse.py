"""Float graphs with fewer layers: batch norms go into weights, activations into the layers before them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.ir.graph import Array, DType, Graph, Node, Tensor
from edgekit.ops._binary import Binary
from edgekit.ops._pool import Pool2D
from edgekit.ops.add import Add
from edgekit.ops.base import Activation, Op
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.mul import Mul
from edgekit.ops.relu import Relu
from edgekit.ops.relu6 import Relu6
from edgekit.ops.sub import Sub

_ACTIVATIONS: dict[type[Op], Activation] = {Relu: Activation.RELU, Relu6: Activation.RELU6}
WEIGHTED = (Conv2D, DepthwiseConv2D, FullyConnected)


def fuse(graph: Graph) -> Graph:
    """``graph`` with constant products and sums folded into weights and activations into fields; the same numbers.

    A fused layer keeps the name of its first part, and so does its output.
    """
    done = False
    while not done:
        done = True
        for first, second in _pairs(graph):
            joined = _joined(graph, first, second)
            if joined is not None:
                graph, done = _replaced(graph, first, second, *joined), False
                break
    return graph


def _pairs(graph: Graph) -> list[tuple[Node, Node]]:
    """Neighbours, where the second is all that reads what the first makes."""
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    found = [(n, readers.get(n.outputs[0], [])) for n in graph.nodes if n.outputs[0] not in graph.outputs]
    return [(n, r[0]) for n, r in found if len(r) == 1 and r[0].inputs.count(n.outputs[0]) == 1]


def _joined(graph: Graph, first: Node, second: Node) -> tuple[Node, dict[str, Tensor]] | None:
    """One node that does what two do, with its new constants; None if there is none."""
    op = first.op
    if not isinstance(op, (*WEIGHTED, Binary, Pool2D)) or op.activation is not Activation.NONE:
        return None
    fused = _ACTIVATIONS.get(type(second.op))
    origin = (*first.origin, *second.origin)
    if fused is not None:
        return replace(first, op=replace(op, activation=fused), origin=origin), {}
    if not isinstance(op, WEIGHTED) or not isinstance(second.op, Mul | Add | Sub):
        return None
    other = second.inputs[1] if second.inputs[0] == first.outputs[0] else second.inputs[0]
    data, out = graph.tensors[other].data, graph.tensors[second.outputs[0]]
    channels = out.shape[-1]
    if data is None or data.size not in (1, channels) or out.shape != graph.tensors[first.outputs[0]].shape:
        return None
    if data.size > 1 and data.shape[-1] != channels:
        return None
    values = np.broadcast_to(data.reshape(-1).astype(np.float64), (channels,))
    scale, offset = np.ones(channels), np.zeros(channels)
    if isinstance(second.op, Mul):
        scale = values
    elif isinstance(second.op, Sub):
        turned = second.inputs[0] == other
        scale, offset = (-scale, values) if turned else (scale, -values)
    else:
        offset = values
    return _scaled(graph, first, second.op.activation, origin, scale=scale, offset=offset)


def _scaled(
    graph: Graph, first: Node, activation: Activation, origin: tuple[str, ...], *, scale: Array, offset: Array
) -> tuple[Node, dict[str, Tensor]]:
    """A layer whose outputs are multiplied by ``scale`` and raised by ``offset``."""
    view = graph.view(first)
    filters, bias = view.input(1), view.optional(2)
    axis = 3 if isinstance(first.op, DepthwiseConv2D) else 0
    shape = [1] * len(filters.shape)
    shape[axis] = -1
    old = np.zeros(len(scale)) if bias is None else bias.value.astype(np.float64)
    label = first.outputs[0]
    new = {
        f"{label}/filter": filters.value * scale.reshape(shape),
        f"{label}/bias": old * scale + offset,
    }
    op = first.op
    node = replace(first, inputs=(first.inputs[0], *new), origin=origin)
    if isinstance(op, (*WEIGHTED,)):
        node = replace(node, op=replace(op, activation=activation))
    return node, {name: constant(name, values) for name, values in new.items()}


def constant(name: str, values: Array) -> Tensor:
    """A float32 constant."""
    data = np.ascontiguousarray(values, np.float32)
    data.flags.writeable = False
    return Tensor(name, data.shape, DType.FLOAT32, data=data)


def _replaced(graph: Graph, first: Node, second: Node, node: Node, new: dict[str, Tensor]) -> Graph:
    """``graph`` with ``node`` in the place of both, its output called as the first one's."""
    old, kept = second.outputs[0], first.outputs[0]
    nodes = tuple(
        replace(n, inputs=tuple(kept if i == old else i for i in n.inputs))
        for n in (node if n is first else n for n in graph.nodes if n is not second)
    )
    outputs = tuple(kept if o == old else o for o in graph.outputs)
    return replace(graph, outputs=outputs).with_nodes(nodes, new)
