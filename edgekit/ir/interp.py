"""NumPy interpreter: the oracle of every later stage and the calibrator's engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import DataError, InternalError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.ir.graph import Array, Graph, Tensor

_ABSENT = np.empty(0, np.int8)


def run(graph: Graph, inputs: Sequence[Array]) -> dict[str, Array]:
    """Every tensor's value by name, for ``inputs`` in the graph's order; int8 exact, float32 as NumPy has it.

    Raises:
        DataError: if an input's number, shape or type does not fit the model.

    """
    values = {name: t.data for name, t in graph.tensors.items() if t.data is not None}
    values.update(_checked(graph, inputs))
    for view in graph.views():
        node = view.node
        results = node.op.evaluate(view, [values[n] if n else _ABSENT for n in node.inputs])
        for tensor, result in zip(view.outputs, results, strict=True):
            if tuple(result.shape) != tensor.shape or result.dtype != tensor.dtype.numpy:
                raise InternalError(
                    Problem(
                        "the reference gives another shape or type than the graph promises",
                        f"layer '{node.name}'",
                        f"{result.dtype} {result.shape}",
                        f"{tensor.dtype.value} {tensor.shape}",
                    )
                )
            values[tensor.name] = result
    return values


def outputs(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """The model outputs for ``inputs``, in the order of ``graph.outputs``."""
    values = run(graph, inputs)
    return [values[name] for name in graph.outputs]


def _checked(graph: Graph, inputs: Sequence[Array]) -> dict[str, Array]:
    if len(inputs) != len(graph.inputs):
        raise DataError(Problem("wrong number of inputs", graph.name, str(len(inputs)), str(len(graph.inputs))))
    tensors = [graph.tensors[name] for name in graph.inputs]
    wrong = [p for t, a in zip(tensors, inputs, strict=True) if (p := _misfit(t, a)) is not None]
    if wrong:
        raise DataError(*wrong)
    return dict(zip(graph.inputs, inputs, strict=True))


def _misfit(tensor: Tensor, array: Array) -> Problem | None:
    if tuple(array.shape) == tensor.shape and array.dtype == tensor.dtype.numpy:
        return None
    return Problem(
        "the data does not fit the input",
        f"input '{tensor.name}'",
        f"{array.dtype} {tuple(array.shape)}",
        f"{tensor.dtype.value} {tensor.shape}",
    )
