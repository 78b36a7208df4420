"""Readable layer names out of the tensor names converters write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Last parts of TensorFlow tensor names that name an operation, not a layer.
_OPERATIONS = re.compile(
    r"(BiasAdd|Conv2D|Conv1D|depthwise|MatMul|Relu\d?|AvgPool|MaxPool|Reshape|Softmax|FusedBatchNormV\d|"
    r"Mean|Sigmoid|Tanh|add|Add|AddV2|sub|Sub|mul|Mul|concat|Squeeze|ExpandDims|transpose|Pad|LeakyRelu)\d*"
)
_WORD = {
    "CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "MatMul", "ADD": "add",
    "MUL": "mul", "SUB": "sub",
}  # fmt: skip
# Names a converter gives a model's outputs: they say nothing about the layer.
_ANONYMOUS = re.compile(r"(identity|(stateful)?partitionedcall|output)(_\d+)?(_u?int8|_dequantize)?", re.IGNORECASE)


def layer_names(layers: Iterable[tuple[str, str]]) -> list[str]:
    """A unique name for each layer, given its op and its output tensor's name.

    A fused name (``model/relu/Relu;model/bn/FusedBatchNormV3;model/conv/BiasAdd``) becomes the layer that holds
    the weights (``conv``); a prefix that all names share is dropped.
    """
    pairs = list(layers)
    paths = [_layer_path(op, tensor) for op, tensor in pairs]
    named = [p for p in paths if p]
    shared = len({p[0] for p in named}) == 1 and all(len(p) > 1 for p in named)
    return unique(
        "/".join(path[1:] if shared else path) or op.lower() for (op, _), path in zip(pairs, paths, strict=True)
    )


def unique(names: Iterable[str]) -> list[str]:
    """``names`` with ``_2``, ``_3`` ... appended to repeats."""
    taken: set[str] = set()
    following: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        candidate, number = name, following.get(name, 2)
        while candidate in taken:
            candidate = f"{name}_{number}"
            number += 1
        following[name] = number
        taken.add(candidate)
        result.append(candidate)
    return result


def printable(raw: bytes) -> str:
    """``raw`` as text: what is not a printable character becomes an underscore."""
    return "".join(c if c.isprintable() else "_" for c in raw.decode("utf-8", errors="replace"))


def _layer_path(op: str, tensor: str) -> list[str]:
    parts = [p.partition(":")[0] for p in tensor.split(";") if p]
    if not parts or _ANONYMOUS.fullmatch(parts[0]):
        return []
    word = _WORD.get(op, "")
    weighted = [p for p in parts if p.endswith("/BiasAdd")]
    weighted += [p for p in reversed(parts) if word and re.fullmatch(rf".*/{word}\d*", p)]
    path = [p for p in (weighted or parts)[0].split("/") if p]
    return path[:-1] if len(path) > 1 and _OPERATIONS.fullmatch(path[-1]) else path
