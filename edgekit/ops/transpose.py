"""TRANSPOSE: the dimensions of a tensor in another order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, DType, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Lowered, Op, Rule

_DATA, _PERM = 0, 1


@dataclass(frozen=True)
class Transpose(Op):
    """Inputs: data of up to five dimensions, constant permutation (rank) int32."""

    NAME: ClassVar[str] = "TRANSPOSE"
    KEEPS_SCALE: ClassVar[bool] = True
    FAMILY: ClassVar[str] = "strided_copy"
    OPTIONS_TABLE: ClassVar[str] = "TransposeOptions"
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 2),
        common.constant(_PERM, "permutation"),
        _move.same_type(_DATA),
        _move.at_most_five(_DATA),
        Rule(
            says="its permutation is int32 and names each dimension once",
            holds=lambda v: (
                v.input(_PERM).dtype is DType.INT32
                and sorted(_move.constant_ints(v.input(_PERM))) == list(range(len(v.input(_DATA).shape)))
            ),
            attribute="permutation",
            found=lambda v: _move.constant_ints(v.input(_PERM)),
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's sizes in the permutation's order."""
        return (tuple(view.input(_DATA).shape[i] for i in _move.constant_ints(view.input(_PERM))),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """NumPy's own."""
        return [np.ascontiguousarray(values[_DATA].transpose(_move.constant_ints(view.input(_PERM))))]

    def activations(self, view: View) -> tuple[int, ...]:
        """The data."""
        del view
        return (_DATA,)

    def lower(self, view: View) -> Lowered:
        """The output in order, each dimension with the input's stride."""
        strides = _move.row_strides(view.input(_DATA).shape)
        permuted = [strides[i] for i in _move.constant_ints(view.input(_PERM))]
        copy = _move.strided_copy(view.output.shape, permuted, 0, view.output.dtype.size)
        return _move.lower_strided(copy)
