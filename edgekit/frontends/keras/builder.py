"""A float Graph under construction, layer by layer, as the Keras reader meets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgekit.ir.graph import Array, DType, Graph, Node, Shape, Tensor, View
from edgekit.ops.base import Op
from edgekit.ops.reshape import Reshape


class RefusedError(Exception):
    """A layer that edgekit does not have: why, and what the user can do."""

    def __init__(self, reason: str, hint: str, found: str = "") -> None:
        self.reason, self.hint, self.found = reason, hint, found
        super().__init__(reason)


@dataclass(frozen=True)
class Value:
    """A tensor of the Keras model, batch 1.

    The elements lie in ``tensor`` of the graph in the same order, maybe under another shape: a sequence (1,T,C) is
    an image (1,T,1,C) there, and a reshape costs nothing until a layer asks for the new shape.
    """

    tensor: str
    shape: Shape


Handler = Callable[["Builder", Any, list[Value]], Value]
"""Adds the nodes of one layer to a builder: builder, Keras layer, inputs; gives its output."""


class Builder:
    """Tensors and nodes so far; ``label`` is the name of the layer that is being added."""

    def __init__(self) -> None:
        self.label = ""
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []
        self._reshapes: dict[tuple[str, Shape], str] = {}

    def input(self, name: str, shape: Shape) -> Value:
        """A new model input."""
        unique = self.unique(name)
        self.tensors[unique] = Tensor(unique, shape, DType.FLOAT32)
        self.inputs.append(unique)
        return Value(unique, shape)

    def stand_in(self, shape: Shape) -> Value:
        """What an unsupported layer would give, so that the layers behind it can be looked at too."""
        name = self.unique(f"{self.label}/unknown")
        self.tensors[name] = Tensor(name, shape, DType.FLOAT32)
        return Value(name, shape)

    def unique(self, name: str) -> str:
        """``name``, with a number behind it if a tensor has it already."""
        candidate, number = name, 2
        while candidate in self.tensors:
            candidate, number = f"{name}_{number}", number + 1
        return candidate

    def shape(self, tensor: str) -> Shape:
        """The shape ``tensor`` has in the graph."""
        return self.tensors[tensor].shape

    def constant(self, part: str, values: Any) -> str:
        """A new float32 constant of the layer."""
        return self._constant(part, np.array(values, np.float32), DType.FLOAT32)

    def integers(self, part: str, values: Any) -> str:
        """A new int32 constant of the layer: axes, sizes, paddings."""
        return self._constant(part, np.array(values, np.int32), DType.INT32)

    def _constant(self, part: str, data: Array, dtype: DType) -> str:
        data.flags.writeable = False
        name = self.unique(f"{self.label}/{part}")
        self.tensors[name] = Tensor(name, data.shape, dtype, data=data)
        return name

    def add(self, op: Op, inputs: Sequence[str], part: str = "") -> str:
        """A new node of the layer; its output tensor, called after the layer, or after ``part`` of it."""
        name = self.unique(f"{self.label}/{part}" if part else self.label)
        node = Node(op, tuple(inputs), (name,), (name,))
        output = Tensor(name, (), DType.FLOAT32)
        view = View(node, tuple(self.tensors[n] if n else None for n in inputs), (output,))
        self.tensors[name] = replace(output, shape=op.output_shapes(view)[0])
        self.nodes.append(node)
        return name

    def at(self, value: Value, shape: Shape) -> str:
        """The tensor that holds ``value`` under ``shape``; views of it that exist already are used again."""
        if self.shape(value.tensor) == shape:
            return value.tensor
        key = (value.tensor, shape)
        if key not in self._reshapes:
            wanted = self.integers(f"{value.tensor}/shape", shape)
            self._reshapes[key] = self.add(Reshape(new_shape=shape), (value.tensor, wanted), "reshape")
        return self._reshapes[key]

    def plain(self, value: Value) -> str:
        """The tensor that holds ``value`` under its own shape."""
        return self.at(value, value.shape)

    def image(self, value: Value) -> str:
        """The tensor that holds a sequence (1,T,C) as (1,T,1,C), or an image as it is."""
        match value.shape:
            case (n, t, c):
                return self.at(value, (n, t, 1, c))
            case (_, _, _, _):
                return self.plain(value)
            case _:
                raise RefusedError(
                    "it works on an image or a sequence", "reshape its input to (steps, channels)", str(value.shape)
                )

    def unary(self, op: Op, value: Value, part: str = "") -> Value:
        """An elementwise op, under whatever shape the tensor has."""
        return Value(self.add(op, (value.tensor,), part), value.shape)

    def graph(self, name: str, outputs: Sequence[str], sha256: str = "") -> Graph:
        """The finished graph, without what no output needs and no input is."""
        graph = Graph(name, self.tensors, tuple(self.nodes), tuple(self.inputs), tuple(outputs), sha256)
        needed = set(outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if needed & set(node.outputs):
                kept.append(node)
                needed |= set(node.inputs)
        return graph.with_nodes(tuple(reversed(kept)))
