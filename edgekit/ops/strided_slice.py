"""STRIDED_SLICE: every so-many-th element between two ends, along each dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, DType, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Lowered, Op, Option, Rule

_DATA, _BEGIN, _END, _STRIDES = 0, 1, 2, 3


@dataclass(frozen=True)
class Cut:
    """One dimension's slice: ``count`` elements from ``start``, ``stride`` apart; a shrunk dimension vanishes."""

    start: int
    count: int
    stride: int
    shrunk: bool


@dataclass(frozen=True)
class StridedSlice(Op):
    """Inputs: data, constant begin, end and strides (rank) int32.

    Bit i of a mask is about dimension i. TensorFlow Lite Micro reads the begin, end and shrink masks only
    (tensorflow/lite/micro/kernels/strided_slice_common.cc).
    """

    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0
    offset: bool = False

    NAME: ClassVar[str] = "STRIDED_SLICE"
    KEEPS_SCALE: ClassVar[bool] = True
    FAMILY: ClassVar[str] = "strided_copy"
    OPTIONS_TABLE: ClassVar[str] = "StridedSliceOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option("begin_mask", "BeginMask"),
        Option("end_mask", "EndMask"),
        Option("ellipsis_mask", "EllipsisMask"),
        Option("new_axis_mask", "NewAxisMask"),
        Option("shrink_axis_mask", "ShrinkAxisMask"),
        Option("offset", "Offset", bool),
    )
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(4, 4),
        common.constant(_BEGIN, "begin"),
        common.constant(_END, "end"),
        common.constant(_STRIDES, "strides"),
        _move.same_type(_DATA),
        _move.at_most_five(_DATA),
        Rule(
            says="its begin, end and strides are int32, one for each dimension, and no stride is 0",
            holds=lambda v: (
                all(
                    v.input(i).dtype is DType.INT32 and v.input(i).elements == len(v.input(_DATA).shape)
                    for i in (_BEGIN, _END, _STRIDES)
                )
                and 0 not in _move.constant_ints(v.input(_STRIDES))
            ),
            attribute="begin, end, strides",
            found=lambda v: tuple(_move.constant_ints(v.input(i)) for i in (_BEGIN, _END, _STRIDES)),
            hint="slice every dimension explicitly",
            decisive=True,
        ),
        Rule(
            says="it uses neither an ellipsis nor a new axis nor ends relative to begins",
            holds=lambda v: not (_op(v).ellipsis_mask or _op(v).new_axis_mask or _op(v).offset),
            attribute="ellipsis mask, new axis mask, offset",
            found=lambda v: (_op(v).ellipsis_mask, _op(v).new_axis_mask, _op(v).offset),
            hint="slice every dimension explicitly and reshape afterwards",
        ),
        Rule(
            says="it selects something, and shrunk dimensions have an index inside and a stride above 0",
            holds=lambda v: all(
                c.count > 0 and 0 <= c.start < n and (c.stride > 0 or not c.shrunk) for c, n in _cuts_and_sizes(v)
            ),
            attribute="slice",
            found=lambda v: tuple((c.start, c.count, c.stride) for c, _ in _cuts_and_sizes(v)),
            hint="correct the slice; its result is empty or outside",
        ),
    )

    def cuts(self, view: View) -> tuple[Cut, ...]:
        """The slice of each dimension (tensorflow/lite/kernels/internal/strided_slice_logic.h)."""
        given = zip(
            view.input(_DATA).shape,
            *(_move.constant_ints(view.input(i)) for i in (_BEGIN, _END, _STRIDES)),
            strict=True,
        )
        return tuple(self._cut(i, *numbers) for i, numbers in enumerate(given))

    def _cut(self, axis: int, size: int, begin: int, end: int, stride: int) -> Cut:
        low, high = (0, size) if stride > 0 else (-1, size - 1)
        first, last = (0, size) if stride > 0 else (size - 1, -1)
        start = min(max(begin + size if begin < 0 else begin, low), high)
        if self.begin_mask >> axis & 1:
            start = first
        if self.shrink_axis_mask >> axis & 1:
            return Cut(start, 1, stride, shrunk=True)
        stop = min(max(end + size if end < 0 else end, low), high)
        if self.end_mask >> axis & 1:
            stop = last
        return Cut(start, max(-((start - stop) // stride), 0), stride, shrunk=False)

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The counts of the dimensions that are not shrunk."""
        return (tuple(c.count for c in self.cuts(view) if not c.shrunk),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Indices gathered along each dimension."""
        indices = [c.start + c.stride * np.arange(c.count) for c in self.cuts(view)]
        return [values[_DATA][np.ix_(*indices)].reshape(self.output_shapes(view)[0])]

    def activations(self, view: View) -> tuple[int, ...]:
        """The data."""
        del view
        return (_DATA,)

    def lower(self, view: View) -> Lowered:
        """The output in order, each dimension with the input's stride times its own."""
        strides = _move.row_strides(view.input(_DATA).shape)
        cuts = self.cuts(view)
        base = sum(c.start * s for c, s in zip(cuts, strides, strict=True))
        steps = [c.stride * s for c, s in zip(cuts, strides, strict=True)]
        copy = _move.strided_copy([c.count for c in cuts], steps, base, view.output.dtype.size)
        return _move.lower_strided(copy)


def _op(view: View) -> StridedSlice:
    return common.op_of(view, StridedSlice)


def _cuts_and_sizes(view: View) -> list[tuple[Cut, int]]:
    return list(zip(_op(view).cuts(view), view.input(_DATA).shape, strict=True))
