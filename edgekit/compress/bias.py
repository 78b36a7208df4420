"""Bias correction: what rounding adds to the mean of each output channel is taken away in the int32 bias.

After M. Nagel et al., "Data-Free Quantization through Weight Equalization and Bias Correction" (2019), with means
measured on samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgekit.compress import layerwise
from edgekit.compress.fuse import WEIGHTED
from edgekit.compress.noise import dequantised
from edgekit.ir import batch, interp
from edgekit.ir.graph import Array, Graph, Tensor, View
from edgekit.ops.base import Activation

_LIMIT = (1 << 31) - 1
_BIAS = 2


def correct(fused: Graph, small: Graph, columns: Sequence[Array]) -> Graph:
    """``small``, the int8 form of ``fused``, with biases that make each channel's mean that of the float graph.

    Means are taken before the activation, over all of ``columns``, float samples (samples, ...) for each input. A
    graph whose samples cannot be computed side by side stays as it is.
    """
    wide = batch.rebatched(fused, len(columns[0]))
    if wide is None:
        return small
    real = interp.run(wide, list(columns))
    return layerwise.changed(fused, small, columns, lambda theirs, view, values: _corrected(theirs, view, real, values))


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
