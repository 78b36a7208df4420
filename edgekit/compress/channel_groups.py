# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""Which channels of a Keras model must go together: found by following every tensor's last axis through the layers.

Each channel that a layer makes is a number. Residual sums, shared layers, depthwise filters and batch norms make two
numbers one (union-find); what is one at the end is a unit: it stays, or goes from every tensor at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.frontends.keras.walk import leaves, walk
from edgekit.ir.graph import Array

OUT, IN, ALONG = "out", "in", "along"
"""How a weight's axis meets channels: it makes them, reads them, or goes along with them (batch norm, depthwise)."""


@dataclass(frozen=True, eq=False)
class Part:
    """One axis of one weight of ``layer``: ``channels`` has the number of every slice along it."""

    layer: Any
    weight: str
    axis: int
    role: str
    channels: Array


@dataclass(frozen=True)
class Group:
    """Units that the same layers make: what a share of channels is taken of. ``layers`` are names."""

    name: str
    layers: tuple[str, ...]
    units: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Structure:
    """The channels of a model: ``root[channel]`` is the unit of each.

    ``widths`` has the layers whose configuration names a width, by id, with the channels it counts.
    """

    root: Array
    parts: tuple[Part, ...]
    groups: tuple[Group, ...]
    widths: Mapping[int, tuple[Any, Array]]

    def kept(self, channels: Array, removed: frozenset[int]) -> Array:
        """Where of ``channels`` something stays, as indices."""
        gone = np.fromiter((int(u) in removed for u in self.root[channels]), bool, len(channels))
        return np.flatnonzero(~gone)


@dataclass(frozen=True, eq=False)
class _Tensor:
    """A Keras tensor: its shape without the batch, and the channel of every place of the last axis."""

    shape: tuple[int | None, ...]
    channels: Array


_PASSING = frozenset({
    "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise",
    "GaussianDropout", "ActivityRegularization", "Rescaling", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D",
    "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
    "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D", "RepeatVector",
    "Identity", "Relu", "Relu6", "Tanh", "Sigmoid", "HardSigmoid", "HardSilu", "Silu", "HardTanh", "LeakyRelu", "Elu",
})  # fmt: skip
_JOINING = frozenset({
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum",
})  # fmt: skip
_DENSE = frozenset({"Dense", "Conv1D", "Conv2D", "Conv1DTranspose", "Conv2DTranspose"})
_DEPTHWISE = frozenset({"DepthwiseConv1D", "DepthwiseConv2D"})
_SEPARABLE = frozenset({"SeparableConv1D", "SeparableConv2D"})


def structure(model: Any) -> Structure:
    """The channels of a Keras model and the units they form; units of inputs, outputs and unknown layers are left out.

    Raises:
        UnsupportedError: a subclassed or unbuilt model.
    """
    tracer = _Tracer()
    inputs = [tracer.fixed(t.shape) for t in model.inputs]
    for tensor in walk(model, inputs, tracer.visit):
        tracer.pin(tensor)
    return tracer.structure()


class _Tracer:
    """One walk through one model."""

    def __init__(self) -> None:
        self.parent: list[int] = []
        self.pinned: set[int] = set()
        self.parts: list[Part] = []
        self.widths: dict[int, tuple[Any, Array]] = {}
        self.made: dict[int, Array] = {}
        self.makers: dict[int, list[str]] = {}

    def fresh(self, count: int) -> Array:
        """Numbers of ``count`` new channels."""
        start = len(self.parent)
        self.parent.extend(range(start, start + count))
        return np.arange(start, start + count)

    def find(self, channel: int) -> int:
        """The unit a channel belongs to."""
        while self.parent[channel] != channel:
            self.parent[channel] = self.parent[self.parent[channel]]
            channel = self.parent[channel]
        return channel

    def join(self, a: Array, b: Array) -> None:
        """Make one unit of every pair of channels."""
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            x, y = sorted((self.find(x), self.find(y)))  # noqa: PLW2901  (the smaller number becomes the unit)
            self.parent[y] = x

    def pin(self, tensor: _Tensor) -> None:
        """Keep the channels of a tensor whatever is removed."""
        self.pinned.update(tensor.channels.tolist())

    def fixed(self, shape: Iterable[int | None]) -> _Tensor:
        """A tensor whose channels have to stay."""
        inner = tuple(shape)[1:]
        made = _Tensor(inner, self.fresh(int(inner[-1] or 1) if inner else 1))
        self.pin(made)
        return made

    def visit(self, layer: Any, node: Any, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> list[_Tensor]:
        """The outputs of one call."""
        inputs = [t for t in leaves(arguments) if isinstance(t, _Tensor)]
        kind, shape = type(layer).__name__, tuple(node.outputs[0].shape)[1:]
        rule = self.rule(layer, kind, inputs)
        made = rule(layer, inputs, shape) if rule is not None else None
        if made is None:
            for tensor in inputs:
                self.pin(tensor)
            return [self.fixed(t.shape) for t in node.outputs]
        return [_Tensor(shape, made)]

    def rule(self, layer: Any, kind: str, inputs: list[_Tensor]) -> Callable[..., Array | None] | None:
        """What follows the channels through such a layer; None if nothing does."""
        if getattr(layer, "data_format", "channels_last") != "channels_last" or not inputs:
            return None
        table: list[tuple[frozenset[str], Callable[..., Array | None]]] = [
            (_PASSING, self.passing), (_JOINING, self.joining), (_DENSE, self.dense), (_DEPTHWISE, self.depthwise),
            (_SEPARABLE, self.separable), (frozenset({"Concatenate"}), self.concatenate),
            (frozenset({"BatchNormalization"}), self.batch_norm), (frozenset({"PReLU"}), self.prelu),
            (frozenset({"Flatten", "Reshape"}), self.reshape), (frozenset({"Permute"}), self.permute),
        ]  # fmt: skip
        return next((follow for kinds, follow in table if kind in kinds), None)

    def passing(self, layer: Any, inputs: list[_Tensor], _shape: Any) -> Array | None:
        """Layers that treat every place alike: the channels stay what they are."""
        over_channels = getattr(getattr(layer, "activation", None), "__name__", "") in {"softmax", "log_softmax"}
        return None if over_channels or len(inputs) > 1 else inputs[0].channels

    def joining(self, layer: Any, inputs: list[_Tensor], _shape: Any) -> Array | None:
        """Sums and products: channels at the same place become one."""
        widest = max(inputs, key=lambda t: len(t.channels))
        for tensor in inputs:
            if len(tensor.channels) == len(widest.channels):
                self.join(tensor.channels, widest.channels)
            else:
                self.pin(tensor)
        if len(inputs) == 1 and type(layer).__name__ != "Multiply":
            self.pin(inputs[0])  # a constant is added: what it makes of a removed channel is not nothing
        return widest.channels

    def makes(self, layer: Any, count: int) -> Array:
        """The channels a layer makes: the same in each of its calls."""
        if id(layer) not in self.made:
            channels = self.made[id(layer)] = self.fresh(count)
            self.widths[id(layer)] = (layer, channels)
            for channel in channels.tolist():
                self.makers.setdefault(channel, []).append(layer.name)
        return self.made[id(layer)]

    def reads(self, layer: Any, channels: Array) -> bool:
        """Whether this is the first call of ``layer``; later ones read the same channels as it did."""
        earlier = [p for p in self.parts if p.layer is layer and p.role == IN]
        if earlier:
            self.join(earlier[0].channels, channels)
        return not earlier

    def part(self, layer: Any, weight: str, axis: int, role: str, channels: Array) -> None:
        """Note how an axis of a weight meets channels, if the layer has that weight."""
        if getattr(layer, weight, None) is not None:
            self.parts.append(Part(layer, weight, axis, role, channels))

    def dense(self, layer: Any, inputs: list[_Tensor], _shape: Any) -> Array | None:
        """Layers whose filters read all channels and make new ones."""
        if getattr(layer, "groups", 1) != 1:
            return None
        transposed = type(layer).__name__.endswith("Transpose")
        last = len(layer.kernel.shape) - 1
        made = self.makes(layer, int(layer.kernel.shape[last - 1 if transposed else last]))
        if self.reads(layer, inputs[0].channels):
            self.part(layer, "kernel", last if transposed else last - 1, IN, inputs[0].channels)
            self.part(layer, "kernel", last - 1 if transposed else last, OUT, made)
            self.part(layer, "bias", 0, OUT, made)
        return self._activated(layer, made)

    def separable(self, layer: Any, inputs: list[_Tensor], _shape: Any) -> Array | None:
        """A depthwise filter, which goes along, and one that makes new channels of what it gives."""
        last = len(layer.depthwise_kernel.shape) - 1
        made = self.makes(layer, int(layer.pointwise_kernel.shape[last]))
        if self.reads(layer, inputs[0].channels):
            between = np.repeat(inputs[0].channels, layer.depth_multiplier)
            self.part(layer, "depthwise_kernel", last - 1, IN, inputs[0].channels)
            self.part(layer, "pointwise_kernel", last - 1, IN, between)
            self.part(layer, "pointwise_kernel", last, OUT, made)
            self.part(layer, "bias", 0, OUT, made)
        return self._activated(layer, made)

    def _activated(self, layer: Any, made: Array) -> Array:
        if getattr(layer.activation, "__name__", "") in {"softmax", "log_softmax"}:
            self.pinned.update(made.tolist())
        return made

    def depthwise(self, layer: Any, inputs: list[_Tensor], _shape: Any) -> Array | None:
        """A filter for each channel, which goes with it."""
        made = np.repeat(inputs[0].channels, layer.depth_multiplier)
        if not self._goes_along(layer, inputs[0]):
            self.part(layer, "kernel", len(layer.kernel.shape) - 2, ALONG, inputs[0].channels)
            self.part(layer, "bias", 0, ALONG, made)
        return made

    def batch_norm(self, layer: Any, inputs: list[_Tensor], _shape: Any) -> Array | None:
        """Four numbers for each channel, which go with it."""
        rank = len(inputs[0].shape) + 1
        axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
        if [a % rank for a in axes] != [rank - 1]:
            return None
        if not self._goes_along(layer, inputs[0]):
            for weight in ("gamma", "beta", "moving_mean", "moving_variance"):
                self.part(layer, weight, 0, ALONG, inputs[0].channels)
        return inputs[0].channels

    def prelu(self, layer: Any, inputs: list[_Tensor], _shape: Any) -> Array | None:
        """Slopes that go with the channels, where each has its own."""
        if not self._goes_along(layer, inputs[0]) and layer.alpha.shape[-1] == len(inputs[0].channels):
            self.part(layer, "alpha", len(layer.alpha.shape) - 1, ALONG, inputs[0].channels)
        return inputs[0].channels

    def _goes_along(self, layer: Any, tensor: _Tensor) -> bool:
        """Whether the layer was called before; then its channels are those of that call."""
        earlier = [p for p in self.parts if p.layer is layer]
        if earlier:
            self.join(earlier[0].channels, tensor.channels)
        return bool(earlier)

    def concatenate(self, layer: Any, inputs: list[_Tensor], shape: Any) -> Array | None:
        """Channels side by side; along another axis they become one."""
        if layer.axis in (-1, len(shape)):
            return np.concatenate([t.channels for t in inputs])
        return self.joining(layer, [*inputs, inputs[0]], shape)

    def reshape(self, layer: Any, inputs: list[_Tensor], shape: Any) -> Array | None:
        """The same channels, or those of all places in a row."""
        source = inputs[0]
        if not source.shape or not shape or None in (*source.shape, *shape):
            return None
        made: Array | None = None
        if shape[-1] == source.shape[-1]:
            made = source.channels
        elif len(shape) == 1:
            made = np.tile(source.channels, math.prod(n for n in source.shape[:-1] if n is not None))
        if made is not None and type(layer).__name__ == "Reshape":
            self.widths.setdefault(id(layer), (layer, made))
        return made

    def permute(self, layer: Any, inputs: list[_Tensor], _shape: Any) -> Array | None:
        """The same channels, where they stay last."""
        return inputs[0].channels if layer.dims[-1] == len(layer.dims) else None

    def structure(self) -> Structure:
        """All of it, with every unit that may go in the group of the layers that make it."""
        root = np.array([self.find(c) for c in range(len(self.parent))], np.int64)
        fixed = {int(root[c]) for c in self.pinned}
        makers: dict[int, list[str]] = {}
        for channel, names in self.makers.items():
            known = makers.setdefault(int(root[channel]), [])
            known += [n for n in names if n not in known]
        gathered: dict[tuple[str, ...], list[int]] = {}
        for unit, names in sorted(makers.items()):
            if unit not in fixed:
                gathered.setdefault(tuple(names), []).append(unit)
        groups = tuple(Group(" + ".join(names), names, tuple(units)) for names, units in gathered.items())
        return Structure(root, tuple(self.parts), groups, self.widths)
