"""A graph as text, one line a layer: what ``edgekit dump`` shows after any pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import numpy as np

from edgekit.ir.graph import Graph, Tensor, View


def dump(graph: Graph) -> str:
    """The whole graph; equal graphs give equal text; constants are shown by type, shape and range.

    Names that a converter made of those of several layers are shortened as ``short_names`` has them.
    """
    names = short_names(graph)
    shown = replace(graph, tensors={k: replace(t, name=names[k]) for k, t in graph.tensors.items()})
    return "\n".join(_lines(shown)) + "\n"


def short_names(graph: Graph) -> dict[str, str]:
    """What each tensor is called in a dump; no two have the same name."""
    made: dict[str, tuple[str, int, int]] = {}
    for node in graph.nodes:
        for k, name in enumerate(node.inputs):
            if name and graph.tensors[name].data is not None:
                made.setdefault(name, (f"{node.name}.input{k}", 0, 1))
        made |= {name: (node.name, k, len(node.outputs)) for k, name in enumerate(node.outputs)}
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in graph.tensors:
        short = short_name(name, *made.get(name, ("", 0, 1)))
        found[name] = name if short in taken or (short != name and short in graph.tensors) else short
        taken.add(found[name])
    return found


def short_name(tensor: str, maker: str = "", index: int = 0, outputs: int = 1) -> str:
    """A tensor's name, or where that is a path or made of several that of the layer whose output ``index`` it is."""
    if not maker or not any(c in tensor for c in "/;"):
        return tensor.rpartition(";")[2]
    return maker if outputs == 1 else f"{maker}.{index}"


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
