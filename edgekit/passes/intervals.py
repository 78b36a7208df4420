"""Interval analysis: the lowest and highest value each channel of each tensor can take, for every input.

Sound, not tight: an op without a rule of its own gives the whole range of its type. Requantisation is monotone, so
the ends of an accumulator's interval bound the output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgekit.ir.graph import Array, DType, Graph, Tensor, View
from edgekit.ir.quant import requantize

_INT32_MAX = (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class Interval:
    """Bounds of each channel, int64 arrays over the last axis."""

    low: Array
    high: Array

    @property
    def constant(self) -> Array:
        """Which channels have one possible value."""
        return self.low == self.high


def intervals(graph: Graph) -> dict[str, Interval]:
    """Bounds for every int8 tensor that is computed at run time."""
    known: dict[str, Interval] = {}
    for name in graph.inputs:
        known[name] = _everything(graph.tensors[name])
    for view in graph.views():
        rule = _RULES.get(view.node.op.NAME)
        source = known.get(view.node.inputs[0])
        usable = rule is not None and source is not None and view.output.dtype is DType.INT8
        known[view.output.name] = rule(view, source) if usable and rule and source else _everything(view.output)
        for tensor in view.outputs[1:]:
            known[tensor.name] = _everything(tensor)
    return known


def _everything(tensor: Tensor) -> Interval:
    channels = tensor.shape[-1] if tensor.shape else 1
    low, high = (-128, 127) if tensor.dtype is DType.INT8 else (-_INT32_MAX, _INT32_MAX)
    return Interval(np.full(channels, low, np.int64), np.full(channels, high, np.int64))


def _accumulated(view: View, low: Array, high: Array) -> Interval:
    """Interval of the output from that of the accumulator, bias included."""
    lowered = view.node.op.lower(view)
    value, shift = lowered.arrays["multiplier"], lowered.arrays["shift"]
    room = _INT32_MAX >> np.maximum(shift.astype(np.int64), 0)
    safe = (np.abs(low) <= room) & (np.abs(high) <= room)
    least, most = lowered.ints["act_min"], lowered.ints["act_max"]
    ends = [
        np.clip(requantize(np.where(safe, end, 0), value, shift) + lowered.ints["out_zp"], least, most)
        for end in (low, high)
    ]
    return Interval(np.where(safe, ends[0], least), np.where(safe, ends[1], most))


def _weighted(view: View, filters: Array, source: Interval, *, padded: bool) -> tuple[Array, Array]:
    """Bounds of sum(filter * (input - zero_point)), ``filters`` (out, taps, in)."""
    zero = view.input(0).zero_point
    low, high = source.low - zero, source.high - zero
    if padded:  # a tap outside the image contributes nothing
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    a, b = filters * low, filters * high
    return np.minimum(a, b).sum((1, 2)), np.maximum(a, b).sum((1, 2))


def is_padded(view: View) -> bool:
    """Whether some taps of a window op may lie outside the image."""
    ints = view.node.op.lower(view).ints
    reach_h = (ints["out_h"] - 1) * ints["stride_h"] + (ints["kh"] - 1) * ints["dilation_h"] + 1
    reach_w = (ints["out_w"] - 1) * ints["stride_w"] + (ints["kw"] - 1) * ints["dilation_w"] + 1
    inside_h = ints["pad_top"] == 0 and reach_h <= ints["in_h"]
    inside_w = ints["pad_left"] == 0 and reach_w <= ints["in_w"]
    return not (inside_h and inside_w)


def _conv(view: View, source: Interval) -> Interval:
    lowered = view.node.op.lower(view)
    filters = lowered.arrays["filter"].astype(np.int64)
    if filters.shape[-1] != source.low.size:  # groups: each output reads some of the channels
        return _everything(view.output)
    low, high = _weighted(
        view, filters.reshape(filters.shape[0], -1, filters.shape[-1]), source, padded=is_padded(view)
    )
    bias = lowered.arrays["bias"].astype(np.int64)
    return _accumulated(view, low + bias, high + bias)


def _depthwise(view: View, source: Interval) -> Interval:
    lowered = view.node.op.lower(view)
    multiplier = lowered.ints["depth_multiplier"]
    out_c = view.output.shape[-1]
    filters = lowered.arrays["filter"].astype(np.int64).reshape(-1, out_c).T[:, :, np.newaxis]
    spread = Interval(np.repeat(source.low, multiplier), np.repeat(source.high, multiplier))
    column = Interval(spread.low[:, np.newaxis, np.newaxis], spread.high[:, np.newaxis, np.newaxis])
    low, high = _weighted(view, filters, column, padded=is_padded(view))
    bias = lowered.arrays["bias"].astype(np.int64)
    return _accumulated(view, low + bias, high + bias)


def _fully_connected(view: View, source: Interval) -> Interval:
    lowered = view.node.op.lower(view)
    filters = lowered.arrays["filter"].astype(np.int64)
    filters = filters.reshape(view.output.shape[-1], 1, -1)
    if filters.shape[-1] != source.low.size:
        return _everything(view.output)
    low, high = _weighted(view, filters, source, padded=False)
    bias = lowered.arrays["bias"].astype(np.int64)
    return _accumulated(view, low + bias, high + bias)


def _same(view: View, source: Interval) -> Interval:
    return source if source.low.shape == view.output.shape[-1:] else _everything(view.output)


def _pooled(view: View, source: Interval) -> Interval:
    ints = view.node.op.lower(view).ints
    least, most = ints["act_min"], ints["act_max"]
    return Interval(np.clip(source.low, least, most), np.clip(source.high, least, most))


_RULES: dict[str, Callable[[View, Interval], Interval]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pooled,
    "MAX_POOL_2D": _pooled,
    "RESHAPE": _same,
    "SQUEEZE": _same,
    "EXPAND_DIMS": _same,
}
