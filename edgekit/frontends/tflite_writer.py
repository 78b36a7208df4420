"""Write a Graph as a .tflite file; generic through each op's ``OPTIONS``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import flatbuffers
import numpy as np
import tflite

from edgekit.ir.graph import DType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.ir.graph import Array, Graph, Node, QuantParams, Tensor
    from edgekit.ops.base import Op

_IDENTIFIER = b"TFL3"
_VERSION = 3
_ALIGN = 16
# Codes above this do not fit the old one-byte field, which then holds this placeholder.
_PLACEHOLDER = 127
_TYPES = {
    DType.INT8: tflite.TensorType.INT8,
    DType.UINT8: tflite.TensorType.UINT8,
    DType.INT16: tflite.TensorType.INT16,
    DType.INT32: tflite.TensorType.INT32,
    DType.INT64: tflite.TensorType.INT64,
    DType.FLOAT32: tflite.TensorType.FLOAT32,
    DType.BOOL: tflite.TensorType.BOOL,
}


def write(graph: Graph) -> bytes:
    """The bytes of a .tflite file; tensors keep the order of ``graph.tensors``, so an index is a position there."""
    b = flatbuffers.Builder(1024)
    index = {name: i for i, name in enumerate(graph.tensors)}
    names = sorted({node.op.NAME for node in graph.nodes})
    buffers = _buffers(b, graph)
    tensors = [_tensor(b, t, i + 1 if t.data is not None else 0) for i, t in enumerate(graph.tensors.values())]
    operators = [_operator(b, node, index, names.index(node.op.NAME)) for node in graph.nodes]
    subgraph = _table(
        b,
        "SubGraph",
        Tensors=_offsets(b, tensors),
        Inputs=_numbers(b, [index[n] for n in graph.inputs]),
        Outputs=_numbers(b, [index[n] for n in graph.outputs]),
        Operators=_offsets(b, operators),
        Name=b.CreateString("main"),
    )
    model = _table(
        b,
        "Model",
        Version=_VERSION,
        OperatorCodes=_offsets(b, [_code(b, name) for name in names]),
        Subgraphs=_offsets(b, [subgraph]),
        Description=b.CreateString(graph.name),
        Buffers=_offsets(b, buffers),
    )
    b.Finish(model, file_identifier=_IDENTIFIER)
    return bytes(b.Output())


def _table(b: flatbuffers.Builder, kind: str, **fields: Any) -> int:
    """A table of the schema with the given fields, numbers or offsets; its offset."""
    getattr(tflite, f"{kind}Start")(b)
    for name, value in fields.items():
        getattr(tflite, f"{kind}Add{name}")(b, value)
    return getattr(tflite, f"{kind}End")(b)


def _numbers(b: flatbuffers.Builder, values: Sequence[float], dtype: type = np.int32) -> int:
    """A vector of numbers."""
    return cast("int", b.CreateNumpyVector(np.array(values, dtype)))


def _offsets(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    """A vector of tables."""
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return cast("int", b.EndVector())


def _buffers(b: flatbuffers.Builder, graph: Graph) -> list[int]:
    """Buffer 0 is empty, as the format wants; tensor i has buffer i + 1, empty unless it is a constant."""
    data = [None, *(t.data for t in graph.tensors.values())]
    return [_table(b, "Buffer") if d is None else _table(b, "Buffer", Data=_bytes(b, d)) for d in data]


def _bytes(b: flatbuffers.Builder, data: Array) -> int:
    """A byte vector aligned for the widest element a kernel may read from it."""
    raw = np.ascontiguousarray(data).tobytes()
    b.StartVector(1, len(raw), _ALIGN)
    b.head -= len(raw)
    b.Bytes[b.head : b.head + len(raw)] = raw
    return cast("int", b.EndVector())


def _tensor(b: flatbuffers.Builder, tensor: Tensor, buffer: int) -> int:
    fields: dict[str, Any] = {
        "Shape": _numbers(b, tensor.shape),
        "Type": _TYPES[tensor.dtype],
        "Buffer": buffer,
        "Name": b.CreateString(tensor.name),
    }
    if tensor.quant is not None:
        fields["Quantization"] = _quant(b, tensor.quant)
    return _table(b, "Tensor", **fields)


def _quant(b: flatbuffers.Builder, quant: QuantParams) -> int:
    return _table(
        b,
        "QuantizationParameters",
        Scale=_numbers(b, quant.scale, np.float32),
        ZeroPoint=_numbers(b, quant.zero_point, np.int64),
        QuantizedDimension=quant.axis,
    )


def _operator(b: flatbuffers.Builder, node: Node, index: dict[str, int], code: int) -> int:
    fields: dict[str, Any] = {
        "OpcodeIndex": code,
        "Inputs": _numbers(b, [index[n] if n else -1 for n in node.inputs]),
        "Outputs": _numbers(b, [index[n] for n in node.outputs]),
    }
    if node.op.OPTIONS_TABLE:
        fields["BuiltinOptions"] = _options(b, node.op)
        fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, node.op.OPTIONS_TABLE)
    return _table(b, "Operator", **fields)


def _options(b: flatbuffers.Builder, op: Op) -> int:
    """The options table of an op; a tuple is a vector of int32."""
    values = {option.tflite: getattr(op, option.attribute) for option in op.OPTIONS}
    ready = {k: _numbers(b, cast("tuple[int, ...]", v)) if isinstance(v, tuple) else v for k, v in values.items()}
    return _table(b, op.OPTIONS_TABLE, **ready)


def _code(b: flatbuffers.Builder, name: str) -> int:
    builtin: int = getattr(tflite.BuiltinOperator, name)
    return _table(b, "OperatorCode", BuiltinCode=builtin, DeprecatedBuiltinCode=min(builtin, _PLACEHOLDER), Version=1)
