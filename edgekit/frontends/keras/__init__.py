# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""Read a Keras 3 model, Sequential or functional, into a float Graph: its layers and weights, no converter between.

The graph has batch 1 and float32 tensors; constants are the trained weights. What it computes is what Keras computes,
within the rounding of float32. Raises UnsupportedError with every layer edgekit does not have at once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgekit.errors import MissingToolError, ModelError, Problem, UnsupportedError
from edgekit.frontends.keras import activations, shapes, weighted
from edgekit.frontends.keras.builder import Builder, Handler, RefusedError, Value
from edgekit.frontends.keras.functions import HANDLERS as FUNCTIONS
from edgekit.frontends.keras.walk import functional, leaves, replaced
from edgekit.ir import verify
from edgekit.ir.graph import Graph, Shape

SUFFIXES = (".keras", ".h5", ".hdf5")
"""Files this frontend reads."""

LAYERS: Mapping[str, Handler] = {**weighted.HANDLERS, **shapes.HANDLERS, **activations.HANDLERS}
"""Every Keras layer edgekit has, by class name."""

_ADVICE = {
    "LayerNormalization": "use BatchNormalization, which costs nothing at inference",
    "GroupNormalization": "use BatchNormalization, which costs nothing at inference",
    "UnitNormalization": "use BatchNormalization, which costs nothing at inference",
    "Embedding": "feed the model with the embedded vectors",
    "Lambda": "write it with Keras layers: its Python code cannot be read",
    "TFSMLayer": "give the Keras model itself",
    "LSTM": "use convolutions over time (Conv1D)",
    "GRU": "use convolutions over time (Conv1D)",
    "SimpleRNN": "use convolutions over time (Conv1D)",
    "Bidirectional": "use convolutions over time (Conv1D)",
    "Conv3D": "fold one dimension into the channels",
    "MultiHeadAttention": "use convolutions over time (Conv1D)",
}
_GENERAL = "replace it, or cut the model before it and do this part in your own code"


def read(source: Any) -> Graph:
    """The float graph of a ``.keras`` or ``.h5`` file or of a Keras model object.

    Raises:
        ModelError: the file is missing or Keras cannot load it.
        UnsupportedError: every layer edgekit does not have, with what to do about it.
        MissingToolError: Keras is not installed.
    """
    return read_layers(source)[0]


def read_layers(source: Any) -> tuple[Graph, dict[str, Value]]:
    """The graph, unpruned of nothing but dead layers, and where each layer's output is, by layer name."""
    if isinstance(source, Path | str):
        path = Path(source)
        model, name, sha256 = _loaded(path), path.stem, hashlib.sha256(path.read_bytes()).hexdigest()
    else:
        model, name, sha256 = source, str(getattr(source, "name", "model")), ""
    reader = _Reader()
    graph = reader.model(model, name, sha256)
    wrong = verify.problems(graph)
    if wrong:
        raise ModelError(*wrong)
    return graph, reader.made


def _loaded(path: Path) -> Any:
    """The model in a file."""
    if not path.is_file():
        hint = "Give the path of a .keras or .h5 file that can be read."
        raise ModelError(Problem("the model cannot be read: there is no such file", str(path), hint=hint))
    if importlib.util.find_spec("keras") is None:
        raise MissingToolError(
            Problem(
                "Keras is not installed, and only Keras reads its files",
                path.name,
                hint="pip install 'edgekit[tensorflow]'",
            )
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from keras.models import load_model  # noqa: PLC0415  (heavy: only here)

        return load_model(path, compile=False)
    except ImportError as error:
        hint = "pip install 'edgekit[tensorflow]'"
        raise MissingToolError(Problem(f"Keras does not start: {error}", path.name, hint=hint)) from error
    except (ValueError, TypeError, OSError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        hint = "save it again with model.save('model.keras'); with layers of your own pass the model object to edgekit"
        raise ModelError(Problem(f"Keras cannot load it: {said}", path.name, hint=hint)) from error


class _Reader:
    """One reading of one model."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.problems: list[Problem] = []
        self.made: dict[str, Value] = {}

    def model(self, model: Any, name: str, sha256: str) -> Graph:
        """The graph of the whole model."""
        model = functional(model)
        inputs = [self.builder.input(*named) for named in self.inputs(model)]
        outputs = self.nested(model, inputs, "")
        if self.problems:
            raise UnsupportedError(*self.problems)
        self.builder.label = "output"
        return self.builder.graph(name, [self.builder.plain(v) for v in outputs], sha256)

    def inputs(self, model: Any) -> list[tuple[str, Shape]]:
        """The names of the model's inputs with their shapes at batch 1."""
        found: list[tuple[str, Shape]] = []
        for tensor in model.inputs:
            shape = tuple(tensor.shape)[1:]
            if None in shape:
                self.problems.append(
                    Problem(
                        "its size is open",
                        f"input '{_input_name(tensor)}'",
                        str(tuple(tensor.shape)),
                        hint="give keras.Input the full shape: firmware has fixed sizes",
                    )
                )
            found.append((_input_name(tensor), (1, *(1 if n is None else int(n) for n in shape))))
        return found

    def nested(self, model: Any, inputs: list[Value], scope: str) -> list[Value]:
        """Outputs of a functional model for ``inputs``; its layers are called ``scope`` + name."""
        values = {id(t): v for t, v in zip(model.inputs, inputs, strict=True)}
        for depth in sorted(model._nodes_by_depth, reverse=True):  # noqa: SLF001  (the only way to a model's calls)
            for node in model._nodes_by_depth[depth]:  # noqa: SLF001
                if not node.is_input:
                    self.call(node, values, scope)
        return [values[id(t)] for t in model.outputs]

    def call(self, node: Any, values: dict[int, Value], scope: str) -> None:
        """One call of a layer, of a nested model or of a function of ``keras.ops``."""
        operation = node.operation
        label = self.label(f"{scope}{operation.name}")
        made: list[Value] = []
        try:
            arguments = replaced((node.arguments.args, node.arguments.kwargs), values)
            if hasattr(operation, "layers") and hasattr(operation, "inputs"):
                inner = functional(operation)
                made = self.nested(inner, [a for a in leaves(arguments[0]) if isinstance(a, Value)], f"{label}/")
            else:
                self.builder.label = label
                made = [self.layer(operation, arguments)]
        except RefusedError as refused:
            kind = type(operation).__name__
            self.problems.append(
                Problem(f"{kind}: {refused.reason}", f"layer '{label}'", refused.found, hint=refused.hint)
            )
            shapes = [tuple(1 if n is None else n for n in t.shape) for t in node.outputs]
            made = [self.builder.stand_in(shape) for shape in shapes]
        self.made[label] = made[0]
        for tensor, value in zip(node.outputs, made, strict=True):
            values[id(tensor)] = value

    def label(self, name: str) -> str:
        """``name``, with a number behind it if the layer was called before."""
        candidate, number = self.builder.unique(name), 2
        while candidate in self.made:
            candidate, number = f"{name}_{number}", number + 1
        return candidate

    def layer(self, layer: Any, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> Value:
        """Add a layer's nodes."""
        kind, home = type(layer).__name__, type(layer).__module__
        args, kwargs = arguments
        if not home.startswith("keras."):
            raise RefusedError("it is a layer of your own", "build it from Keras' own layers; its code cannot be read")
        if ".ops." in home:
            function = FUNCTIONS.get(kind)
            if function is None:
                raise RefusedError("this function is not supported", _GENERAL)
            return function(self.builder, args, kwargs)
        handler = LAYERS.get(kind)
        if handler is None:
            raise RefusedError("it is not supported", _ADVICE.get(kind, _GENERAL))
        if any(isinstance(a, Value) for a in (*leaves(args[1:]), *leaves(kwargs))):
            raise RefusedError("it is called with more than its input", "leave masks and states away")
        inputs = [a for a in leaves(args[:1]) if isinstance(a, Value)]
        return handler(self.builder, layer, inputs)


def _input_name(tensor: Any) -> str:
    """The name its user gave a model input."""
    history = getattr(tensor, "_keras_history", None)
    return str(history.operation.name if history is not None else tensor.name)
