"""Read a .tflite file into a Graph, trusting nothing in it.

Raises ModelError for a file that is damaged or contradicts itself and UnsupportedError, with every reason at once,
for a sound model that edgekit cannot generate.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import tflite

from edgekit import ops
from edgekit.errors import ModelError, Problem, UnsupportedError
from edgekit.files import read_at_most
from edgekit.frontends import acceptance
from edgekit.frontends.layer_names import layer_names, printable, unique
from edgekit.ir import verify
from edgekit.ir.graph import Array, DType, Graph, Node, QuantParams, Tensor
from edgekit.ops.base import Op

_IDENTIFIER = b"TFL3"
_HEADER = 8
_VERSION = 3
_ABSENT = -1
_AGAIN = "copy or convert the model again"
_MAX_NAME = 4096
_MAX_BYTES = 1 << 30
# A sound file does not describe much more than it holds; entries may be shared, but not without end.
_BUDGET_PER_BYTE = 4
_DTYPES = {
    tflite.TensorType.INT8: DType.INT8,
    tflite.TensorType.UINT8: DType.UINT8,
    tflite.TensorType.INT16: DType.INT16,
    tflite.TensorType.INT32: DType.INT32,
    tflite.TensorType.INT64: DType.INT64,
    tflite.TensorType.FLOAT32: DType.FLOAT32,
    tflite.TensorType.BOOL: DType.BOOL,
}
# What flatbuffers' accessors and NumPy raise when an offset or a length points outside the file.
_DAMAGE = (
    struct.error,
    IndexError,
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
    AttributeError,
    KeyError,
)


def read(source: Path | str | bytes) -> Graph:
    """The model in a file or in bytes.

    Raises:
        ModelError: the file is missing, damaged or contradicts itself.
        UnsupportedError: every op, type or attribute edgekit cannot generate.

    """
    data, where = _load(source)
    if len(data) < _HEADER or data[4:_HEADER] != _IDENTIFIER:
        raise ModelError(
            Problem(
                "this is not a .tflite file",
                where,
                f"{len(data)} bytes, identifier {data[4:_HEADER]!r}",
                f"identifier {_IDENTIFIER!r}",
                "give a file that TensorFlow Lite's converter wrote",
            )
        )
    try:
        graph, unsupported, unfit = _Reader(data, where).graph()
    except _DAMAGE as error:
        outside = Problem(
            "the file is damaged: an offset or a length in it is wrong",
            where,
            f"{type(error).__name__}: {error}",
            hint=_AGAIN,
        )
        raise ModelError(outside) from error
    acceptance.check(graph, unsupported, unfit)
    return graph


def tensor_names(data: bytes) -> list[str]:
    """The name ``read`` gives each tensor of the file, by tensor index."""
    return _Reader(data, "model").names


def _load(source: Path | str | bytes) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, "model"
    path = Path(source)
    try:
        return read_at_most(path, _MAX_BYTES), path.name
    except OSError as error:
        hint = "Give the path of a .tflite file that can be read."
        raise ModelError(Problem(f"the file cannot be read: {error.strerror}", str(path), hint=hint)) from error


def _damaged(where: str, why: str) -> Problem:
    return Problem(f"the file is damaged: {why}", where, hint=_AGAIN)


@dataclass(frozen=True)
class _Layer:
    """An operator as the file has it: its op's name, its class if edgekit has one, tensor indices."""

    table: Any
    name: str
    kind: type[Op] | None
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class _Reader:
    """One reading of one file."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        self.budget = _BUDGET_PER_BYTE * len(data)
        self.model: Any = tflite.Model.GetRootAs(data, 0)
        if self.model.Version() != _VERSION:
            self.fail(f"it has schema version {self.model.Version()}, not {_VERSION}")
        if self.count(self.model.SubgraphsLength()) != 1:
            many = self.model.SubgraphsLength()
            raise UnsupportedError(
                Problem(
                    "the model has more or less than one subgraph",
                    where,
                    str(many),
                    "1",
                    "remove control flow",
                )
            )
        self.subgraph: Any = self.model.Subgraphs(0)
        count = self.count(self.subgraph.TensorsLength())
        self.tables: list[Any] = [self.subgraph.Tensors(i) for i in range(count)]
        self.names = unique(self.tensor_name(i, t) for i, t in enumerate(self.tables))

    def graph(self) -> tuple[Graph, list[Problem], set[str]]:
        """The model, what of it edgekit does not have, and the tensors that only stand for such ones."""
        layers = self.layers()
        labels = layer_names((layer.name, self.names[layer.outputs[0]]) for layer in layers)
        unsupported = [*self.unknown_ops(layers, labels), *self.unknown_tensors(layers, labels)]
        tensors, unfit = self.tensors(layers, refused=bool(unsupported))
        nodes = tuple(self.node(layer, label) for layer, label in zip(layers, labels, strict=True))
        inputs = tuple(self.names[i] for i in self.indices(self.subgraph.InputsAsNumpy(), len(self.names)))
        outputs = tuple(self.names[i] for i in self.indices(self.subgraph.OutputsAsNumpy(), len(self.names)))
        used = {n for node in nodes for n in (*node.inputs, *node.outputs)} | {*inputs, *outputs}
        graph = Graph(
            name=Path(self.where).stem,
            tensors={k: t for k, t in tensors.items() if k in used},
            nodes=nodes,
            inputs=inputs,
            outputs=outputs,
            sha256=hashlib.sha256(self.data).hexdigest(),
        )
        return graph, unsupported, unfit

    # The file's tables ----------------------------------------------------------------------------------------

    def fail(self, why: str) -> None:
        """Refuse the file as damaged."""
        raise ModelError(_damaged(self.where, why))

    def count(self, length: int) -> int:
        """The length of a vector, charged to the budget that bounds the work on a hostile file."""
        self.budget -= length
        if self.budget < 0:
            self.fail("it describes more than it holds")
        return length

    def vector(self, array: Any) -> Array:
        """A vector of numbers as the accessors give it: 0 when absent."""
        values = np.atleast_1d(np.asarray(array)) if not isinstance(array, int) else np.empty(0, np.int32)
        self.count(values.size)
        return values

    def indices(self, array: Any, end: int, low: int = 0) -> tuple[int, ...]:
        """A vector of tensor indices, each in [low, end)."""
        values = tuple(int(i) for i in self.vector(array))
        for index in values:
            if not low <= index < end:
                self.fail(f"tensor index {index} is not one of {end}")
        return values

    def tensor_name(self, index: int, table: Any) -> str:
        """A printable name, bounded in length."""
        raw: bytes = table.Name() or b""
        if self.count(len(raw)) > _MAX_NAME:
            self.fail(f"tensor {index} has a name of {len(raw)} bytes")
        return printable(raw) or f"tensor_{index}"

    def layers(self) -> list[_Layer]:
        """The operators with their ops looked up."""
        codes: list[Any] = [self.model.OperatorCodes(i) for i in range(self.count(self.model.OperatorCodesLength()))]
        count = self.count(self.subgraph.OperatorsLength())
        if not count:
            self.fail("it has no layers")
        return [self.layer(self.subgraph.Operators(i), codes) for i in range(count)]

    def layer(self, table: Any, codes: list[Any]) -> _Layer:
        """One operator; the newer field of its code wins when it is larger, as in TensorFlow Lite."""
        index = table.OpcodeIndex()
        if index >= len(codes):
            self.fail(f"operator code {index} is not one of {len(codes)}")
        builtin = max(codes[index].BuiltinCode(), codes[index].DeprecatedBuiltinCode())
        name = _op_names().get(builtin, f"op {builtin}")
        if name == "CUSTOM":
            name = f"CUSTOM {printable((codes[index].CustomCode() or b'')[:64])}"
        end = len(self.names)
        outputs = self.indices(table.OutputsAsNumpy(), end)
        if not outputs:
            self.fail(f"a {name} has no output")
        return _Layer(table, name, ops.BY_NAME.get(name), self.indices(table.InputsAsNumpy(), end, _ABSENT), outputs)

    def unknown_ops(self, layers: list[_Layer], labels: list[str]) -> list[Problem]:
        """Every layer whose op edgekit does not have."""
        return [
            Problem(
                f"{layer.name} is not supported",
                f"layer '{label}'",
                hint="`edgekit ops` lists what is; replace the layer or convert it to supported ones",
            )
            for layer, label in zip(layers, labels, strict=True)
            if layer.kind is None
        ]

    def unknown_tensors(self, layers: list[_Layer], labels: list[str]) -> list[Problem]:
        """Every layer that meets a tensor of a kind edgekit does not have."""
        found: list[Problem] = []
        for layer, label in zip(layers, labels, strict=True):
            for index in (*layer.inputs, *layer.outputs):
                reason = "" if index == _ABSENT else _unsupported(self.tables[index])
                if reason:
                    found.append(
                        Problem(
                            f"tensor '{self.names[index]}' {reason}",
                            f"layer '{label}'",
                            allowed=", ".join(d.value for d in DType),
                            hint="convert the model to int8 with static shapes",
                        )
                    )
        return found

    def tensors(self, layers: list[_Layer], *, refused: bool) -> tuple[dict[str, Tensor], set[str]]:
        """Every tensor by name. In a model that is refused anyway others stand for those that cannot be held."""
        computed = {i for layer in layers for i in layer.outputs}
        computed |= set(self.indices(self.subgraph.InputsAsNumpy(), len(self.names)))
        found: dict[str, Tensor] = {}
        unfit: set[str] = set()
        for i, (name, table) in enumerate(zip(self.names, self.tables, strict=True)):
            if not _unsupported(table):
                try:
                    found[name] = self.tensor(name, table)
                except ModelError:
                    if not refused:
                        raise
            if name not in found:
                unfit.add(name)
                found[name] = acceptance.stand_in(name, is_constant=i not in computed)
        return found, unfit

    def tensor(self, name: str, table: Any) -> Tensor:
        """One tensor with its constant data, if any; ``verify`` checks what it says."""
        dtype = _DTYPES.get(table.Type(), DType.INT8)
        shape = tuple(int(d) for d in self.vector(table.ShapeAsNumpy()))
        bare = Tensor(name, shape, dtype, self.quant(table.Quantization()))
        bad = verify.tensor_problems(bare)
        if bad:
            raise ModelError(*bad)
        raw = self.buffer(table.Buffer())
        if not raw.size:
            return bare
        if raw.size != bare.bytes:
            self.fail(f"constant '{name}' has {raw.size} bytes, its shape {shape} needs {bare.bytes}")
        data = np.frombuffer(raw.tobytes(), dtype.numpy).reshape(shape)
        return Tensor(name, shape, dtype, bare.quant, data)

    def buffer(self, index: int) -> Array:
        """The bytes of a buffer, empty if it holds none."""
        if index >= self.model.BuffersLength():
            self.fail(f"buffer {index} is not one of {self.model.BuffersLength()}")
        table: Any = self.model.Buffers(index)
        if table.Offset() > 1:
            self.fail("its constants lie outside the FlatBuffer")
        return self.vector(table.DataAsNumpy()).view(np.uint8)

    def quant(self, table: Any) -> QuantParams | None:
        """The quantisation of a tensor; None without scales."""
        if table is None or not table.ScaleLength():
            return None
        scale = self.vector(table.ScaleAsNumpy())
        zero = self.vector(table.ZeroPointAsNumpy())
        zeros = zero if zero.size else np.zeros(scale.size, np.int64)
        return QuantParams(tuple(float(s) for s in scale), tuple(int(z) for z in zeros), table.QuantizedDimension())

    def node(self, layer: _Layer, label: str) -> Node:
        """A layer as a Node: its options become the fields of its op."""
        return Node(
            op=self.op(layer, layer.kind, label) if layer.kind is not None else acceptance.Unknown(),
            inputs=tuple("" if i == _ABSENT else self.names[i] for i in layer.inputs),
            outputs=tuple(self.names[i] for i in layer.outputs),
            origin=(label,),
        )

    def op(self, layer: _Layer, kind: type[Op], label: str) -> Op:
        """The op of a layer with its fields read from the options table."""
        if not kind.OPTIONS:
            return kind()
        expected = getattr(tflite.BuiltinOptions, kind.OPTIONS_TABLE)
        found = layer.table.BuiltinOptionsType()
        if found not in (expected, tflite.BuiltinOptions.NONE):
            self.fail(f"layer '{label}' is a {layer.name} with options of type {found}, not {expected}")
        options = _empty_options(kind.OPTIONS_TABLE)
        union: Any = layer.table.BuiltinOptions()
        if found == expected and union is not None:
            options.Init(union.Bytes, union.Pos)
        values: dict[str, Any] = {}
        for option in kind.OPTIONS:
            raw = self.option(options, option.tflite)
            try:
                values[option.attribute] = option.kind(raw)
            except ValueError as error:
                raise ModelError(_damaged(self.where, f"layer '{label}', {option.attribute}: {error}")) from error
        return kind(**values)

    def option(self, options: Any, accessor: str) -> Any:
        """The raw value of an options field; a vector comes as a tuple."""
        if hasattr(options, f"{accessor}AsNumpy"):
            return tuple(int(v) for v in self.vector(getattr(options, f"{accessor}AsNumpy")()))
        return getattr(options, accessor)()


@cache
def _op_names() -> dict[int, str]:
    return {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int) and not k.startswith("_")}


def _empty_options(table: str) -> Any:
    """An options table with every field at the schema's default."""
    builder = flatbuffers.Builder(64)
    builder.StartObject(0)
    builder.Finish(builder.EndObject())
    kind: Any = getattr(tflite, table)
    return kind.GetRootAs(bytes(builder.Output()), 0)


def _unsupported(table: Any) -> str:
    """Why edgekit cannot hold a tensor; empty if it can."""
    if table.Type() not in _DTYPES:
        names = {v: k for k, v in vars(tflite.TensorType).items() if isinstance(v, int)}
        return f"has type {names.get(table.Type(), table.Type())}"
    if table.IsVariable():
        return "keeps its value between inferences"
    if table.Sparsity() is not None:
        return "is stored sparsely"
    return ""
