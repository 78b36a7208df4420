"""A graph as text, one line a layer: what ``edgekit dump`` shows after any pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np

from edgekit.ir.graph import Graph, Tensor, View


def dump(graph: Graph) -> str:
    """The whole graph; equal graphs give equal text; constants are shown by type, shape and range."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield f"graph {graph.name}  {len(graph.nodes)} layers  {graph.macs:,} MACs"
    for kind, names in (("input", graph.inputs), ("output", graph.outputs)):
        for name in names:
            yield f"{kind} {_tensor(graph.tensors[name])}"
    for number, view in enumerate(graph.views()):
        yield from _layer(number, view)


def _layer(number: int, view: View) -> Iterator[str]:
    op = view.node.op
    values = ""
    if is_dataclass(op):
        values = ", ".join(f"{f.name}={_value(getattr(op, f.name))}" for f in fields(op))
    yield f"{number:3} {op.NAME} '{view.node.name}' ({values})"
    if len(view.node.origin) > 1:
        yield f"      from  {', '.join(view.node.origin)}"
    for tensor in view.inputs:
        yield f"      reads {_tensor(tensor) if tensor else 'nothing'}"
    for tensor in view.outputs:
        yield f"      makes {_tensor(tensor)}"


def _value(value: object) -> str:
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else str(value)


def _tensor(tensor: Tensor) -> str:
    shape = "x".join(str(d) for d in tensor.shape) or "scalar"
    text = f"{tensor.name}: {tensor.dtype.value} {shape}"
    quant = tensor.quant
    if quant is not None and quant.per_channel:
        text += f" scales {min(quant.scale):.6g} to {max(quant.scale):.6g} along {quant.axis}"
    elif quant is not None:
        text += f" scale {quant.scale[0]:.9g} zero {quant.zero_point[0]}"
    if tensor.data is not None:
        low, high = (np.min(tensor.data), np.max(tensor.data)) if tensor.data.size else (0, 0)
        text += f" constant in [{low}, {high}]"
    return text
