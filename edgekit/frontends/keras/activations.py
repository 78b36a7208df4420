"""Keras activations, as layers or inside them, and the elementwise layers that join tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from edgekit.frontends.keras.builder import Builder, Handler, RefusedError, Value
from edgekit.ops.add import Add
from edgekit.ops.base import Activation, Op
from edgekit.ops.hard_swish import HardSwish
from edgekit.ops.leaky_relu import LeakyRelu
from edgekit.ops.logistic import Logistic
from edgekit.ops.mul import Mul
from edgekit.ops.relu import Relu
from edgekit.ops.relu6 import Relu6
from edgekit.ops.softmax import Softmax
from edgekit.ops.sub import Sub
from edgekit.ops.tanh import Tanh

_KERAS_SLOPE = 0.2
_SIX = 6.0


def activated(b: Builder, activation: Any, value: Value) -> Value:
    """``value`` after the activation of a layer: a Keras function, a layer, or None."""
    if activation is None:
        return value
    if hasattr(activation, "get_config") and type(activation).__name__ in HANDLERS:
        return HANDLERS[type(activation).__name__](b, activation, [value])
    name = getattr(activation, "__name__", type(activation).__name__)
    module = str(getattr(activation, "__module__", ""))
    known = FUNCTIONS.get(name) if module.partition(".")[0] == "keras" else None
    if known is None:
        raise RefusedError(f"its activation '{name}' is not supported", f"use one of {', '.join(sorted(FUNCTIONS))}")
    return known(b, value)


def _of(op: Op, part: str) -> Callable[[Builder, Value], Value]:
    return lambda b, value: b.unary(op, value, part)


def _linear(b: Builder, value: Value) -> Value:
    del b
    return value


def _softmax(b: Builder, value: Value) -> Value:
    if b.shape(value.tensor)[-1] != value.shape[-1]:
        value = Value(b.plain(value), value.shape)
    return b.unary(Softmax(), value, "softmax")


def _silu(b: Builder, value: Value) -> Value:
    gate = b.unary(Logistic(), value, "gate")
    return Value(b.add(Mul(), (value.tensor, gate.tensor), "silu"), value.shape)


def _hard_sigmoid(b: Builder, value: Value) -> Value:
    """relu6(x + 3) / 6."""
    raised = b.add(Add(Activation.RELU6), (value.tensor, b.constant("three", [3.0])), "raised")
    return Value(b.add(Mul(), (raised, b.constant("sixth", [1 / 6])), "hard_sigmoid"), value.shape)


def _clipped(b: Builder, value: Value) -> Value:
    """Between -1 and 1: a fused activation of a product with 1."""
    return Value(b.add(Mul(Activation.RELU_N1_TO_1), (value.tensor, b.constant("one", [1.0])), "clipped"), value.shape)


FUNCTIONS: dict[str, Callable[[Builder, Value], Value]] = {
    "linear": _linear,
    "relu": _of(Relu(), "relu"),
    "relu6": _of(Relu6(), "relu6"),
    "leaky_relu": _of(LeakyRelu(_KERAS_SLOPE), "leaky_relu"),
    "sigmoid": _of(Logistic(), "sigmoid"),
    "tanh": _of(Tanh(), "tanh"),
    "hard_silu": _of(HardSwish(), "hard_silu"),
    "silu": _silu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_tanh": _clipped,
    "softmax": _softmax,
}


def activation_layer(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """The layer Activation."""
    return activated(b, layer.activation, inputs[0])


def relu_layer(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """RELU, RELU6 or LEAKY_RELU; another maximum is a RELU6 between two products."""
    (value,) = inputs
    slope, threshold, limit = float(layer.negative_slope), float(layer.threshold), layer.max_value
    if threshold or (slope and limit is not None):
        raise RefusedError(
            "it has a threshold, or a slope and a maximum", "use a plain, leaky or limited ReLU",
            f"threshold {threshold}, slope {slope}, max_value {limit}",
        )  # fmt: skip
    if limit is None:
        return b.unary(LeakyRelu(slope) if slope else Relu(), value)
    if float(limit) == _SIX:
        return b.unary(Relu6(), value)
    shrunk = b.add(Mul(Activation.RELU6), (value.tensor, b.constant("factor", [_SIX / float(limit)])), "shrunk")
    return Value(b.add(Mul(), (shrunk, b.constant("back", [float(limit) / _SIX]))), value.shape)


def leaky_relu_layer(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """LEAKY_RELU."""
    return b.unary(LeakyRelu(float(layer.negative_slope)), inputs[0])


def prelu_layer(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """relu(x) - alpha * relu(-x)."""
    (value,) = inputs
    source = b.plain(value)
    alpha = np.asarray(layer.alpha, np.float64)
    above = b.add(Relu(), (source,), "above")
    turned = b.add(Mul(Activation.RELU), (source, b.constant("minus_one", [-1.0])), "below")
    below = b.add(Mul(), (turned, b.constant("alpha", alpha)), "sloped")
    return Value(b.add(Sub(), (above, below)), value.shape)


def softmax_layer(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """SOFTMAX of the last axis."""
    (value,) = inputs
    axes = (layer.axis,) if isinstance(layer.axis, int) else tuple(layer.axis)
    if [a % len(value.shape) for a in axes] != [len(value.shape) - 1]:
        raise RefusedError("its axis is not the last", "permute the input first", str(layer.axis))
    return _softmax(b, value)


def paired(b: Builder, op: Op, first: Value, second: Value, part: str = "") -> Value:
    """An op on two tensors, under the shape both are held in, or under their own."""
    if len(first.shape) != len(second.shape):
        raise RefusedError(
            "its inputs have different numbers of dimensions", "reshape them alike", f"{first.shape} and {second.shape}"
        )
    shape = np.broadcast_shapes(first.shape, second.shape)
    if first.shape == second.shape and b.shape(first.tensor) == b.shape(second.tensor):
        return Value(b.add(op, (first.tensor, second.tensor), part), shape)
    return Value(b.add(op, (b.plain(first), b.plain(second)), part), shape)


def _chain(op: Op) -> Handler:
    def handler(b: Builder, layer: Any, inputs: list[Value]) -> Value:
        del layer
        *front, last = inputs
        partial = reduce(lambda x, y: paired(b, op, x, y, "partial"), front)
        return paired(b, op, partial, last)

    return handler


def average(b: Builder, layer: Any, inputs: list[Value]) -> Value:
    """The sum, times one over the number of inputs."""
    del layer
    total = reduce(lambda x, y: paired(b, Add(), x, y, "sum"), inputs)
    return Value(b.add(Mul(), (total.tensor, b.constant("share", [1 / len(inputs)]))), total.shape)


def extreme(sign: float) -> Handler:
    """Maximum (1) or Minimum (-1): x + relu(y - x), or x - relu(x - y)."""

    def handler(b: Builder, layer: Any, inputs: list[Value]) -> Value:
        del layer

        def join(x: Value, y: Value) -> Value:
            low, high = (x, y) if sign > 0 else (y, x)
            excess = paired(b, Sub(Activation.RELU), high, low, "excess")
            return paired(b, Add() if sign > 0 else Sub(), x, excess, "joined")

        return reduce(join, inputs)

    return handler


HANDLERS: dict[str, Handler] = {
    "Activation": activation_layer,
    "ReLU": relu_layer,
    "LeakyReLU": leaky_relu_layer,
    "PReLU": prelu_layer,
    "Softmax": softmax_layer,
    "Add": _chain(Add()),
    "Subtract": _chain(Sub()),
    "Multiply": _chain(Mul()),
    "Average": average,
    "Maximum": extreme(1.0),
    "Minimum": extreme(-1.0),
}
