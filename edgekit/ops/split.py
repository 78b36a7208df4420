"""SPLIT: a tensor cut along an axis into equal parts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Lowered, Op, Option, Rule

_AXIS, _DATA = 0, 1


@dataclass(frozen=True)
class Split(Op):
    """Inputs: constant axis (int32 scalar), data. As many outputs as ``num_splits``."""

    num_splits: int = 1

    NAME: ClassVar[str] = "SPLIT"
    KEEPS_SCALE: ClassVar[bool] = True
    FAMILY: ClassVar[str] = "split"
    ROWWISE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "SplitOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (Option("num_splits", "NumSplits"),)
    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            says="the layer has an axis, one input and as many outputs as parts",
            holds=lambda v: (
                len(v.inputs) == 2  # noqa: PLR2004
                and None not in v.inputs
                and len(v.outputs) == _op(v).num_splits
            ),
            attribute="inputs, outputs, parts",
            found=lambda v: (len(v.inputs), len(v.outputs), _op(v).num_splits),
            hint="the file is damaged or was written by hand",
            decisive=True,
        ),
        common.constant(_AXIS, "axis"),
        _move.one_int32(_AXIS, "axis"),
        _move.same_type(_DATA),
        _move.axis_in_range(_DATA, lambda v: _move.constant_ints(v.input(_AXIS))[0]),
        Rule(
            says="the size along the axis is a multiple of the number of parts",
            holds=lambda v: v.input(_DATA).shape[_axis(v)] % len(v.outputs) == 0,
            attribute="shape",
            found=lambda v: v.input(_DATA).shape,
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape with one part's size along the axis."""
        shape, axis = view.input(_DATA).shape, _axis(view)
        part = (*shape[:axis], shape[axis] // self.num_splits, *shape[axis + 1 :])
        return (part,) * self.num_splits

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """NumPy's own."""
        return list(np.split(values[_DATA], self.num_splits, axis=_axis(view)))

    def rowwise(self, view: View) -> bool:
        """Unless along batch or height, where an output's row comes from another row."""
        return _move.axis_is_within_row(_axis(view), len(view.output.shape))

    def activations(self, view: View) -> tuple[int, ...]:
        """The data."""
        del view
        return (_DATA,)

    def lower(self, view: View) -> Lowered:
        """Parts, how often a row runs through all of them, and the bytes each takes in one go."""
        shape, axis = view.output.shape, _axis(view)
        part = math.prod(shape[axis:]) * view.output.dtype.size
        return Lowered(
            {
                "parts": self.num_splits,
                "blocks": _move.blocks_per_row(shape, axis, rowwise=self.rowwise(view)),
                "part_bytes": part,
            }
        )


def _op(view: View) -> Split:
    return common.op_of(view, Split)


def _axis(view: View) -> int:
    return _move.positive_axis(_move.constant_ints(view.input(_AXIS))[0], len(view.input(_DATA).shape))
