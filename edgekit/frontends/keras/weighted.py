"""Keras layers with weights: dense, the convolutions, batch normalisation and what is like it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.frontends.keras.activations import activated
from edgekit.frontends.keras.builder import Builder, Handler, RefusedError, Value
from edgekit.frontends.keras.shapes import channels_last, pads
from edgekit.ir.graph import Array
from edgekit.ops.add import Add
from edgekit.ops.base import Padding
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.mul import Mul
from edgekit.ops.pad import Pad
from edgekit.ops.reshape import Reshape

_FLOATS = ("float32", "float64", "float16", "bfloat16")


def array(weight: Any) -> Array:
    """A Keras weight as a NumPy array of float64.

    Raises:
        RefusedError: the layer's weights are integers already.
    """
    values = np.asarray(weight)
    if str(values.dtype) not in _FLOATS:
        raise RefusedError("its weights are quantised already", "give the float model", str(values.dtype))
    return values.astype(np.float64)


def dense(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """FULLY_CONNECTED over the last axis."""
    (value,) = inputs
    kernel = array(layer.kernel)
    keeps = len(value.shape) > 2  # noqa: PLR2004  (a sequence keeps its steps)
    filters = b.constant("filter", kernel.T)
    names = (b.plain(value), filters, _bias(b, layer))
    out = b.add(FullyConnected(keep_num_dims=keeps), names)
    return activated(b, layer.activation, Value(out, (*value.shape[:-1], kernel.shape[1])))


def conv(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """CONV_2D; one along time is one of height."""
    channels_last(layer)
    (value,) = inputs
    kernel = array(layer.kernel)
    is_1d = kernel.ndim == 3  # noqa: PLR2004
    kernel = kernel[:, np.newaxis] if is_1d else kernel
    filters = b.constant("filter", kernel.transpose(3, 0, 1, 2))
    stride, dilation = _pair(layer.strides), _pair(layer.dilation_rate)
    source, padding = _padded(b, layer, b.image(value), kernel.shape[0], dilation[0])
    op = Conv2D(padding, *stride, *dilation)
    return activated(b, layer.activation, _result(b, b.add(op, (source, filters, _bias(b, layer))), value))


def depthwise(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """DEPTHWISE_CONV_2D."""
    channels_last(layer)
    (value,) = inputs
    out = _depthwise(b, layer, value, array(layer.kernel), _bias(b, layer))
    return activated(b, layer.activation, out)


def separable(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """DEPTHWISE_CONV_2D, then CONV_2D of one pixel."""
    channels_last(layer)
    (value,) = inputs
    deep = _depthwise(b, layer, value, array(layer.depthwise_kernel), "", part="depthwise")
    pointwise = array(layer.pointwise_kernel).reshape(-1, layer.filters)
    filters = b.constant("filter", pointwise.T[:, np.newaxis, np.newaxis])
    out = b.add(Conv2D(Padding.VALID), (b.image(deep), filters, _bias(b, layer)))
    return activated(b, layer.activation, _result(b, out, value))


def transposed(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """PAD puts zeros between the pixels, then CONV_2D with the filter turned round: stride squared as many MACs."""
    channels_last(layer)
    (value,) = inputs
    kernel = array(layer.kernel)
    is_1d = kernel.ndim == 3  # noqa: PLR2004
    kernel = kernel[:, np.newaxis] if is_1d else kernel
    if any(d != 1 for d in _pair(layer.dilation_rate)) or getattr(layer, "output_padding", None) is not None:
        raise RefusedError("it has a dilation or an output padding", "leave both away")
    strides = _pair(layer.strides)
    source = _spread(b, b.image(value), strides)
    sides: list[tuple[int, int]] = []
    for k, s in zip(kernel.shape[:2], strides, strict=True):
        beyond = max(k - s, 0)
        cut = beyond // 2 if layer.padding == "same" else 0
        sides.append((k - 1 - cut, cut if layer.padding == "same" else beyond))
    if any(side for pair in sides for side in pair):
        source = b.add(Pad(), (source, b.integers("border", pads(4, {1: sides[0], 2: sides[1]}))), "border")
    filters = b.constant("filter", kernel.transpose(2, 0, 1, 3)[:, ::-1, ::-1])
    out = b.add(Conv2D(Padding.VALID), (source, filters, _bias(b, layer)))
    return activated(b, layer.activation, _result(b, out, value))


def _spread(b: Builder, source: str, strides: tuple[int, int]) -> str:
    """``source`` with stride - 1 rows of zeros below every row and as many columns right of every column."""
    n, h, w, c = b.shape(source)
    for axis, stride in enumerate(strides):
        if stride == 1:
            continue
        shape = (n, h, 1, w * c) if axis == 0 else (n, h * w, 1, c)
        part = ("rows", "columns")[axis]
        seen = b.at(Value(source, shape), shape)
        paddings = b.integers(f"{part}_between", pads(4, {2: (0, stride - 1)}))
        wide = b.add(Pad(), (seen, paddings), f"spread_{part}")
        h, w = (h * stride, w) if axis == 0 else (h, w * stride)
        sizes = b.integers(f"spread_{part}_shape", (n, h, w, c))
        source = b.add(Reshape(new_shape=(n, h, w, c)), (wide, sizes), f"{part}_spread")
    return source


def batch_normalization(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """MUL and ADD by channel; folded into a layer with weights later."""
    (value,) = inputs
    _last_axis(layer.axis, value)
    mean, variance = array(layer.moving_mean), array(layer.moving_variance)
    scale = 1 / np.sqrt(variance + layer.epsilon)
    scale = scale * array(layer.gamma) if layer.gamma is not None else scale
    offset = (array(layer.beta) if layer.beta is not None else 0) - mean * scale
    return affine(b, value, scale, offset)


def normalization(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """MUL and ADD with the adapted mean and variance."""
    (value,) = inputs
    if layer.invert:
        raise RefusedError("it is inverted", "normalise with a Rescaling layer")
    mean, variance = array(layer.mean), array(layer.variance)
    rank = len(value.shape)
    mean, variance = (np.squeeze(v, tuple(range(max(v.ndim - rank + 1, 0)))) for v in (mean, variance))
    if mean.size > 1 and mean.shape[-1] != value.shape[-1]:
        raise RefusedError("its axis is not the last", "give it axis=-1", str(layer.axis))
    scale = 1 / np.maximum(np.sqrt(variance), 1e-7)
    return affine(b, value, scale.reshape(-1), (-mean * scale).reshape(-1))


def rescaling(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """MUL and ADD."""
    (value,) = inputs
    return affine(b, value, np.ravel(np.float64(layer.scale)), np.ravel(np.float64(layer.offset)))


def affine(b: Builder, value: Value, scale: Array, offset: Array) -> Value:
    """``value`` * scale + offset along the last axis."""
    if b.shape(value.tensor)[-1] != value.shape[-1]:
        value = Value(b.plain(value), value.shape)
    scaled = b.add(Mul(), (value.tensor, b.constant("scale", scale)), "scaled")
    return Value(b.add(Add(), (scaled, b.constant("offset", offset))), value.shape)


def _depthwise(b: Builder, layer: Any, value: Value, kernel: Array, bias: str, *, part: str = "") -> Value:
    is_1d = kernel.ndim == 3  # noqa: PLR2004
    kernel = kernel[:, np.newaxis] if is_1d else kernel
    kh, kw, channels, multiplier = kernel.shape
    filters = b.constant(f"{part}_filter" if part else "filter", kernel.reshape(1, kh, kw, channels * multiplier))
    stride, dilation = _pair(layer.strides), _pair(layer.dilation_rate)
    if is_1d:  # over a width of 1 the second stride does nothing, and equal ones are what other runtimes expect
        stride = (stride[0], stride[0])
    source, padding = _padded(b, layer, b.image(value), kh, dilation[0])
    op = DepthwiseConv2D(padding, *stride, multiplier, *dilation)
    return _result(b, b.add(op, (source, filters, bias), part), value)


def _padded(b: Builder, layer: Any, source: str, taps: int, dilation: int) -> tuple[str, Padding]:
    """The input of a convolution and its padding; a causal one is a border before the first step."""
    if layer.padding != "causal":
        return source, Padding[layer.padding.upper()]
    border = b.integers("border", pads(4, {1: ((taps - 1) * dilation, 0)}))
    return b.add(Pad(), (source, border), "border"), Padding.VALID


def _result(b: Builder, tensor: str, source: Value) -> Value:
    """An image as Keras sees it: without its width of 1 if the layer's input was a sequence."""
    n, h, w, c = b.shape(tensor)
    return Value(tensor, (n, h, c) if len(source.shape) == 3 else (n, h, w, c))  # noqa: PLR2004


def _bias(b: Builder, layer: Any) -> str:
    return b.constant("bias", array(layer.bias)) if layer.use_bias else ""


def _pair(value: Any) -> tuple[int, int]:
    numbers: list[Any] = [value] if isinstance(value, int) else list(value)
    return (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 else (int(numbers[0]), 1)


def _last_axis(axis: Any, value: Value) -> None:
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = len(value.shape)
    if [a % rank for a in axes] != [rank - 1]:
        raise RefusedError("its axis is not the last", "give it axis=-1", str(axis))


HANDLERS: dict[str, Handler] = {
    "Dense": dense,
    "Conv1D": conv,
    "Conv2D": conv,
    "DepthwiseConv1D": depthwise,
    "DepthwiseConv2D": depthwise,
    "SeparableConv1D": separable,
    "SeparableConv2D": separable,
    "Conv1DTranspose": transposed,
    "Conv2DTranspose": transposed,
    "BatchNormalization": batch_normalization,
    "Normalization": normalization,
    "Rescaling": rescaling,
}
