# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""The calls of a Keras model's layers, in order, those of nested models and of shared layers each time they happen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from edgekit.errors import Problem, UnsupportedError

Visitor = Callable[[Any, Any, tuple[tuple[Any, ...], dict[str, Any]]], Sequence[Any]]
"""Makes the outputs of one call: the layer or function, Keras' node, arguments with values in place of tensors."""


def walk(model: Any, inputs: Sequence[Any], visit: Visitor) -> list[Any]:
    """The model's outputs, whatever ``visit`` makes of each call; ``inputs`` are values of the same kind.

    Raises:
        UnsupportedError: a subclassed or unbuilt model.
    """
    inner = functional(model)
    values = {id(t): v for t, v in zip(inner.inputs, inputs, strict=True)}
    for depth in sorted(inner._nodes_by_depth, reverse=True):  # noqa: SLF001  (the only way to a model's calls)
        for node in inner._nodes_by_depth[depth]:  # noqa: SLF001
            if node.is_input:
                continue
            arguments = replaced((node.arguments.args, node.arguments.kwargs), values)
            operation = node.operation
            if hasattr(operation, "layers") and hasattr(operation, "inputs"):
                given = [replaced(t, values) for t in node.input_tensors]
                made: Sequence[Any] = walk(operation, given, visit)
            else:
                made = visit(operation, node, arguments)
            for tensor, value in zip(node.outputs, made, strict=True):
                values[id(tensor)] = value
    return [values[id(t)] for t in inner.outputs]


def functional(model: Any) -> Any:
    """The functional model in ``model``: itself, or what a Sequential has built.

    Raises:
        UnsupportedError: a subclassed or unbuilt model, whose layers cannot be seen.
    """
    inner = getattr(model, "_functional", None) if type(model).__name__ == "Sequential" else model
    if inner is not None and hasattr(inner, "_nodes_by_depth"):
        return inner
    name = str(getattr(model, "name", type(model).__name__))
    if type(model).__name__ == "Sequential":
        problem = Problem("the model is not built", f"model '{name}'", hint="start it with keras.Input(shape=...)")
    else:
        hint = "build it as Sequential or with keras.Model(inputs, outputs); its call() is Python code"
        problem = Problem("its layers cannot be seen", f"model '{name}'", type(model).__name__, hint=hint)
    raise UnsupportedError(problem)


def replaced(tree: Any, values: Mapping[int, Any]) -> Any:
    """A nest of arguments with the values in place of their Keras tensors."""
    if id(tree) in values:
        return values[id(tree)]
    if isinstance(tree, dict):
        return {k: replaced(v, values) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(replaced(v, values) for v in tree)
    return tree


def leaves(tree: Any) -> Iterable[Any]:
    """What a nest of lists, tuples and dicts holds."""
    if isinstance(tree, dict):
        for key in sorted(tree):
            yield from leaves(tree[key])
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from leaves(item)
    else:
        yield tree
