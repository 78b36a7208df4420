"""The rules every graph obeys; run after each Graph -> Graph arrow in tests and under ``--check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.errors import InternalError, Problem

if TYPE_CHECKING:
    from edgekit.ir.graph import Graph, Node, Tensor

MAX_RANK = 8
MAX_ELEMENTS = 1 << 31
# Ratios and products of three scales in this range are finite in float32, in which some kernels work them out.
MAX_SCALE = 2.0**40
MIN_ACTIVATION_SCALE = 2.0**-40


def verify(graph: Graph) -> None:
    """Check ``graph``.

    Raises:
        InternalError: with every problem found, if the graph breaks a rule.

    """
    found = problems(graph)
    if found:
        raise InternalError(*found)


def problems(graph: Graph) -> list[Problem]:
    """Everything that is wrong with ``graph``; shapes are only compared once the structure holds."""
    return structure_problems(graph) or [p for node in graph.nodes for p in layer_problems(graph, node)]


def structure_problems(graph: Graph) -> list[Problem]:
    """What is wrong with names, order and single tensors, whatever the ops are."""
    tensors = graph.tensors.values()
    return _names(graph) or [*_order(graph), *(p for t in tensors for p in (*tensor_problems(t), *_fineness(t)))]


def _fineness(tensor: Tensor) -> list[Problem]:
    """Activations have scales that kernels can divide by; those of constants may be as small as they like."""
    if tensor.data is not None or tensor.quant is None:
        return []
    smallest = min(tensor.quant.scale, default=MIN_ACTIVATION_SCALE)
    allowed = f"at least {MIN_ACTIVATION_SCALE:g}"
    fine = [Problem("its scale is too small", f"tensor '{tensor.name}'", str(smallest), allowed)]
    return fine if smallest < MIN_ACTIVATION_SCALE else []


def tensor_problems(tensor: Tensor) -> list[Problem]:
    """What is wrong with one tensor by itself: rank, sizes, constant data, quantisation."""
    found: list[Problem] = []

    def wrong(what: str, got: object, allowed: str) -> None:
        found.append(Problem(what, f"tensor '{tensor.name}'", str(got), allowed))

    if len(tensor.shape) > MAX_RANK:
        wrong("it has too many dimensions", len(tensor.shape), f"at most {MAX_RANK}")
    elif any(not 1 <= d < MAX_ELEMENTS for d in tensor.shape) or tensor.elements >= MAX_ELEMENTS:
        wrong(
            "its size is out of range",
            tensor.shape,
            f"each dimension at least 1, below {MAX_ELEMENTS} elements",
        )
    if tensor.data is not None:
        if tuple(tensor.data.shape) != tensor.shape:
            wrong("its data has another shape", tensor.data.shape, str(tensor.shape))
        if tensor.data.dtype != tensor.dtype.numpy:
            wrong("its data has another type", tensor.data.dtype, tensor.dtype.value)
        if tensor.data.flags.writeable:
            wrong("its data can be changed", "a writeable array", "a read-only array")
    quant = tensor.quant
    if quant is not None:
        if not quant.scale or len(quant.scale) != len(quant.zero_point):
            wrong(
                "scales and zero points do not pair up",
                f"{len(quant.scale)}, {len(quant.zero_point)}",
                "as many",
            )
        elif quant.per_channel and (
            not 0 <= quant.axis < len(tensor.shape) or tensor.shape[quant.axis] != len(quant.scale)
        ):
            wrong("its scales do not match the dimension they run along", len(quant.scale), f"axis {quant.axis}")
        if not all(0 < s <= MAX_SCALE for s in quant.scale):
            wrong("a scale is out of range", max(quant.scale), f"above 0, at most {MAX_SCALE:g}")
        if not all(_in_range(z, tensor) for z in quant.zero_point):
            wrong(
                "a zero point is out of range",
                max(quant.zero_point, key=abs),
                f"a value of {tensor.dtype.value}",
            )
    return found


def layer_problems(graph: Graph, node: Node) -> list[Problem]:
    """Where the outputs of a layer do not have the shapes its op makes of the inputs."""
    view = graph.view(node)
    shapes = node.op.output_shapes(view)
    if len(shapes) != len(node.outputs):
        return [Problem("it makes another number of outputs", _layer(node), str(len(node.outputs)), str(len(shapes)))]
    return [
        Problem(f"its output '{t.name}' has the wrong shape", _layer(node), str(t.shape), str(shape))
        for t, shape in zip(view.outputs, shapes, strict=True)
        if t.shape != shape
    ]


def _in_range(zero_point: int, tensor: Tensor) -> bool:
    bits = 8 * tensor.dtype.size
    low = 0 if tensor.dtype.value.startswith("uint") else -(1 << (bits - 1))
    return low <= zero_point < low + (1 << bits)


def _names(graph: Graph) -> list[Problem]:
    """Names that are used but not defined, and an interface that is empty."""
    used = {n for node in graph.nodes for n in (*node.inputs, *node.outputs) if n} | {
        *graph.inputs,
        *graph.outputs,
    }
    found = [Problem("it is used but not defined", f"tensor '{n}'") for n in sorted(used - set(graph.tensors))]
    found += [Problem("its name differs from its key", f"tensor '{k}'", t.name) for k, t in _misnamed(graph)]
    if not graph.inputs or not graph.outputs:
        found.append(Problem("the model needs an input and an output", graph.name))
    if len(set(graph.inputs)) != len(graph.inputs):
        found.append(Problem("a model input is listed twice", graph.name, ", ".join(graph.inputs)))
    return found


def _misnamed(graph: Graph) -> list[tuple[str, Tensor]]:
    return [(k, t) for k, t in graph.tensors.items() if k != t.name]


def _order(graph: Graph) -> list[Problem]:
    """Static single assignment: every value is made once, before it is used."""
    constants = {n for n, t in graph.tensors.items() if t.data is not None}
    known = {*graph.inputs, *constants}
    found = [Problem("a model input is a constant", f"tensor '{n}'") for n in graph.inputs if n in constants]
    for node in graph.nodes:
        if not node.outputs:
            found.append(Problem("it has no output", _layer(node)))
        found += [
            Problem(f"it reads '{n}' before any layer makes it", _layer(node), hint="the layers are not in order")
            for n in node.inputs
            if n and n not in known
        ]
        for name in node.outputs:
            if name in known:
                found.append(Problem(f"it makes '{name}', which exists already", _layer(node)))
            known.add(name)
    found += [Problem("no layer makes this model output", f"tensor '{n}'") for n in graph.outputs if n not in known]
    return found


def _layer(node: Node) -> str:
    return f"layer '{node.name}'"
