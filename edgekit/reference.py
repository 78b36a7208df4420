"""What the board's results are held against: the tflite-micro interpreter, else edgekit's own NumPy one."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit.frontends import tflite as reader
from edgekit.ir import interp
from edgekit.ir.graph import Array, Graph

_ARENA_BYTES = 1 << 20
_ARENA_PER_BYTE = 4


@dataclass(frozen=True)
class Reference:
    """``values`` gives the value of every tensor the model computes, by tensor name, for one sample."""

    name: str
    values: Callable[[Sequence[Array]], dict[str, Array]]


def make(graph: Graph, optimised: Graph, model: bytes | None) -> Reference:
    """The best reference there is for ``graph`` as it was read and for what the passes made of it, ``optimised``.

    ``model`` is the .tflite file that ``graph`` was read from, if any: it makes tflite-micro possible. Tensors keep
    all their channels, whatever the passes have removed. What a pass has added is not in the file and comes from
    the NumPy interpreter, which the name then says.
    """
    name, whole = "edgekit's NumPy interpreter", _numpy(graph)
    if model is not None and has_tflite_micro():
        name, whole = f"tflite-micro {importlib.metadata.version('tflite-micro')}", _tflite_micro(graph, model)
    added = [n for node in optimised.nodes for n in node.outputs if n not in graph.tensors]
    if not added:
        return Reference(name, whole)

    def values(inputs: Sequence[Array]) -> dict[str, Array]:
        new = interp.run(optimised, inputs)
        return whole(inputs) | {n: new[n] for n in added}

    return Reference(f"{name} (edgekit's interpreter for {len(added)} added tensors)", values)


def _numpy(graph: Graph) -> Callable[[Sequence[Array]], dict[str, Array]]:
    return lambda inputs: interp.run(graph, inputs)


def has_tflite_micro() -> bool:
    """Whether the tflite-micro interpreter is installed."""
    return importlib.util.find_spec("tflite_micro") is not None


def _tflite_micro(graph: Graph, model: bytes) -> Callable[[Sequence[Array]], dict[str, Array]]:
    """The interpreter with every layer's output kept."""
    runtime: Any = importlib.import_module("tflite_micro.python.tflite_micro.runtime")
    index = {name: i for i, name in enumerate(reader.tensor_names(model))}
    computed = [n for node in graph.nodes for n in node.outputs]
    arena = _ARENA_BYTES + _ARENA_PER_BYTE * sum(t.bytes for t in graph.tensors.values()) + len(model)
    interpreter = runtime.Interpreter.from_bytes(
        model,
        arena_size=arena,
        intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
    )

    def values(inputs: Sequence[Array]) -> dict[str, Array]:
        for i, array in enumerate(inputs):
            interpreter.set_input(array, i)
        interpreter.invoke()
        return {name: interpreter.GetTensor(index[name], 0)["tensor_data"] for name in computed}

    return values
