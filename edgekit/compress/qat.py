# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""A Keras model is trained with the rounding its int8 form will do, and becomes that int8 graph with learned ranges.

Filters are rounded with a scale an output channel. That commutes with folding a batch norm, which multiplies every
output channel by a number: rounding the filter before an unfolded batch norm is rounding the folded one, so batch
norms stay, with their statistics, all through training. Activations are rounded where the int8 graph has tensors:
behind a layer with all that is fused into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.compress import backend, calibrate, channel_groups, channels, prune, training
from edgekit.compress.distill import Distillation
from edgekit.compress.quantize import prepared, ranged
from edgekit.compress.training import Budget
from edgekit.errors import known_word
from edgekit.frontends import keras as frontend
from edgekit.frontends.keras.walk import leaves, walk
from edgekit.ir import batch
from edgekit.ir.graph import Array, Graph, QuantParams
from edgekit.ir.quant import quantize_reals

RANGES = ("learned", "moving")
"""Ends of activations' ranges are trained by gradient, or follow the batches' smallest and largest values."""

_MOMENTUM = 0.99
_SMALLEST = 1e-8
_KERNELS = {"Dense": ("kernel",), "Conv1D": ("kernel",), "Conv2D": ("kernel",), "DepthwiseConv1D": ("kernel",),
            "DepthwiseConv2D": ("kernel",), "SeparableConv1D": ("depthwise_kernel", "pointwise_kernel"),
            "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel")}  # fmt: skip
_BATCH = 256
_CALIBRATION = 500


@dataclass(frozen=True, eq=False)
class Point:
    """Where activations are rounded: a call's label, the tensor of the fused graph, and its scale if it is fixed."""

    label: str
    tensor: str
    fixed: QuantParams | None


@dataclass(frozen=True, eq=False)
class Trained:
    """The model after training, the int8 graph it becomes, and the same rounding simulated in float.

    ``limits`` are the trained ranges, with which ``exported`` makes that graph again.
    """

    model: Any
    graph: Graph
    simulate: Any
    limits: Mapping[str, tuple[float, float]]

    def simulated_accuracy(self, samples: Array, labels: Array) -> float:
        """The share of samples whose class the simulation names."""
        parts = [np.asarray(self.simulate(samples[i : i + _BATCH])) for i in range(0, len(samples), _BATCH)]
        return float((np.concatenate(parts).argmax(axis=-1) == labels).mean())

    def integer_accuracy(self, samples: Array, labels: Array) -> float:
        """The share of samples whose class the int8 graph names."""
        return graph_accuracy(self.graph, samples, labels)


def graph_accuracy(graph: Graph, samples: Array, labels: Array) -> float:
    """The share of float samples whose class an int8 graph of one input names."""
    tensor = graph.tensors[graph.inputs[0]]
    given = quantize_reals(samples, tensor.scale, tensor.zero_point, np.int8)
    outputs = batch.outputs(graph, [given])[0]
    return float((outputs.reshape(len(samples), -1).argmax(axis=-1) == labels).mean())


def train(
    model: Any,
    samples: Array,
    labels: Array,
    budget: Budget,
    *,
    distillation: Distillation | None = None,
    callbacks: Sequence[Any] = (),
    ranges: str = "learned",
    keep_zeros: bool = True,
) -> Trained:
    """Train a copy of ``model`` with rounding and export it; zeros among its filters stay zeros (``keep_zeros``).

    Raises:
        DataError: samples or labels do not fit.
        UnsupportedError: layers edgekit does not have.
    """
    known_word("way of ranges", ranges, RANGES)
    training.check(model, samples, labels)
    flat = channels.taken(model, channel_groups.structure(model), frozenset()).model
    simulation = _Simulation(flat, learned=ranges == "learned")
    simulation.calibrate(samples)
    held = [prune.pruner(flat, None, 1)] if keep_zeros else []
    training.fit(flat, samples, labels, budget, distillation=distillation, callbacks=[*callbacks, *held],
                 forward=simulation.forward, extra=simulation.layers)  # fmt: skip
    limits = simulation.limits()
    graph = exported(flat, samples[:_CALIBRATION], limits)
    simulation.adopt(graph)
    return Trained(flat, graph, lambda x: simulation.forward(np.asarray(x, np.float32), training=False), limits)


def exported(model: Any, samples: Array, limits: Mapping[str, tuple[float, float]]) -> Graph:
    """The int8 graph of a Keras model whose tensors have the ranges ``limits``; ``samples`` give those of the rest.

    Raises:
        UnsupportedError, DataError: as ``quantize`` does.
    """
    fused = prepared(frontend.read(model))
    seen = calibrate.observe(fused, [np.asarray(samples, np.float32)])
    given = {n: limits.get(n, (o.low, o.high)) for n, o in seen.items()}
    return ranged(fused, {n: (min(low, 0.0), max(high, 0.0)) for n, (low, high) in given.items()})


class _Simulation:
    """A flat Keras model computed with rounding."""

    def __init__(self, model: Any, *, learned: bool) -> None:
        self.model, self.learned = model, learned
        self.source, self.points = _points(model)
        self.ends: dict[str, Any] = {}
        self.seen: dict[str, tuple[float, float]] = {}
        self.layers: list[Any] = []

    def calibrate(self, samples: Array) -> None:
        """Start with the ranges that samples have without rounding."""
        keras = backend.load()

        def note(name: str, values: Any) -> Any:
            low, high = self.seen.get(name, (0.0, 0.0))
            self.seen[name] = (min(low, float(np.min(values))), max(high, float(np.max(values))))
            return values

        for start in range(0, min(len(samples), 8 * _BATCH), _BATCH):
            self._compute(np.asarray(samples[start : start + _BATCH], np.float32), note, exact=True, training=False)
        holder = keras.layers.Layer(name="ranges")
        for point in (Point("", self.source, None), *self.points.values()):
            low, high = self.seen[point.tensor] if point.fixed is None else _ends(point.fixed)
            self.ends[point.tensor] = tuple(
                holder.add_weight(name=f"{point.tensor.replace('/', '_')}_{side}", shape=(), dtype="float32",
                                  trainable=self.learned and point.fixed is None,
                                  initializer=keras.initializers.Constant(value))
                for side, value in (("low", low), ("high", high))
            )  # fmt: skip
        holder.built = True
        self.layers = [holder]

    def forward(self, inputs: Any, training: bool) -> Any:
        """The model's outputs, rounded as int8 rounds."""
        ops = backend.load().ops

        fixed = {p.tensor for p in self.points.values() if p.fixed is not None}

        def rounded(name: str, values: Any) -> Any:
            low, high = self.ends[name]
            if training and not self.learned and name not in fixed:
                for end, now in ((low, ops.min(values)), (high, ops.max(values))):
                    end.assign(_MOMENTUM * end + (1 - _MOMENTUM) * ops.stop_gradient(now))
            return fake_quant(values, low, high)

        return self._compute(inputs, rounded, exact=False, training=training)

    def _compute(self, inputs: Any, at: Any, *, exact: bool, training: bool) -> Any:
        calls: dict[str, int] = {}

        def visit(layer: Any, _node: Any, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> list[Any]:
            label = _label(layer.name, calls)
            made = _called(layer, arguments, exact=exact, training=training)
            point = self.points.get(label)
            return [at(point.tensor, made) if point is not None else made]

        return walk(self.model, [at(self.source, inputs)], visit)[0]

    def limits(self) -> dict[str, tuple[float, float]]:
        """The range of every tensor, by its name in the fused graph."""
        return {name: (float(low), float(high)) for name, (low, high) in self.ends.items()}

    def adopt(self, graph: Graph) -> None:
        """Take the scales of the int8 graph, where some ranges have become one."""
        for name, (low, high) in self.ends.items():
            quant = graph.tensors[name].quant if name in graph.tensors else None
            if quant is not None:
                for end, value in zip((low, high), _ends(quant), strict=True):
                    end.assign(value)


def _label(name: str, calls: dict[str, int]) -> str:
    """What the frontend calls this call of a layer."""
    calls[name] = calls.get(name, 0) + 1
    return name if calls[name] == 1 else f"{name}_{calls[name]}"


def _ends(quant: QuantParams) -> tuple[float, float]:
    scale, zero = quant.scale[0], quant.zero_point[0]
    return (-128 - zero) * scale, (127 - zero) * scale


def _points(model: Any) -> tuple[str, dict[str, Point]]:
    """The graph's input tensor, and by call's label the places where the int8 graph rounds activations."""
    graph, made = frontend.read_layers(model)
    fused = prepared(graph)
    ends = {node.origin[-1]: node for node in fused.nodes}
    points: dict[str, Point] = {}
    for label, value in made.items():
        node = ends.get(value.tensor)
        if node is not None and not node.op.KEEPS_SCALE and node.outputs[0] not in {p.tensor for p in points.values()}:
            points[label] = Point(label, node.outputs[0], node.op.OUTPUT_QUANT)
    return graph.inputs[0], points


def _called(layer: Any, arguments: tuple[tuple[Any, ...], dict[str, Any]], *, exact: bool, training: bool) -> Any:
    """A layer's output, its filters rounded unless ``exact``."""
    args, kwargs = arguments
    kind = type(layer).__name__
    if kind in {"BatchNormalization", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise"}:
        kwargs = {**kwargs, "training": training}
    filters = [getattr(layer, name) for name in _KERNELS.get(kind, ())]
    if exact or not filters:
        return next(iter(leaves([layer(*args, **kwargs)])))
    rounded = [(v, _rounded_filter(v.value, depthwise="Depthwise" in kind or v is not filters[-1])) for v in filters]
    with backend.load().StatelessScope(state_mapping=rounded):
        return layer(*args, **kwargs)


def _rounded_filter(values: Any, *, depthwise: bool) -> Any:
    """A filter as int8 with a scale an output channel has it."""
    ops = backend.load().ops

    rank = len(values.shape)
    axes = tuple(range(rank - 2 if depthwise else rank - 1))
    scale = ops.stop_gradient(ops.maximum(ops.max(ops.abs(values), axes, keepdims=True) / 127, _SMALLEST))
    return values + ops.stop_gradient(ops.round(values / scale) * scale - values)


def fake_quant(values: Any, low: Any, high: Any) -> Any:
    """``values`` as int8 over [low, high] has them, as ``quantize.affine`` chooses scale and zero point.

    Gradients pass where values are inside, and go to the end that is passed where they are not.
    """
    ops = backend.load().ops

    low, high = ops.minimum(low * 1.0, 0.0), ops.maximum(high * 1.0, 0.0)
    scale = ops.maximum((high - low) / 255, _SMALLEST)
    zero = ops.stop_gradient(ops.clip(ops.round(-128 - low / scale), -128.0, 127.0))
    inside = ops.minimum(ops.maximum(values, (-128 - zero) * scale), (127 - zero) * scale)
    return inside + ops.stop_gradient(ops.round(inside / scale) * scale - inside)
