"""Float arithmetic that several ops share: what a layer means before it is quantised."""

from __future__ import annotations

import numpy as np

from edgekit.ir.graph import Array
from edgekit.ops.base import Activation


def activate(values: Array, activation: Activation) -> Array:
    """``values`` after a fused activation, float32."""
    match activation:
        case Activation.NONE:
            result = values
        case Activation.RELU:
            result = np.maximum(values, 0)
        case Activation.RELU_N1_TO_1:
            result = np.clip(values, -1, 1)
        case Activation.RELU6:
            result = np.clip(values, 0, 6)
        case Activation.TANH:
            result = np.tanh(values)
        case Activation.SIGN_BIT:
            result = np.signbit(values)
    return result.astype(np.float32)


def finish(acc: Array, values: list[Array], activation: Activation) -> Array:
    """Accumulators (..., channels) with the bias, if input 2 is there, and the activation."""
    biased = acc + values[2] if len(values) > 2 and values[2].size else acc  # noqa: PLR2004  (filter, data, bias)
    return activate(biased, activation)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))
