"""MEAN: the average over some axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, DType, Shape, View
from edgekit.ir.quant import INT8_MAX, INT8_MIN, Multiplier, quantize_multiplier, requantize
from edgekit.ops import _common as common
from edgekit.ops.base import Lowered, Op, Option, Rule

_MAX_RANK = 4


@dataclass(frozen=True)
class Mean(Op):
    """Average of an int8 tensor over the axes in input 1."""

    keep_dims: bool = False

    NAME: ClassVar[str] = "MEAN"
    FAMILY: ClassVar[str] = "mean"
    OPTIONS_TABLE: ClassVar[str] = "ReducerOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (Option("keep_dims", "KeepDims", bool),)
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 2),
        common.int8_activations(0),
        common.constant(1, "axis"),
        common.rank(0, 1, 2, 3, 4),
        Rule(
            says="its axes are int32 and exist",
            holds=lambda v: (
                v.input(1).dtype is DType.INT32
                and all(-len(v.input(0).shape) <= a < len(v.input(0).shape) for a in v.input(1).value.ravel().tolist())
            ),
            attribute="axis",
            found=lambda v: v.input(1).value.ravel().tolist(),
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape without the axes, or with 1 in their place if ``keep_dims``."""
        axes = _axes(view)
        shape = view.input(0).shape
        if self.keep_dims:
            return (tuple(1 if i in axes else d for i, d in enumerate(shape)),)
        return (tuple(d for i, d in enumerate(shape) if i not in axes),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """The sum less its zero points, times a multiplier that holds the division."""
        axes = _axes(view)
        count = math.prod(view.input(0).shape[a] for a in axes)
        total = values[0].astype(np.int64).sum(axis=axes) - count * view.input(0).zero_point
        factor = _multiplier(view, count)
        scaled = requantize(total, factor.value, factor.shift) + view.output.zero_point
        return [common.clamp(scaled, INT8_MIN, INT8_MAX).reshape(self.output_shapes(view)[0])]

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """NumPy's own."""
        return [np.mean(values[0], axis=_axes(view)).reshape(self.output_shapes(view)[0]).astype(np.float32)]

    def lower(self, view: View) -> Lowered:
        """Two loops over what is kept and two over what is reduced, with their strides; zero points, multiplier.

        Output element (i, j) is the sum of the input at i * keep0_stride + j * keep1_stride plus all
        k * sum0_stride + l * sum1_stride.
        """
        axes = _axes(view)
        count = math.prod(view.input(0).shape[a] for a in axes)
        factor = _multiplier(view, count)
        return Lowered(
            {
                **_loops(view.input(0).shape, axes),
                "count": count,
                "in_zp": view.input(0).zero_point,
                "out_zp": view.output.zero_point,
                "out_multiplier": factor.value,
                "out_shift": factor.shift,
            }
        )


def _loops(shape: Shape, axes: tuple[int, ...]) -> dict[str, int]:
    """Sizes and strides of the kept and the reduced dimensions, neighbours of one kind merged, innermost last."""
    merged: list[tuple[bool, int, int]] = []
    stride = 1
    for i, size in reversed(list(enumerate(shape))):
        kind = i in axes
        if merged and merged[0][0] == kind:
            merged[0] = (kind, merged[0][1] * size, merged[0][2])
        elif size > 1:
            merged.insert(0, (kind, size, stride))
        stride *= size
    ints: dict[str, int] = {}
    for name, kind in (("keep", False), ("sum", True)):
        loops = [(size, step) for k, size, step in merged if k == kind]
        for i, (size, step) in enumerate([(1, 0)] * (2 - len(loops)) + loops):
            ints |= {f"{name}{i}": size, f"{name}{i}_stride": step}
    return ints


def _axes(view: View) -> tuple[int, ...]:
    """The axes, not negative, each once."""
    rank = len(view.input(0).shape)
    return tuple(sorted({int(a) % rank for a in view.input(1).value.ravel()}))


def _multiplier(view: View, count: int) -> Multiplier:
    """Input scale / output scale / count (tensorflow/lite/kernels/internal/reference/reduce.h, QuantizedMeanOrSum)."""
    factor = quantize_multiplier(view.input(0).scale / view.output.scale)
    shift = min(count.bit_length() - 1, 32, 31 + factor.shift)
    return Multiplier((factor.value << shift) // count, factor.shift - shift)
