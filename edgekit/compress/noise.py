"""What int8 does to a model, layer by layer: how far each layer's error lies below its signal, and whose it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.ir import batch, interp
from edgekit.ir.graph import Array, DType, Graph, Node, QuantParams, Tensor, View
from edgekit.ir.quant import quantize_reals
from edgekit.ops.softmax import Softmax

_ABSENT = np.empty(0, np.float32)
_TINY = 1e-30


@dataclass(frozen=True)
class LayerNoise:
    """One layer. ``snr_db`` is of its output in the int8 model, with all errors from before.

    ``effect`` is the share of the model output's error that this layer alone makes, where all others stay float: its
    weights and the rounding of its output; the shares of all layers together are 1. ``spread`` is how many times the
    widest channel of the output is as wide as the median one: what one scale for all channels wastes.
    """

    layer: str
    op: str
    snr_db: float
    effect: float
    spread: float


def ends(graph: Graph) -> tuple[str, ...]:
    """The tensors an error is judged by: the outputs, or what lies before a last SOFTMAX, which hides errors."""
    makers = [graph.producer(name) for name in graph.outputs]
    return tuple(
        maker.inputs[0] if maker is not None and isinstance(maker.op, Softmax) else name
        for maker, name in zip(makers, graph.outputs, strict=True)
    )


def error(fused: Graph, small: Graph, columns: Sequence[Array]) -> float:
    """Error of ``ends`` of an int8 graph, as a share of their signal: the power of one by that of the other."""
    signal = noise = 0.0
    names = ends(fused)
    pairs = zip(batch.runs(fused, columns), batch.runs(small, quantised(small, columns)), strict=True)
    for real, ours in pairs:
        for name in names:
            signal += _power(real[name])
            noise += _power(real[name] - dequantised(ours[name], small.tensors[name]))
    return noise / max(signal, _TINY)


def quantised(graph: Graph, columns: Sequence[Array]) -> list[Array]:
    """Float samples as the int8 inputs of ``graph``."""
    return [to_int8(c, graph.tensors[n].quant) for n, c in zip(graph.inputs, columns, strict=True)]


def to_int8(values: Array, quant: QuantParams | None) -> Array:
    """Rounded, halves away from zero, and clamped."""
    return values if quant is None else quantize_reals(values, quant.scale[0], quant.zero_point[0], np.int8)


def dequantised(values: Array, tensor: Tensor) -> Array:
    """Real values of a quantised tensor, per channel where it has more scales."""
    quant = tensor.quant
    if quant is None:
        return values
    shape = [1] * values.ndim
    if quant.per_channel:
        shape[quant.axis] = -1
    scale = np.array(quant.scale, np.float32).reshape(shape)
    zero = np.array(quant.zero_point, np.float32).reshape(shape)
    return (values.astype(np.float32) - zero) * scale


def layers(fused: Graph, small: Graph, columns: Sequence[Array]) -> tuple[LayerNoise, ...]:
    """Every layer of ``fused`` that int8 adds an error to, the worst for the output first.

    ``small`` is the int8 form of ``fused``. ``columns`` has float samples; some dozens are enough.
    """
    batch_size = len(columns[0])
    wide = batch.rebatched(fused, batch_size)
    if wide is None:
        wide, columns = fused, [c[:1] for c in columns]
    real = interp.run(wide, list(columns))
    narrow = batch.rebatched(small, len(columns[0])) or small
    ours = interp.run(narrow, quantised(small, columns))
    makers = {node.outputs[0]: node for node in small.nodes}
    found: list[tuple[LayerNoise, float]] = []
    for node in fused.nodes:
        name = node.outputs[0]
        if fused.tensors[name].dtype is not DType.FLOAT32 or name not in makers:
            continue
        own = _alone(wide, node, small.view(makers[name]), real)
        made = _pushed(wide, node, own, real)
        snr = _decibels(real[name], dequantised(ours[name], small.tensors[name]))
        found.append((LayerNoise(node.name, node.op.NAME, snr, 0.0, _spread(real[name])), made))
    whole = sum(made for _, made in found) or 1.0
    shares = [replace(layer, effect=made / whole) for layer, made in found]
    return tuple(sorted(shares, key=lambda layer: -layer.effect))


def _alone(wide: Graph, node: Node, theirs: View, real: Mapping[str, Array]) -> Array:
    """The layer's output if only its own weights and output are quantised."""
    view = wide.view(node)
    values: list[Array] = []
    for i, name in enumerate(node.inputs):
        constant = theirs.optional(i)
        given = real[name] if name else _ABSENT
        exchanged = name and view.input(i).data is not None and constant is not None and constant.quant is not None
        values.append(dequantised(constant.value, constant) if exchanged and constant is not None else given)
    result = node.op.evaluate(view, values)[0]
    tensor = theirs.output
    return dequantised(to_int8(result, tensor.quant), tensor)


def _pushed(wide: Graph, start: Node, own: Array, real: Mapping[str, Array]) -> float:
    """Power of the error at the ends when ``start`` gives ``own`` and all else computes in float."""
    changed = {start.outputs[0]: own}
    after = False
    for node in wide.nodes:
        if after and any(name in changed for name in node.inputs):
            values = [(changed[n] if n in changed else real[n]) if n else _ABSENT for n in node.inputs]
            results = node.op.evaluate(wide.view(node), values)
            changed |= dict(zip(node.outputs, results, strict=True))
        after = after or node is start
    return sum(_power(changed[name] - real[name]) for name in ends(wide) if name in changed)


def _power(values: Array) -> float:
    return float((values.astype(np.float64) ** 2).sum())


def _decibels(real: Array, ours: Array) -> float:
    noise = _power(real - ours)
    return 10 * math.log10(max(_power(real), _TINY) / noise) if noise else math.inf


def _spread(values: Array) -> float:
    """Widest channel by the median one, of those that are ever away from zero."""
    widths = np.abs(values.reshape(-1, values.shape[-1])).max(axis=0)
    alive = widths[widths > 0]
    return float(alive.max() / np.median(alive)) if alive.size else 1.0
