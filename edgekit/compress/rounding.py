"""Adaptive rounding: each weight is rounded so that it makes up for the rounding of those before it.

The error that counts is that of the layer's output over samples, a quadratic form of the weights' errors; weights are
rounded one after the other, and what is lost is spread over those not yet rounded. After E. Frantar et al., "GPTQ:
Accurate Post-Training Quantization for Generative Pre-trained Transformers" (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from edgekit.compress import layerwise
from edgekit.compress.noise import dequantised
from edgekit.ir.graph import Array, Graph, Tensor, View
from edgekit.ops import _common as common
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D

_DAMPING = 0.01
_MOST_TAPS = 1536
"""A layer with more weights an output stays rounded to nearest: the work grows with their third power."""
_ROWS = 4096
_HIGHEST = 127


def adapt(fused: Graph, small: Graph, columns: Sequence[Array]) -> Graph:
    """``small``, the int8 form of ``fused``, with the weights of every layer rounded for what the layer is fed with.

    ``columns`` has float samples (samples, ...) for each input; a graph whose samples cannot be computed side by side
    stays as it is.
    """
    return layerwise.changed(
        fused,
        small,
        columns,
        lambda theirs, view, values: _rounded(view, theirs.input(1).value, values[view.node.inputs[0]]),
    )


def _rounded(view: View, filters: Array, given: Array) -> Tensor:
    """The filter of one layer, under its old name."""
    old, source = view.input(1), view.input(0)
    taps, rows = problems(view, dequantised(given, source), filters)
    if old.quant is None or rows.shape[2] > _MOST_TAPS:
        return old
    scales = np.array(old.quant.scale, np.float64).reshape(rows.shape[0], -1, 1)
    whole = spread(taps, rows / scales)
    shape = filters.shape
    depthwise = isinstance(view.node.op, DepthwiseConv2D)
    data = np.moveaxis(whole[:, 0].reshape(shape[3], *shape[:3]), 0, 3) if depthwise else whole.reshape(shape)
    data = np.ascontiguousarray(data, np.int8)
    data.flags.writeable = False
    return replace(old, data=data)


def problems(view: View, given: Array, filters: Array) -> tuple[Array, Array]:
    """What a layer multiplies: inputs (problems, positions, taps) and weights (problems, outputs, taps).

    A group of a convolution is a problem, and so is each channel of a depthwise one.
    """
    op = view.node.op
    if not isinstance(op, Conv2D | DepthwiseConv2D):
        features = filters.shape[-1]
        return _some(given.reshape(-1, features))[None], filters.reshape(1, -1, features)
    y, x = op.windows(view)
    image = common.pad_image(given, y, x, 0)
    taps = [common.taps(image, y, x, fy, fx) for fy in range(y.window) for fx in range(x.window)]
    patches = _some(np.stack([t.reshape(-1, t.shape[3]) for t in taps], axis=1))
    if isinstance(op, DepthwiseConv2D):
        channels = filters.shape[3]
        by_channel = np.repeat(patches.transpose(2, 0, 1), op.depth_multiplier, axis=0)
        return by_channel, np.moveaxis(filters[0], 2, 0).reshape(channels, 1, -1)
    depth = filters.shape[3]
    count = patches.shape[2] // depth
    parts = [patches[:, :, g * depth : (g + 1) * depth].reshape(len(patches), -1) for g in range(count)]
    return np.stack(parts), filters.reshape(count, filters.shape[0] // count, -1)


def _some(rows: Array) -> Array:
    """At most some thousand rows, evenly taken."""
    return rows[:: max(1, len(rows) // _ROWS)]


def spread(taps: Array, weights: Array) -> Array:
    """Whole weights in [-127, 127] for those given in units of their scale; shapes as of ``problems``."""
    x, left = taps.astype(np.float64), weights.astype(np.float64).copy()
    size = x.shape[2]
    curvature = x.transpose(0, 2, 1) @ x
    mean = np.trace(curvature, axis1=1, axis2=2)[:, None, None] / size
    curvature += np.eye(size) * np.maximum(_DAMPING * mean, 1e-9)
    upper = cast("Array", np.linalg.cholesky(cast("Array", np.linalg.inv(curvature)))).transpose(0, 2, 1)
    whole = np.empty_like(left)
    for i in range(size):
        whole[:, :, i] = np.clip(np.rint(left[:, :, i]), -_HIGHEST, _HIGHEST)
        lost = (left[:, :, i] - whole[:, :, i]) / upper[:, i, i][:, None]
        left[:, :, i + 1 :] -= lost[:, :, None] * upper[:, None, i, i + 1 :]
    return whole
