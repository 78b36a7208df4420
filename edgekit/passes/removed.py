"""What the passes took out of a graph and why, told layer by layer in the words of the model's file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.ir.graph import Graph, Node, View
from edgekit.passes import dead_channels, fold
from edgekit.passes.intervals import Interval, intervals


@dataclass(frozen=True)
class Slimmed:
    """A layer that computes fewer output channels or reads fewer input channels than its file says.

    Of the output channels that went, ``constant`` have one value for every input (``values``, in the same order),
    ``constant_later`` become one in a later layer that keeps channels apart (a depthwise convolution, say), and
    ``unread`` meet zero weights only. ``inputs_gone`` counts channels that the layer no longer reads: what constant
    ones contributed is in its bias.
    """

    layer: str
    op: str
    channels: int
    constant: tuple[int, ...]
    values: tuple[int, ...]
    constant_later: tuple[int, ...]
    unread: tuple[int, ...]
    inputs: int
    inputs_gone: int
    macs: int
    macs_left: int

    @property
    def gone(self) -> int:
        """Output channels that are not computed."""
        return len(self.constant) + len(self.constant_later) + len(self.unread)


@dataclass(frozen=True)
class Removed:
    """What left a model: ``folded`` layers are computed beforehand or needed by no output."""

    model: str
    folded: tuple[tuple[str, str], ...]
    layers: tuple[Slimmed, ...]
    macs: int
    macs_left: int
    weights: int
    weights_left: int


def removed(graph: Graph) -> Removed:
    """What the passes take out of ``graph`` as it was read; weights are bytes of int8 filters and int32 biases."""
    folded = fold.fold_constants(graph)
    left = dead_channels.remove_dead_channels(folded)
    kept = {n.outputs for n in folded.nodes}
    bounds = intervals(folded)
    spaces = {n: r for r in dead_channels.explain(folded) for n in r.tensors}
    layers = (_slimmed(folded.view(n), left, bounds, spaces) for n in folded.nodes)
    return Removed(
        model=graph.name,
        folded=tuple((n.name, n.op.NAME) for n in graph.nodes if n.outputs not in kept),
        layers=tuple(layer for layer in layers if layer.gone or layer.inputs_gone),
        macs=graph.macs,
        macs_left=left.macs,
        weights=_constant_bytes(graph),
        weights_left=_constant_bytes(left),
    )


def _slimmed(view: View, left: Graph, bounds: dict[str, Interval], spaces: dict[str, dead_channels.Removal]) -> Slimmed:
    """A layer before and after: its twin in ``left`` makes the same tensors."""
    name = view.output.name
    twin = left.view(_maker(left, name))
    space = spaces.get(name)
    gone = np.zeros(view.output.shape[-1] if view.output.shape else 1, bool)
    later = gone.copy()
    if space is not None:
        gone[[*space.constant, *space.unread]] = True
        for member in space.tensors:
            later |= bounds[member].constant
    constant = gone & bounds[name].constant if name in bounds else gone & False
    later = gone & later & ~constant
    source, before = twin.inputs[0], view.inputs[0]
    inputs = before.shape[-1] if before is not None and before.shape else 0
    return Slimmed(
        layer=view.node.name,
        op=view.node.op.NAME,
        channels=gone.size,
        constant=_indices(constant),
        values=tuple(bounds[name].low[constant].tolist()) if constant.any() else (),
        constant_later=_indices(later),
        unread=_indices(gone & ~constant & ~later),
        inputs=inputs,
        inputs_gone=inputs - source.shape[-1] if source is not None and source.shape else 0,
        macs=view.node.op.macs(view),
        macs_left=twin.node.op.macs(twin),
    )


def _maker(graph: Graph, tensor: str) -> Node:
    return next(n for n in graph.nodes if tensor in n.outputs)


def _indices(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask).tolist())


def _constant_bytes(graph: Graph) -> int:
    read = {n for node in graph.nodes for n in node.inputs if n}
    return sum(graph.tensors[n].bytes for n in read if graph.tensors[n].data is not None)
