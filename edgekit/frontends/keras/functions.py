"""Functions of ``keras.ops`` that a functional model may call beside its layers: arithmetic and activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.frontends.keras import activations
from edgekit.frontends.keras.builder import Builder, RefusedError, Value
from edgekit.ops.add import Add
from edgekit.ops.base import Op
from edgekit.ops.leaky_relu import LeakyRelu
from edgekit.ops.mul import Mul
from edgekit.ops.sub import Sub

Function = Callable[[Builder, tuple[Any, ...], dict[str, Any]], Value]


def _operand(b: Builder, value: Any, part: str) -> Value:
    """A tensor, or a constant of up to one dimension."""
    if isinstance(value, Value):
        return value
    array = np.atleast_1d(np.asarray(value, np.float64))
    if array.ndim > 1:
        raise RefusedError("it takes a constant of more than one dimension", "use a scalar or one value a channel")
    return Value(b.constant(part, array), array.shape)


def _arithmetic(op: Op, reciprocal: bool = False) -> Function:
    def function(b: Builder, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
        first, second = (*args, *kwargs.values())[:2]
        if reciprocal:
            if isinstance(second, Value):
                raise RefusedError("it divides by a tensor", "multiply by a constant")
            second = 1 / np.asarray(second, np.float64)
        if isinstance(first, Value) and isinstance(second, Value):
            return activations.paired(b, op, first, second)
        x, y = _operand(b, first, "first"), _operand(b, second, "second")
        whole = x if isinstance(first, Value) else y
        if b.shape(whole.tensor)[-1] != whole.shape[-1]:
            plain = Value(b.plain(whole), whole.shape)
            x, y = (plain, y) if whole is x else (x, plain)
        return Value(b.add(op, (x.tensor, y.tensor)), whole.shape)

    return function


def _named(name: str) -> Function:
    return lambda b, args, kwargs: activations.FUNCTIONS[name](b, _first(args, kwargs))


def _leaky(b: Builder, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
    slope = float((*args[1:], *(v for v in kwargs.values() if not isinstance(v, Value)), 0.2)[0])
    return b.unary(LeakyRelu(slope), _first(args, kwargs))


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
    return next(a for a in (*args, *kwargs.values()) if isinstance(a, Value))


HANDLERS: dict[str, Function] = {
    "Add": _arithmetic(Add()),
    "Subtract": _arithmetic(Sub()),
    "Multiply": _arithmetic(Mul()),
    "TrueDivide": _arithmetic(Mul(), reciprocal=True),
    "Divide": _arithmetic(Mul(), reciprocal=True),
    "Relu": _named("relu"),
    "Relu6": _named("relu6"),
    "Sigmoid": _named("sigmoid"),
    "Tanh": _named("tanh"),
    "Silu": _named("silu"),
    "HardSigmoid": _named("hard_sigmoid"),
    "HardSilu": _named("hard_silu"),
    "Softmax": _named("softmax"),
    "LeakyRelu": _leaky,
}
