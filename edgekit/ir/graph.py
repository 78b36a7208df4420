"""The graph: tensors, nodes and their order. Immutable, in single static assignment form.

Spatial tensors are NHWC; filters OHWI (depthwise 1HWO). Names are the user's own, made unique.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.ops.base import Op

Array = NDArray[Any]
Shape = tuple[int, ...]


def image_rows(shape: Shape) -> tuple[int, int, int]:
    """Images, rows of an image and elements of a row: how the arena and every kernel see a tensor.

    (N, H, W, C) is N images of H rows; (N, T, C) N images of T rows; (N, F) N images of one row; any other
    rank one image of one row.
    """
    match shape:
        case (n, h, w, c):
            return n, h, w * c
        case (n, t, c):
            return n, t, c
        case (n, f):
            return n, 1, f
        case _:
            return 1, 1, math.prod(shape)


class DType(enum.Enum):
    """Element types a tensor may have; the value is the NumPy name."""

    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return np.dtype(self.value)

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize


@dataclass(frozen=True)
class QuantParams:
    """Affine quantisation: real = scale * (q - zero_point).

    One entry per tensor, or one per slice along ``axis``. Scales are float32 values held in Python floats.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        """Whether each slice along ``axis`` has its own scale."""
        return len(self.scale) > 1


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value of the graph: a constant if it has ``data``, else computed at run time.

    ``channels`` lists which of the user's channels are left where a pass has removed some; empty: all.
    """

    name: str
    shape: Shape
    dtype: DType
    quant: QuantParams | None = None
    data: Array | None = None
    channels: tuple[int, ...] = ()

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes when held whole."""
        return self.elements * self.dtype.size

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantised tensor."""
        if self.quant is None:
            message = f"{self.name} has no scale"
            raise ValueError(message)
        return self.quant.scale[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantised tensor."""
        if self.quant is None:
            message = f"{self.name} has no zero point"
            raise ValueError(message)
        return self.quant.zero_point[0]

    @property
    def value(self) -> Array:
        """The data of a constant."""
        if self.data is None:
            message = f"{self.name} is not a constant"
            raise ValueError(message)
        return self.data


@dataclass(frozen=True)
class Node:
    """One operation. ``origin`` keeps the user's layer names through every pass.

    An empty string among ``inputs`` is an absent optional input (a bias, say).
    """

    op: Op
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    origin: tuple[str, ...]

    @property
    def name(self) -> str:
        """The layer's name as shown to the user."""
        return self.origin[0] if self.origin else self.outputs[0]


@dataclass(frozen=True)
class View:
    """A node with its tensors looked up: what an op's rules, reference and lowering see."""

    node: Node
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]

    def input(self, index: int) -> Tensor:
        """The tensor of a required input."""
        tensor = self.inputs[index]
        if tensor is None:
            message = f"{self.node.name} lacks input {index}"
            raise ValueError(message)
        return tensor

    def optional(self, index: int) -> Tensor | None:
        """The tensor of an optional input, or None."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.outputs[0]


@dataclass(frozen=True)
class Graph:
    """A model: ``nodes`` in an executable order, ``tensors`` by name."""

    name: str
    tensors: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sha256: str = ""

    def view(self, node: Node) -> View:
        """``node`` with its tensors."""
        return View(
            node=node,
            inputs=tuple(self.tensors[n] if n else None for n in node.inputs),
            outputs=tuple(self.tensors[n] for n in node.outputs),
        )

    def views(self) -> tuple[View, ...]:
        """Every node with its tensors, in order."""
        return tuple(self.view(node) for node in self.nodes)

    def producer(self, name: str) -> Node | None:
        """The node that writes tensor ``name``; None for inputs and constants."""
        return next((n for n in self.nodes if name in n.outputs), None)

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read tensor ``name``."""
        return tuple(n for n in self.nodes if name in n.inputs)

    def with_nodes(self, nodes: tuple[Node, ...], new: Mapping[str, Tensor] | None = None) -> Graph:
        """The graph with other nodes and further tensors, unused tensors dropped."""
        tensors = {**self.tensors, **(new or {})}
        used = {n for node in nodes for n in (*node.inputs, *node.outputs)} | {*self.inputs, *self.outputs}
        return replace(self, nodes=nodes, tensors={k: v for k, v in tensors.items() if k in used})

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(v.node.op.macs(v) for v in self.views())
