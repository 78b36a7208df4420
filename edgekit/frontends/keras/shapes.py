"""Keras layers without weights that move, cut, repeat or pool elements."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit.frontends.keras.builder import Builder, Handler, RefusedError, Value
from edgekit.ops._pool import Pool2D
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Padding
from edgekit.ops.concatenation import Concatenation
from edgekit.ops.max_pool_2d import MaxPool2D
from edgekit.ops.mean import Mean
from edgekit.ops.pad import Pad
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgekit.ops.strided_slice import StridedSlice
from edgekit.ops.transpose import Transpose

_SEQUENCE = 3


def channels_last(layer: Any) -> None:
    """Raise RefusedError if the layer has its channels in front."""
    if getattr(layer, "data_format", None) == "channels_first":
        raise RefusedError("its data format is channels_first", "build the model with data_format='channels_last'")


def pads(rank: int, sides: Mapping[int, tuple[int, int]]) -> list[list[int]]:
    """Paddings of a PAD: two for each dimension, 0 where ``sides`` has none."""
    return [list(sides.get(axis, (0, 0))) for axis in range(rank)]


def identity(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """Nothing: the layer acts in training only."""
    del b, layer
    return inputs[0]


def flatten(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """All elements in one row."""
    del b
    channels_last(layer)
    (value,) = inputs
    return Value(value.tensor, (value.shape[0], math.prod(value.shape[1:])))


def reshape(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """Another shape; -1 is what remains."""
    del b
    (value,) = inputs
    known = math.prod(n for n in layer.target_shape if n != -1)
    rest = math.prod(value.shape) // known
    return Value(value.tensor, (value.shape[0], *(rest if n == -1 else int(n) for n in layer.target_shape)))


def permute(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """TRANSPOSE."""
    (value,) = inputs
    order = (0, *layer.dims)
    out = b.add(Transpose(), (b.plain(value), b.integers("order", order)))
    return Value(out, b.shape(out))


def zero_padding(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """PAD."""
    channels_last(layer)
    (value,) = inputs
    return _image_result(
        b, b.add(Pad(), (b.image(value), b.integers("paddings", pads(4, _sides(layer.padding))))), value
    )


def cropping(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """STRIDED_SLICE."""
    channels_last(layer)
    (value,) = inputs
    source = b.image(value)
    sides = _sides(layer.cropping)
    begin = [sides.get(axis, (0, 0))[0] for axis in range(4)]
    end = [n - sides.get(axis, (0, 0))[1] for axis, n in enumerate(b.shape(source))]
    return _image_result(b, sliced(b, source, begin, end), value)


def sliced(b: Builder, source: str, begin: list[int], end: list[int], part: str = "") -> str:
    """STRIDED_SLICE with a step of 1."""
    names = [b.integers(f"{part}{what}", v) for what, v in (("begin", begin), ("end", end), ("step", [1] * len(end)))]
    return b.add(StridedSlice(), (source, *names), part)


def up_sampling(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """RESIZE_NEAREST_NEIGHBOR."""
    channels_last(layer)
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise RefusedError("its interpolation is not nearest", "use interpolation='nearest'", layer.interpolation)
    (value,) = inputs
    factors = (layer.size, 1) if isinstance(layer.size, int) else tuple(layer.size)
    return _image_result(b, _enlarged(b, b.image(value), int(factors[0]), int(factors[1])), value)


def repeat_vector(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """RESIZE_NEAREST_NEIGHBOR of one step."""
    (value,) = inputs
    n, c = value.shape
    out = _enlarged(b, b.at(value, (n, 1, 1, c)), layer.n, 1)
    return Value(out, (n, layer.n, c))


def _enlarged(b: Builder, source: str, rows: int, columns: int) -> str:
    """Every pixel ``rows`` times ``columns`` often; half pixel centres where float32 rounding would miss."""
    _, h, w, _ = b.shape(source)
    op = ResizeNearestNeighbor()
    repeated = all(
        np.array_equal(op.nearest(n, n * times), np.repeat(np.arange(n), times))
        for n, times in ((h, rows), (w, columns))
    )
    op = op if repeated else ResizeNearestNeighbor(half_pixel_centers=True)
    return b.add(op, (source, b.integers("size", (h * rows, w * columns))))


def concatenate(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """CONCATENATION, along the last axis under whatever shape the tensors have."""
    rank = len(inputs[0].shape)
    axis = int(layer.axis) % rank
    shape: list[int] = list(inputs[0].shape)
    shape[axis] = sum(v.shape[axis] for v in inputs)
    held = [b.shape(v.tensor) for v in inputs]
    alike = all(h[:-1] == held[0][:-1] and h[-1] == v.shape[-1] for h, v in zip(held, inputs, strict=True))
    if axis == rank - 1 and alike:
        return Value(b.add(Concatenation(axis=len(held[0]) - 1), [v.tensor for v in inputs]), tuple(shape))
    return Value(b.add(Concatenation(axis=axis), [b.plain(v) for v in inputs]), tuple(shape))


def average_pooling(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """AVERAGE_POOL_2D."""
    return _pooled(b, layer, inputs[0], AveragePool2D)


def max_pooling(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """MAX_POOL_2D."""
    return _pooled(b, layer, inputs[0], MaxPool2D)


def global_average(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """MEAN over all pixels or steps."""
    channels_last(layer)
    (value,) = inputs
    source = b.image(value)
    return _global_result(b, b.add(Mean(keep_dims=layer.keepdims), (source, b.integers("axes", (1, 2)))), layer, value)


def global_max(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """MAX_POOL_2D over all pixels or steps."""
    channels_last(layer)
    (value,) = inputs
    source = b.image(value)
    _, h, w, _ = b.shape(source)
    return _global_result(b, b.add(MaxPool2D(Padding.VALID, h, w, h, w), (source,)), layer, value)


def _pooled(b: Builder, layer: Any, value: Value, kind: type[Pool2D]) -> Value:
    channels_last(layer)
    is_1d = len(value.shape) == _SEQUENCE
    size, strides = _pair(layer.pool_size, is_1d=is_1d), _pair(layer.strides, is_1d=is_1d)
    return _image_result(b, b.add(kind(Padding[layer.padding.upper()], *strides, *size), (b.image(value),)), value)


def _global_result(b: Builder, tensor: str, layer: Any, value: Value) -> Value:
    n, c = value.shape[0], value.shape[-1]
    del b
    return Value(tensor, (n, *(1 for _ in value.shape[1:-1]), c) if layer.keepdims else (n, c))


def _image_result(b: Builder, tensor: str, source: Value) -> Value:
    n, h, w, c = b.shape(tensor)
    return Value(tensor, (n, h, c) if len(source.shape) == _SEQUENCE else (n, h, w, c))


def _pair(value: Any, *, is_1d: bool) -> tuple[int, int]:
    numbers: list[Any] = [value, value] if isinstance(value, int) else list(value)
    return (int(numbers[0]), 1) if is_1d else (int(numbers[0]), int(numbers[1]))


def _sides(given: Any) -> dict[int, tuple[int, int]]:
    """Keras' paddings or croppings by axis of an image: (a, b) along time, or ((a, b), (c, d))."""
    numbers: list[Any] = [given, given] if isinstance(given, int) else list(given)
    pairs: list[Any] = [numbers] if isinstance(numbers[0], int) else numbers
    return {axis: (int(low), int(high)) for axis, (low, high) in enumerate(pairs, start=1)}


TRAINING_ONLY = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
    "ActivityRegularization", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast",
    "RandomBrightness",
)  # fmt: skip
"""Layers that do nothing at inference."""

HANDLERS: dict[str, Handler] = {
    **dict.fromkeys((*TRAINING_ONLY, "Identity"), identity),
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "ZeroPadding1D": zero_padding,
    "ZeroPadding2D": zero_padding,
    "Cropping1D": cropping,
    "Cropping2D": cropping,
    "UpSampling1D": up_sampling,
    "UpSampling2D": up_sampling,
    "RepeatVector": repeat_vector,
    "Concatenate": concatenate,
    "AveragePooling1D": average_pooling,
    "AveragePooling2D": average_pooling,
    "MaxPooling1D": max_pooling,
    "MaxPooling2D": max_pooling,
    "GlobalAveragePooling1D": global_average,
    "GlobalAveragePooling2D": global_average,
    "GlobalMaxPooling1D": global_max,
    "GlobalMaxPooling2D": global_max,
}
