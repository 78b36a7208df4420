"""Bias correction: what rounding adds to the mean of each output channel is taken away in the int32 bias.

After M. Nagel et al., "Data-Free Quantization through Weight Equalization and Bias Correction" (2019), with means
measured on samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgekit.compress.fuse import WEIGHTED
from edgekit.compress.noise import dequantised, quantised
from edgekit.ir import batch, interp
from edgekit.ir.graph import Array, Graph, Tensor, View
from edgekit.ops.base import Activation

_LIMIT = (1 << 31) - 1
_BIAS = 2


def correct(fused: Graph, small: Graph, columns: Sequence[Array]) -> Graph:
    """``small``, the int8 form of ``fused``, with biases that make each channel's mean that of the float graph.

    Layer by layer in order, each behind the corrected ones before it; means are taken before the activation, over
    all of ``columns``, float samples (samples, ...) for each input. A graph whose samples cannot be computed side by
    side stays as it is.
    """
    count = len(columns[0])
    wide, narrow = batch.rebatched(fused, count), batch.rebatched(small, count)
    if wide is None or narrow is None:
        return small
    real = interp.run(wide, list(columns))
    floats = {node.outputs[0]: node for node in wide.nodes}
    values: dict[str, Array] = {n: t.data for n, t in narrow.tensors.items() if t.data is not None}
    values |= dict(zip(small.inputs, quantised(small, columns), strict=True))
    new: dict[str, Tensor] = {}
    for node in narrow.nodes:
        view = narrow.view(node)
        theirs = floats.get(node.outputs[0])
        if theirs is not None and isinstance(node.op, WEIGHTED):
            bias = _corrected(wide.view(theirs), view, real, values)
            new[bias.name] = bias
            values[bias.name] = bias.value
            view = replace(view, inputs=(*view.inputs[:_BIAS], bias))
        given = [values[n] if n else np.empty(0, np.int8) for n in node.inputs]
        values |= dict(zip(node.outputs, node.op.evaluate(view, given), strict=True))
    return replace(small, tensors={**small.tensors, **new})


def _corrected(real_view: View, view: View, real: Mapping[str, Array], values: Mapping[str, Array]) -> Tensor:
    """The bias of one layer, under its old name."""
    op = real_view.node.op
    if not isinstance(op, WEIGHTED):
        message = f"{real_view.node.name} has no weights"
        raise TypeError(message)
    linear = replace(op, activation=Activation.NONE)
    wanted = linear.real(real_view, [real[n] if n else np.empty(0, np.float32) for n in real_view.node.inputs])[0]
    given = [dequantised(values[t.name], t) for t in view.inputs if t is not None]
    got = linear.real(real_view, given)[0]
    bias = view.input(_BIAS)
    axes = tuple(range(wanted.ndim - 1))
    off = (wanted.astype(np.float64) - got).mean(axis=axes)
    steps = np.rint(off / np.array(bias.quant.scale if bias.quant else (1.0,)))
    data = np.clip(bias.value + steps, -_LIMIT, _LIMIT).astype(np.int32)
    data.flags.writeable = False
    return replace(bias, data=data)
