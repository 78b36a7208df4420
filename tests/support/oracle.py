"""The oracle: the tflite-micro interpreter, which keeps the output of every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflite_micro.python.tflite_micro import runtime

from edgekit.frontends import tflite as reader

if TYPE_CHECKING:
    from edgekit.ir.graph import Array, Graph

_MIN_ARENA = 1 << 20


class Oracle:
    """A model loaded once into tflite-micro; ``run`` as often as needed."""

    def __init__(self, model: bytes) -> None:
        self.graph: Graph = reader.read(model)
        self._indices = {name: i for i, name in enumerate(reader.tensor_names(model))}
        arena = _MIN_ARENA + 4 * sum(t.bytes for t in self.graph.tensors.values()) + len(model)
        self._interpreter = runtime.Interpreter.from_bytes(
            model,
            arena_size=arena,
            intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
        )

    def run(self, inputs: list[Array]) -> dict[str, Array]:
        """The output of every layer, by tensor name."""
        for i, array in enumerate(inputs):
            self._interpreter.set_input(array, i)
        self._interpreter.invoke()
        made = [name for node in self.graph.nodes for name in node.outputs]
        return {name: self._interpreter.GetTensor(self._indices[name], 0)["tensor_data"] for name in made}
