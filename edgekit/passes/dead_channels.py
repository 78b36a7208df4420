"""Dead-channel elimination: channels that are constant for every input, or that nothing reads, are removed.

Tensors whose channels stand for each other (the input and output of a depthwise convolution, a pooling or a residual
add) form one channel space; a channel leaves a space only if every convolution or fully connected layer that reads it
can do without: its weights for it are zero, or the channel is constant there and folds into the bias. Every
remaining byte is unchanged. (Interval analysis and liveness as compilers use them; MLPerf Tiny's rules allow it.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgekit.ir.graph import Array, DType, Graph, Node, QuantParams, Tensor, View
from edgekit.ir.quant import wrap_int32
from edgekit.ops.reshape import Reshape
from edgekit.passes.intervals import Interval, intervals, is_padded

_READERS = ("CONV_2D", "FULLY_CONNECTED")
_CHANNELWISE = (
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
    "RELU",
    "RELU6",
    "LEAKY_RELU",
    "LOGISTIC",
    "TANH",
    "HARD_SWISH",
    "ADD",
)
_VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
_GROUP = 4


@dataclass(frozen=True)
class Removal:
    """What left one channel space: its tensors, how many channels it had, which went and why."""

    tensors: tuple[str, ...]
    channels: int
    constant: tuple[int, ...]
    unread: tuple[int, ...]


def remove_dead_channels(graph: Graph) -> Graph:
    """``graph`` without the channels that carry no information."""
    spaces = _Spaces(graph)
    return _rewrite(graph, spaces, _removed(graph, spaces))


def explain(graph: Graph) -> tuple[Removal, ...]:
    """What ``remove_dead_channels`` removes, one entry a channel space that loses something."""
    spaces = _Spaces(graph)
    bounds = intervals(graph)
    report: list[Removal] = []
    for space, gone in _removed(graph, spaces).items():
        names = spaces.members(space)
        if gone.any():
            constant = gone & bounds[names[0]].constant
            report.append(
                Removal(
                    tensors=names,
                    channels=gone.size,
                    constant=tuple(np.flatnonzero(constant).tolist()),
                    unread=tuple(np.flatnonzero(gone & ~constant).tolist()),
                )
            )
    return tuple(report)


class _Spaces:
    """Which tensors share their channels (union-find), and which spaces must keep all of them."""

    def __init__(self, graph: Graph) -> None:
        self._parent = {name: name for name, t in graph.tensors.items() if t.data is None}
        self._pinned: set[str] = {*graph.inputs, *graph.outputs}
        for view in graph.views():
            self._link(view)

    def find(self, name: str) -> str:
        """The space of a tensor."""
        while self._parent[name] != name:
            name = self._parent[name]
        return name

    def members(self, space: str) -> tuple[str, ...]:
        """Tensors of a space, in the order they are made."""
        return tuple(n for n in self._parent if self.find(n) == space)

    def open_spaces(self) -> list[str]:
        """Spaces that may lose channels."""
        pinned = {self.find(n) for n in self._pinned}
        return [s for s in dict.fromkeys(self.find(n) for n in self._parent) if s not in pinned]

    def _link(self, view: View) -> None:
        names = [n for n in (*view.node.inputs, *view.node.outputs) if n in self._parent]
        if view.node.op.NAME in _READERS and _reads_all_channels(view):
            return
        if _keeps_channels(view):
            for name in names[1:]:
                self._parent[self.find(name)] = self.find(names[0])
            return
        self._pinned |= set(names)


def _reads_all_channels(view: View) -> bool:
    """Whether every output channel reads every input channel, so that one may be taken out of the filter."""
    filters = view.input(1)
    return filters.data is not None and filters.shape[-1] == view.input(0).shape[-1]


def _keeps_channels(view: View) -> bool:
    name, shape = view.node.op.NAME, view.output.shape
    if view.output.dtype is not DType.INT8 or not shape:
        return False
    inputs = [t for t in view.inputs if t is not None]
    if name == "DEPTHWISE_CONV_2D":
        return shape[-1] == inputs[0].shape[-1]
    if name in _CHANNELWISE:
        return all(t.data is None and t.shape == inputs[0].shape for t in inputs) and shape[-1] == inputs[0].shape[-1]
    return name in _VIEWS and shape[-1:] == inputs[0].shape[-1:]


def _removed(graph: Graph, spaces: _Spaces) -> dict[str, Array]:
    """Channels to take out of each open space, as masks; the largest set that is consistent, but for rounding.

    A channel that a layer cannot do without is never tried again: rounding keeps other channels each time, so that
    the sets of a residual, which depends on itself, might else change for ever.
    """
    bounds = intervals(graph)
    readers = [v for v in graph.views() if v.node.op.NAME in _READERS]
    gone: dict[str, Array] = {s: np.ones(graph.tensors[s].shape[-1], bool) for s in spaces.open_spaces()}
    finishes: tuple[Callable[[Array], Array], ...] = (np.copy, _rounded)
    for finish in finishes:
        while True:
            taken = {s: finish(mask) for s, mask in gone.items()}
            latest: dict[str, Array] = dict(gone)
            for view in readers:
                space = spaces.find(view.node.inputs[0])
                if space in latest:
                    kept = ~taken.get(spaces.find(view.output.name), np.zeros(view.output.shape[-1], bool))
                    latest[space] = latest[space] & _dispensable(view, bounds[view.node.inputs[0]], kept)
            if all((latest[s] == gone[s]).all() for s in gone):
                break
            gone = latest
    return {s: _rounded(mask) for s, mask in gone.items()}


def _dispensable(view: View, bounds: Interval, kept: Array) -> Array:
    """Input channels that this layer can do without, given which of its output channels are ``kept``."""
    filters = view.input(1).value
    unread = ~filters.reshape(filters.shape[0], -1, filters.shape[-1])[kept].any((0, 1))
    foldable = bounds.constant
    if view.node.op.NAME == "CONV_2D" and is_padded(view):
        foldable = foldable & (bounds.low == view.input(0).zero_point)
    return unread | foldable


def _rounded(gone: Array) -> Array:
    """Fewer removals, so that a multiple of four channels (one word) is left, at least one word."""
    if gone.size % _GROUP:
        return gone if not gone.all() else np.arange(gone.size) > 0
    kept = int((~gone).sum())
    back = (-kept) % _GROUP if kept else _GROUP
    result = gone.copy()
    result[np.flatnonzero(gone)[:back]] = False
    return result


def _rewrite(graph: Graph, spaces: _Spaces, gone: Mapping[str, Array]) -> Graph:
    bounds = intervals(graph)
    keep = {name: np.flatnonzero(~gone[s]) for s in gone for name in spaces.members(s) if gone[s].any()}
    tensors = {
        name: replace(t, shape=(*t.shape[:-1], keep[name].size), channels=_original(t, keep[name]))
        if name in keep
        else t
        for name, t in graph.tensors.items()
    }
    nodes: list[Node] = []
    for view in graph.views():
        node, new = _slimmed(view, keep, bounds)
        tensors |= new
        nodes.append(node)
    return replace(graph, tensors=tensors).with_nodes(tuple(nodes))


def _original(tensor: Tensor, kept: Array) -> tuple[int, ...]:
    return tuple((np.array(tensor.channels)[kept] if tensor.channels else kept).tolist())


def _slimmed(view: View, keep: Mapping[str, Array], bounds: Mapping[str, Interval]) -> tuple[Node, dict[str, Tensor]]:
    """The node with its filter, bias and scales cut to the kept channels."""
    node, name = view.node, view.node.op.NAME
    source, result = keep.get(node.inputs[0]), keep.get(node.outputs[0])
    if name in _VIEWS and result is not None:
        return _reshaped(view, result)
    if name not in (*_READERS, "DEPTHWISE_CONV_2D") or (source is None and result is None):
        return node, {}
    filters, bias = view.input(1), view.optional(2)
    data = filters.value
    added = np.zeros(view.output.shape[-1], np.int64)
    if source is not None and name in _READERS:
        added = _folded(view, source, bounds[node.inputs[0]])
        data = data[..., source]
    quant = filters.quant
    if result is not None:
        data = data[..., result] if name == "DEPTHWISE_CONV_2D" else data[result]
        quant = _cut(quant, result)
        added = added[result]
    old_bias = np.zeros(view.output.shape[-1], np.int64) if bias is None else bias.value.astype(np.int64)
    kept_bias = old_bias if result is None else old_bias[result]
    bias_quant = bias.quant if bias else None
    new_bias = wrap_int32(kept_bias + added).astype(np.int32)
    made = [
        Tensor(f"{node.outputs[0]}/filter", data.shape, filters.dtype, quant, _frozen(data)),
        Tensor(
            f"{node.outputs[0]}/bias",
            new_bias.shape,
            DType.INT32,
            bias_quant if result is None else _cut(bias_quant, result),
            _frozen(new_bias),
        ),
    ]
    return replace(node, inputs=(node.inputs[0], made[0].name, made[1].name)), {t.name: t for t in made}


def _folded(view: View, kept: Array, bounds: Interval) -> Array:
    """What the removed input channels contribute to each accumulator."""
    filters = view.input(1).value.astype(np.int64)
    gone = np.ones(filters.shape[-1], bool)
    gone[kept] = False
    value = np.where(bounds.constant, bounds.low - view.input(0).zero_point, 0)[gone]
    return (filters[..., gone] * value).reshape(filters.shape[0], -1).sum(1)


def _cut(quant: QuantParams | None, kept: Array) -> QuantParams | None:
    if quant is None or not quant.per_channel:
        return quant
    indices: list[int] = kept.tolist()
    zeros = quant.zero_point
    return replace(
        quant,
        scale=tuple(quant.scale[i] for i in indices),
        zero_point=tuple(zeros[i] for i in indices) if len(zeros) > 1 else zeros,
    )


def _reshaped(view: View, kept: Array) -> tuple[Node, dict[str, Tensor]]:
    """A view of fewer channels: its target shape, if it has one, says so too."""
    op = view.node.op
    if not isinstance(op, Reshape):
        return view.node, {}
    new_shape = (*view.output.shape[:-1], kept.size)
    if view.optional(1) is None:
        return replace(view.node, op=replace(op, new_shape=new_shape)), {}
    shape = np.array(new_shape, np.int32)
    name = f"{view.node.outputs[0]}/shape"
    tensor = Tensor(name, shape.shape, DType.INT32, None, _frozen(shape))
    return replace(view.node, inputs=(view.node.inputs[0], name)), {name: tensor}


def _frozen(array: Array) -> Array:
    result = np.ascontiguousarray(array)
    result.flags.writeable = False
    return result
