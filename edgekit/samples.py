"""Inputs for a model: read from .npy or .npz files, or made up from a seed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import sample_files
from edgekit.errors import DataError, Problem
from edgekit.ir.graph import Array, DType, Graph, Tensor
from edgekit.ir.quant import quantize_reals

_FLOAT_SPAN = 4.0
_EVEN = 0.5


@dataclass(frozen=True)
class Samples:
    """Inputs of a model: ``inputs[sample][input]``, in the model's own shapes and types.

    ``labels`` has one class index a sample, or is empty. ``source`` says in words where they come from.
    """

    inputs: tuple[tuple[Array, ...], ...]
    source: str
    labels: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def sha256(self) -> str:
        """Of all inputs, with their types and shapes, and the labels."""
        return _digest(self.inputs, self.labels)

    @property
    def first_sha256(self) -> str:
        """Of the first sample's inputs: the sample whose costs a profile reports."""
        return _digest(self.inputs[:1], ())

    def first(self, count: int) -> Samples:
        """The first ``count`` samples; 0 means all."""
        if not count or count >= len(self):
            return self
        source = f"the first {f'{count} ' if count > 1 else ''}of {len(self)}: {self.source}"
        return Samples(self.inputs[:count], source, self.labels[:count], self.classes)


def _digest(inputs: Sequence[Sequence[Array]], labels: Sequence[int]) -> str:
    digest = hashlib.sha256()
    for array in (a for sample in inputs for a in sample):
        digest.update(f"{array.dtype.name} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    digest.update(",".join(map(str, labels)).encode())
    return digest.hexdigest()


def made_up(graph: Graph, count: int = 3, seed: int = 1) -> Samples:
    """``count`` random samples over the whole range of the inputs' types, then the extremes and the zero point.

    Raises:
        DataError: so many samples would not fit in a gibibyte.
    """
    generator = np.random.default_rng(seed)
    tensors = [graph.tensors[name] for name in graph.inputs]
    most = sample_files.MAX_BYTES // max(sum(t.bytes for t in tensors), 1)
    if count > most:
        raise DataError(Problem("so many random samples do not fit in memory", "", f"{count:,}", f"{most:,}"))
    random = [tuple(_random(t, generator) for t in tensors) for _ in range(count)]
    extremes = [tuple(_filled(t, kind) for t in tensors) for kind in range(3)]
    source = f"{count} random over the whole input range (seed {seed}), all lowest, all highest, all zero point"
    return Samples((*random, *extremes), source)


def load(path: Path | str, graph: Graph) -> Samples:
    """Samples from a .npy file, or from a .npz with one array per input and maybe ``labels`` and ``classes``.

    A single-input model takes the array ``inputs`` (or the only array there is). Arrays are (samples, ...) with
    the input's own dimensions behind, or one sample as it is. Float arrays for an int8 input hold real values
    and are quantised with the input's scale.

    Raises:
        DataError: the file cannot be read, or everything about it that does not fit the model.
    """
    where = Path(path)
    arrays = sample_files.read(where)
    tensors = [graph.tensors[name] for name in graph.inputs]
    problems: list[Problem] = []
    notes: list[str] = []
    columns: list[Array] = []
    for i, tensor in enumerate(tensors):
        key = _key(arrays, i, tensor, len(tensors))
        if key is None:
            other = "'inputs'" if len(tensors) == 1 else f"'input_{i}'"
            problems.append(
                Problem(
                    f"there is no array for input '{tensor.name}'",
                    where.name,
                    ", ".join(arrays) or "no arrays",
                    " or ".join(dict.fromkeys((f"'{tensor.name}'", other))),
                )
            )
            continue
        column = _fit(arrays[key], tensor, f"{where.name}, array '{key}'", problems, notes)
        if column is not None:
            columns.append(column)
    if not problems and len({len(c) for c in columns}) > 1:
        counts = ", ".join(str(len(c)) for c in columns)
        problems.append(Problem("the inputs have different numbers of samples", where.name, counts))
    if problems:
        raise DataError(*problems)
    labels = _labels(arrays, len(columns[0]), where.name)
    check_labels(labels, graph, where.name)
    classes = tuple(str(c) for c in arrays["classes"].reshape(-1).tolist()) if "classes" in arrays else ()
    rows = tuple(zip(*columns, strict=True))
    return Samples(rows, "; ".join([where.name, *dict.fromkeys(notes)]), labels, classes)


def real_values(array: Array, scale: float, zero_point: int) -> Array:
    """Quantised values as float32 real ones; unchanged if ``scale`` is 0."""
    return ((array.astype(np.float32) - zero_point) * np.float32(scale)) if scale else array


def _key(arrays: Mapping[str, Array], index: int, tensor: Tensor, count: int) -> str | None:
    names = [tensor.name, f"input_{index}"] + (["inputs", "input", "x", "arr_0"] if count == 1 else [f"arr_{index}"])
    found = next((n for n in names if n in arrays), None)
    if found is None and count == 1 and len(arrays) == 1:
        return next(iter(arrays))
    return found


def _fit(array: Array, tensor: Tensor, where: str, problems: list[Problem], notes: list[str]) -> Array | None:
    """``array`` as (samples, *shape) in its type, or None and a problem."""
    shape = tensor.shape
    tail = shape[1:] if shape and shape[0] == 1 else shape
    if array.shape == shape:
        stacked = array.reshape((1, *shape))
    elif array.shape[1:] in (shape, tail) and array.ndim > 0:
        stacked = array.reshape((len(array), *shape))
    elif array.shape == tail:
        stacked = array.reshape((1, *shape))
    else:
        sizes = ", ".join(map(str, tail))
        allowed = f"(samples, {sizes})"
        whole = array.size and array.size % math.prod(tail) == 0
        hint = f"If its values are in that order: x.reshape(-1, {sizes})" if whole else ""
        problems.append(Problem("the array's shape does not fit the input", where, str(array.shape), allowed, hint))
        return None
    if not len(stacked):
        problems.append(Problem("the array holds no samples", where, str(array.shape)))
        return None
    return _typed(stacked, tensor, where, problems, notes)


def _typed(array: Array, tensor: Tensor, where: str, problems: list[Problem], notes: list[str]) -> Array | None:
    wanted = tensor.dtype.numpy
    if array.dtype == wanted:
        return np.ascontiguousarray(array)
    quantised = tensor.quant is not None and tensor.dtype in (DType.INT8, DType.UINT8, DType.INT16)
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all():
            problems.append(
                Problem("the array holds values that are not finite", where, "NaN or infinity", "finite numbers")
            )
            return None
        if tensor.dtype is DType.FLOAT32:
            return np.ascontiguousarray(array.astype(np.float32))
        if quantised:
            notes.append(f"real values, quantised with scale {tensor.scale:.6g}, zero point {tensor.zero_point}")
            return quantise(array, tensor)
    elif np.issubdtype(array.dtype, np.integer) and tensor.dtype is not DType.FLOAT32:
        info = np.iinfo(wanted)
        low, high = int(array.min()), int(array.max())
        if info.min <= low and high <= info.max:
            return np.ascontiguousarray(array.astype(wanted))
        found, allowed = f"{array.dtype} in [{low}, {high}]", f"{wanted} in [{info.min}, {info.max}]"
        problems.append(Problem("the array's values do not fit the input's type", where, found, allowed))
        return None
    allowed = f"{wanted}, or float real values" if quantised else str(wanted)
    problems.append(Problem("the array's type does not fit the input", where, str(array.dtype), allowed))
    return None


def quantise(array: Array, tensor: Tensor) -> Array:
    """Real values in the type of a quantised tensor: round(x / scale) + zero point, halves away from zero, clamped."""
    return quantize_reals(array, tensor.scale, tensor.zero_point, tensor.dtype.numpy)


def _labels(arrays: Mapping[str, Array], count: int, where: str) -> tuple[int, ...]:
    if "labels" not in arrays:
        return ()
    labels = arrays["labels"]
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        found, allowed = f"{labels.dtype} {labels.shape}", f"integers ({count},)"
        raise DataError(Problem("'labels' does not go with the samples", where, found, allowed))
    return tuple(int(v) for v in labels)


def check_labels(labels: Sequence[int], graph: Graph, where: str) -> None:
    """Raise DataError if a label is of no class that the model's first output can name (see ``answer``)."""
    if not labels:
        return
    tensor = graph.tensors[graph.outputs[0]]
    if tensor.elements == 1 and tensor.quant is None and tensor.dtype is not DType.FLOAT32:
        return  # a plain integer names any class
    classes = max(tensor.elements, 2)
    low, high = min(labels), max(labels)
    if not 0 <= low <= high < classes:
        hint = "labels are class numbers that start at 0, as the model's outputs do"
        found, allowed = f"{low} to {high}", f"0 to {classes - 1}"
        raise DataError(Problem("labels name classes the model does not have", where, found, allowed, hint))


def _random(tensor: Tensor, generator: np.random.Generator) -> Array:
    if tensor.dtype is DType.FLOAT32:
        return generator.uniform(-_FLOAT_SPAN, _FLOAT_SPAN, tensor.shape).astype(np.float32)
    low, high = _bounds(tensor)
    return generator.integers(int(low), int(high), tensor.shape, endpoint=True).astype(tensor.dtype.numpy)


def _filled(tensor: Tensor, kind: int) -> Array:
    low, high = _bounds(tensor)
    middle = tensor.zero_point if tensor.quant else 0
    return np.full(tensor.shape, (low, high, middle)[kind], tensor.dtype.numpy)


def _bounds(tensor: Tensor) -> tuple[float, float]:
    if tensor.dtype is DType.FLOAT32:
        return -_FLOAT_SPAN, _FLOAT_SPAN
    if tensor.dtype is DType.BOOL:
        return 0, 1
    info: Any = np.iinfo(tensor.dtype.numpy)
    return int(info.min), int(info.max)


def answer(output: Array, scale: float = 0.0, zero_point: int = 0) -> int:
    """The class an output names: the place of its largest element.

    A single quantised element is the probability of class 1, a single plain integer (of ARG_MAX) the class itself.
    """
    flat = output.reshape(-1)
    if flat.size > 1:
        return int(np.argmax(flat))
    if scale or np.issubdtype(flat.dtype, np.floating):
        return int(real_values(flat, scale, zero_point)[0] > _EVEN)
    return int(flat[0])


def elements(graph: Graph) -> int:
    """Elements of all inputs together."""
    return sum(math.prod(graph.tensors[name].shape) for name in graph.inputs)
