"""Case tables: what a case is, and the one-op graph it stands for."""

from __future__ import annotations

import importlib
import math
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgekit.ir.graph import Array, DType, Graph, Node, QuantParams, Tensor, View

if TYPE_CHECKING:
    from edgekit.ops.base import Op

CASES = Path(__file__).resolve().parent.parent / "cases"


@dataclass(frozen=True)
class Spec:
    """A tensor of a case.

    ``constant`` makes it a constant, of ``values`` if given, else of seeded random numbers in [low, high].
    """

    shape: tuple[int, ...] = ()
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int = 0
    dtype: DType = DType.INT8
    constant: bool = False
    values: tuple[float, ...] | None = None
    low: int = -127
    high: int = 127

    @property
    def quant(self) -> QuantParams | None:
        """Scales rounded to float32, as a file holds them."""
        if not self.scale:
            return None
        scale = tuple(float(np.float32(s)) for s in self.scale)
        return QuantParams(scale, self.zero_point or (0,) * len(scale), self.axis)


@dataclass(frozen=True)
class Case:
    """One op with its inputs (None: absent) and outputs; output shapes come from the op itself."""

    name: str
    op: Op
    inputs: tuple[Spec | None, ...]
    outputs: tuple[Spec, ...] = field(default_factory=lambda: (act(),))


def act(shape: tuple[int, ...] = (), scale: float = 0.05, zero_point: int = 3) -> Spec:
    """An int8 activation; as an output, without a shape."""
    return Spec(shape, (scale,), (zero_point,))


def real(shape: tuple[int, ...] = ()) -> Spec:
    """A float32 activation."""
    return Spec(shape, dtype=DType.FLOAT32)


def weights(shape: tuple[int, ...], scale: float = 0.002, axis: int | None = None) -> Spec:
    """A random int8 constant; with ``axis`` each slice has a scale of its own round ``scale``."""
    if axis is None:
        return Spec(shape, (scale,), constant=True)
    scales = tuple(scale * (0.5 + (7 * i % 11) / 10) for i in range(shape[axis]))
    return Spec(shape, scales, axis=axis, constant=True)


def bias(channels: int, size: int = 3000) -> Spec:
    """A random int32 constant in [-size, size]."""
    return Spec((channels,), (1e-4,), dtype=DType.INT32, constant=True, low=-size, high=size)


def integers(*values: int, shape: tuple[int, ...] | None = None) -> Spec:
    """An int32 constant that is an argument (an axis, a shape, paddings)."""
    where = (len(values),) if shape is None else shape
    return Spec(where, dtype=DType.INT32, constant=True, values=values)


def view(case: Case) -> View:
    """The layer of a case, its outputs with the shapes the case gives them; for layers that are refused."""
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    ins = [None if s is None else tensor(f"input_{i}", s, s.shape, rng) for i, s in enumerate(case.inputs)]
    outs = [tensor(f"output_{i}", s, s.shape, rng) for i, s in enumerate(case.outputs)]
    node = Node(
        case.op,
        tuple("" if t is None else t.name for t in ins),
        tuple(t.name for t in outs),
        (case.op.NAME.lower(),),
    )
    return View(node, tuple(ins), tuple(outs))


def graph(case: Case) -> Graph:
    """The graph of a case: its inputs, one node, its outputs."""
    layer = view(case)
    shapes = case.op.output_shapes(layer)
    outs = [replace(t, shape=shape) for t, shape in zip(layer.outputs, shapes, strict=True)]
    present = [t for t in layer.inputs if t is not None]
    return Graph(
        name=case.name,
        tensors={t.name: t for t in (*present, *outs)},
        nodes=(layer.node,),
        inputs=tuple(t.name for t in present if t.data is None),
        outputs=tuple(t.name for t in outs),
    )


def samples(model: Graph, count: int = 3, seed: int = 1) -> list[list[Array]]:
    """Input lists: all lowest, all highest, alternating extremes, then ``count`` random ones."""
    rng = np.random.default_rng(seed)
    tensors = [model.tensors[name] for name in model.inputs]
    extremes = [[_filled(t, kind) for t in tensors] for kind in ("low", "high", "alternate")]
    return extremes + [[_random(t, rng) for t in tensors] for _ in range(count)]


def all_cases() -> list[tuple[str, Case]]:
    """Every case of every module in tests/cases, by module name."""
    return [(m, case) for m in _modules() for case in importlib.import_module(f"cases.{m}").CASES]


def kernel_cases() -> list[Case]:
    """What kernels must get right: every case, and those on which tflite-micro would stop for some inputs."""
    beyond = [getattr(importlib.import_module(f"cases.{m}"), "BEYOND_TFLITE_MICRO", ()) for m in _modules()]
    return [*(case for _, case in all_cases()), *(case for some in beyond for case in some)]


def refused_cases() -> list[tuple[str, str, Case]]:
    """Module, part of a rule's sentence and a case that breaks the rule, for the modules that list such cases."""
    return [
        (module, says, case)
        for module in dict.fromkeys(name for name, _ in all_cases())
        for says, case in getattr(importlib.import_module(f"cases.{module}"), "REFUSED", ())
    ]


def tensor(name: str, spec: Spec, shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    """A tensor as its spec describes it, random constants drawn from ``rng``."""
    if not spec.constant:
        return Tensor(name, shape, spec.dtype, spec.quant)
    if spec.values is None:
        data = rng.integers(spec.low, spec.high + 1, shape).astype(spec.dtype.numpy)
    else:
        data = np.array(spec.values).astype(spec.dtype.numpy).reshape(shape)
    data.flags.writeable = False
    return Tensor(name, shape, spec.dtype, spec.quant, data)


def _modules() -> list[str]:
    return sorted(p.stem for p in CASES.glob("*.py") if not p.stem.startswith("_"))


def _bounds(tensor: Tensor) -> tuple[float, float]:
    if tensor.dtype is DType.FLOAT32:
        return -20.0, 20.0
    info = np.iinfo(tensor.dtype.numpy)
    return int(info.min), int(info.max)


def _filled(tensor: Tensor, kind: str) -> Array:
    low, high = _bounds(tensor)
    pattern = {"low": [low], "high": [high], "alternate": [low, high]}[kind]
    flat = np.resize(np.array(pattern, tensor.dtype.numpy), math.prod(tensor.shape))
    return flat.reshape(tensor.shape)


def _random(tensor: Tensor, rng: np.random.Generator) -> Array:
    low, high = _bounds(tensor)
    if tensor.dtype is DType.FLOAT32:
        return rng.uniform(low / 4, high / 4, tensor.shape).astype(np.float32)
    return rng.integers(int(low), int(high), tensor.shape, endpoint=True).astype(tensor.dtype.numpy)
