"""What ops that only move elements share: rules about types and axes, shapes cut at an axis, strided copies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from edgekit.ir.graph import Array, DType, Shape, Tensor, View, image_rows
from edgekit.ops.base import Lowered, Op, Rule

MAX_LOOPS = 5
# by rank; other ranks are one row altogether, which no axis cuts into alike parts
_FIRST_AXIS_OF_ROW = {4: 2, 3: 2, 2: 1}


def same_type(index: int) -> Rule:
    """The rule that all outputs have the element type of input ``index``."""
    return Rule(
        says="its input and output have the same element type",
        holds=lambda v: all(t.dtype is v.input(index).dtype for t in v.outputs),
        attribute="types",
        found=lambda v: ", ".join(t.dtype.value for t in (v.input(index), *v.outputs)),
        hint="convert the model again with a current TensorFlow Lite converter",
    )


def axis_in_range(index: int, axis: Callable[[View], int]) -> Rule:
    """The rule that an axis names a dimension of input ``index``; negative ones count from the end."""
    return Rule(
        says="its axis is a dimension of its input",
        holds=lambda v: -len(v.input(index).shape) <= axis(v) < len(v.input(index).shape),
        attribute="axis",
        found=axis,
        hint="the file is damaged or was written by hand",
        decisive=True,
    )


def constant_ints(tensor: Tensor) -> tuple[int, ...]:
    """The elements of a constant integer tensor."""
    return tuple(int(x) for x in tensor.value.reshape(-1))


def positive_axis(axis: int, rank: int) -> int:
    """``axis`` counted from the front."""
    return axis + rank if axis < 0 else axis


def axis_is_within_row(axis: int, rank: int) -> bool:
    """Whether cutting a tensor along ``axis`` cuts every row alike (see ``image_rows``)."""
    return axis >= _FIRST_AXIS_OF_ROW.get(rank, rank)


@dataclass(frozen=True)
class StridedCopy:
    """Elements of a source in the order of a contiguous destination, all in bytes.

    ``counts`` and ``strides`` are of the loops, outermost first; each innermost step copies ``run`` bytes.
    """

    base: int
    counts: tuple[int, ...]
    strides: tuple[int, ...]
    run: int
    element_bytes: int


def strided_copy(counts: Sequence[int], strides: Sequence[int], base: int, element_bytes: int) -> StridedCopy:
    """The copy with ``counts`` and ``strides`` in elements, its loops merged where one stride covers two."""
    loops = [(n, s) for n, s in zip(counts, strides, strict=True) if n != 1]
    merged: list[tuple[int, int]] = []
    for count, stride in loops:
        if merged and merged[-1][1] == count * stride:
            merged[-1] = (merged[-1][0] * count, stride)
        else:
            merged.append((count, stride))
    run = 1
    if merged and merged[-1][1] == 1:
        run = merged.pop()[0]
    return StridedCopy(
        base=base * element_bytes,
        counts=tuple(n for n, _ in merged),
        strides=tuple(s * element_bytes for _, s in merged),
        run=run * element_bytes,
        element_bytes=element_bytes,
    )


def lower_strided(copy: StridedCopy) -> Lowered:
    """Ints of a ``strided_copy`` kernel: five loops, the outer ones of one step where there are fewer.

    ``unit`` is the element size where single elements are copied, 0 where a run of them is.
    """
    spare = MAX_LOOPS - len(copy.counts)
    counts = (1,) * spare + copy.counts
    strides = (0,) * spare + copy.strides
    return Lowered(
        {
            "base": copy.base,
            "run": copy.run,
            "unit": copy.element_bytes if copy.run == copy.element_bytes and copy.run < 8 else 0,  # noqa: PLR2004
            **{f"n{i}": n for i, n in enumerate(counts)},
            **{f"s{i}": s for i, s in enumerate(strides)},
        }
    )


def row_strides(shape: Shape) -> tuple[int, ...]:
    """Elements between neighbours along each dimension of a contiguous tensor."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def blocks_per_row(shape: Shape, axis: int, *, rowwise: bool) -> int:
    """How often a row (or the whole tensor, if not ``rowwise``) runs through ``axis``."""
    if not rowwise:
        return math.prod(shape[:axis])
    return image_rows(shape)[2] // math.prod(shape[axis:])


def one_int32(index: int, what: str) -> Rule:
    """The rule that a constant is one int32."""
    return Rule(
        says=f"its {what} is a single int32",
        holds=lambda v: v.input(index).dtype is DType.INT32 and v.input(index).elements == 1,
        attribute=what,
        found=lambda v: f"{v.input(index).dtype.value} {v.input(index).shape}",
        hint="the file is damaged or was written by hand",
        decisive=True,
    )


def at_most_five(index: int) -> Rule:
    """The rule that input ``index`` has no more dimensions than a strided copy has loops."""
    return Rule(
        says=f"its input has at most {MAX_LOOPS} dimensions",
        holds=lambda v: len(v.input(index).shape) <= MAX_LOOPS,
        attribute="shape",
        found=lambda v: v.input(index).shape,
        hint="reshape it before the layer",
        decisive=True,
    )


class Renaming(Op):
    """An op that changes a tensor's shape and nothing else: it needs no code, its output lies where its input does."""

    FAMILY: ClassVar[str] = ""

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """The same elements."""
        return [values[0].reshape(self.output_shapes(view)[0])]

    def activations(self, view: View) -> tuple[int, ...]:
        """The data."""
        del view
        return (0,)

    def lower(self, view: View) -> Lowered:
        """Nothing."""
        del view
        return Lowered({})
