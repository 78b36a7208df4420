"""Cross-layer equalisation: channels get ranges that one scale can hold, and the network computes the same.

Where only layers that keep proportions lie between layers with weights (ReLU, pooling, sums), a channel may be
multiplied in those before and divided in those behind. Every output channel of a layer has a weight scale of its own,
so that widening it costs nothing there; behind it costs nothing in depthwise layers, else the factor is the one that
balances the ranges of activations and weights. After M. Nagel et al., "Data-Free Quantization
through Weight Equalization and Bias Correction" (2019), and G. Xiao et al., "SmoothQuant" (2022), for the balance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.compress.fuse import WEIGHTED, constant
from edgekit.ir import batch
from edgekit.ir.graph import Array, Graph, Node, Tensor
from edgekit.ops.add import Add
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Activation, Op
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.expand_dims import ExpandDims
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.leaky_relu import LeakyRelu
from edgekit.ops.max_pool_2d import MaxPool2D
from edgekit.ops.mean import Mean
from edgekit.ops.pad import Pad
from edgekit.ops.relu import Relu
from edgekit.ops.reshape import Reshape
from edgekit.ops.squeeze import Squeeze
from edgekit.ops.sub import Sub

BALANCE = 0.5
_ROUNDS = 8
_SETTLED = 1.01
_MOST = 1e4
_BIAS = 2
_KEEP_PROPORTIONS = {Relu, LeakyRelu, MaxPool2D, AveragePool2D, Pad, Mean, Reshape, ExpandDims, Squeeze}
_SUMS = {Add, Sub}
_LINEAR = (Activation.NONE, Activation.RELU)


@dataclass(frozen=True)
class Group:
    """Tensors whose channels (last dimension) scale together, the layers with weights that make and that read them."""

    tensors: tuple[str, ...]
    makers: tuple[str, ...]
    readers: tuple[str, ...]


def groups(graph: Graph) -> tuple[Group, ...]:
    """Every group of tensors of a fused graph whose channels may be scaled; layers by the names of their outputs."""
    parent = {name: name for node in graph.nodes for name in node.outputs}
    fixed = set(graph.outputs) | set(graph.inputs)

    def find(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name]
        return name

    for node in graph.nodes:
        flowing = [n for n in node.inputs if n in parent or n in graph.inputs]
        if isinstance(node.op, WEIGHTED):
            fixed |= set() if _takes(graph, node) else set(flowing)
            fixed |= set() if _activation(node.op) in _LINEAR else set(node.outputs)
        elif _keeps_proportions(graph, node):
            for name in flowing:
                parent[find(name)] = find(node.outputs[0])
        else:
            fixed |= {*flowing, *node.outputs}
    stuck = {find(name) for name in fixed}
    members: dict[str, list[str]] = {}
    for name in parent:
        members.setdefault(find(name), []).append(name)
    return tuple(_group(graph, tuple(names)) for root, names in members.items() if root not in stuck)


def _group(graph: Graph, names: tuple[str, ...]) -> Group:
    weighted = [node for node in graph.nodes if isinstance(node.op, WEIGHTED)]
    makers = tuple(node.outputs[0] for node in weighted if node.outputs[0] in names)
    return Group(names, makers, tuple(node.outputs[0] for node in weighted if node.inputs[0] in names))


def _activation(op: Op) -> Activation:
    found = getattr(op, "activation", Activation.NONE)
    return found if isinstance(found, Activation) else Activation.NONE


def _keeps_proportions(graph: Graph, node: Node) -> bool:
    """Whether the output's channels are multiplied when the inputs' are, by the same factors."""
    view = graph.view(node)
    channels = view.output.shape[-1:]
    if type(node.op) in _SUMS:
        same = all(t is not None and t.data is None and t.shape == view.output.shape for t in view.inputs)
        return same and _activation(node.op) in _LINEAR
    if type(node.op) not in _KEEP_PROPORTIONS or _activation(node.op) not in _LINEAR:
        return False
    if isinstance(node.op, Mean):
        axes, rank = view.input(1).data, len(view.input(0).shape)
        return axes is not None and all(int(a) % rank != rank - 1 for a in axes.reshape(-1))
    if isinstance(node.op, Pad) and channels != view.input(0).shape[-1:]:
        return False
    return channels == view.input(0).shape[-1:]


def _takes(graph: Graph, node: Node) -> bool:
    """Whether the layer's weights have one slice for each channel it reads, and are constants."""
    weights, channels = graph.tensors[node.inputs[1]], graph.tensors[node.inputs[0]].shape[-1]
    if weights.data is None:
        return False
    if isinstance(node.op, DepthwiseConv2D):
        return node.op.depth_multiplier == 1 and weights.shape[3] == channels
    return isinstance(node.op, Conv2D | FullyConnected) and weights.shape[-1] == channels


def equalize(graph: Graph, columns: Sequence[Array], balance: float = BALANCE) -> Graph:
    """A fused float graph that computes the same with evener channels.

    ``columns`` has float samples (samples, ...) for each input. ``balance``: 1 makes all channels of an activation
    equally wide, 0 leaves the weights behind it as they are; where only depthwise layers read it, it counts as 1.
    """
    widths = channel_widths(graph, columns)
    found = groups(graph)
    for _ in range(_ROUNDS):
        largest = 1.0
        for group in found:
            wide = np.max([widths[name] for name in group.tensors], axis=0)
            factors = _factors(graph, group, wide, balance)
            graph = _scaled(graph, group, factors)
            for name in group.tensors:
                widths[name] = widths[name] * factors
            largest = max(largest, float(np.maximum(factors, 1 / factors).max()))
        if largest < _SETTLED:
            break
    return graph


def channel_widths(graph: Graph, columns: Sequence[Array]) -> dict[str, Array]:
    """The largest magnitude of every channel (last dimension) of every tensor that a layer makes."""
    names = [name for node in graph.nodes for name in node.outputs]
    found: dict[str, Array] = {}
    for values in batch.runs(graph, columns):
        for name in names:
            width = np.abs(values[name].reshape(-1, values[name].shape[-1])).max(axis=0).astype(np.float64)
            found[name] = np.maximum(found[name], width) if name in found else width
    return found


def _factors(graph: Graph, group: Group, widths: Array, balance: float) -> Array:
    """What each channel of a group is multiplied by; 1 where nothing ever flows."""
    dense = [n for n in _nodes(graph, group.readers) if not isinstance(n.op, DepthwiseConv2D)]
    alive = widths > 0
    wanted = 1 / np.where(alive, widths, 1)
    if dense:
        weights = [graph.tensors[n.inputs[1]].value for n in dense]
        reach = np.max([np.abs(w.reshape(-1, w.shape[-1])).max(axis=0) for w in weights], axis=0).astype(np.float64)
        alive &= reach > 0
        wanted = np.where(alive, reach, 1) ** (1 - balance) / np.where(alive, widths, 1) ** balance
    if not alive.any() or not group.readers:
        return np.ones(len(widths))
    # The geometric mean stays, so that no layer drifts away as a whole.
    middle = np.exp(np.log(wanted[alive]).mean())
    return np.clip(np.where(alive, wanted / middle, 1.0), 1 / _MOST, _MOST)


def _nodes(graph: Graph, outputs: Sequence[str]) -> list[Node]:
    return [node for node in graph.nodes if node.outputs[0] in outputs]


def _scaled(graph: Graph, group: Group, factors: Array) -> Graph:
    """The graph with a group's channels multiplied by the layers that make it and divided by those that read it."""
    new: dict[str, Tensor] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        changed = node
        if node.outputs[0] in group.makers:
            filters = graph.tensors[node.inputs[1]].value
            shape = (1, 1, 1, -1) if isinstance(node.op, DepthwiseConv2D) else (-1, *(1 for _ in filters.shape[1:]))
            changed = _with(changed, 1, filters * factors.reshape(shape), new)
            if len(node.inputs) > _BIAS and node.inputs[_BIAS]:
                changed = _with(changed, _BIAS, graph.tensors[node.inputs[_BIAS]].value * factors, new)
        if node.outputs[0] in group.readers:
            filters = new.get(changed.inputs[1], graph.tensors.get(changed.inputs[1]))
            if filters is not None:
                changed = _with(changed, 1, filters.value / factors, new)
        nodes.append(changed)
    return graph.with_nodes(tuple(nodes), new)


def _with(node: Node, index: int, values: Array, new: dict[str, Tensor]) -> Node:
    """``node`` with a constant of its own, called after the layer, in place of input ``index``."""
    name = f"{node.outputs[0]}/equalised_{'bias' if index == _BIAS else 'filter'}"
    new[name] = constant(name, values)
    return replace(node, inputs=tuple(name if i == index else n for i, n in enumerate(node.inputs)))
