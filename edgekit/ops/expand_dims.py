"""EXPAND_DIMS: a dimension of size 1 put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgekit.ir.graph import Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Rule

_DATA, _AXIS = 0, 1


@dataclass(frozen=True)
class ExpandDims(_move.Renaming):
    """Inputs: data, constant axis (one int32): the position of the new dimension, from the end if negative."""

    NAME: ClassVar[str] = "EXPAND_DIMS"
    KEEPS_SCALE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "ExpandDimsOptions"
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 2),
        common.constant(_AXIS, "axis"),
        _move.one_int32(_AXIS, "axis"),
        _move.same_type(_DATA),
        Rule(
            says="its axis is a dimension of its output",
            holds=lambda v: 0 <= _axis(v) <= len(v.input(_DATA).shape),
            attribute="axis",
            found=lambda v: _move.constant_ints(v.input(_AXIS))[0],
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape with a 1 at the axis."""
        shape, axis = view.input(_DATA).shape, _axis(view)
        return ((*shape[:axis], 1, *shape[axis:]),)


def _axis(view: View) -> int:
    return _move.positive_axis(_move.constant_ints(view.input(_AXIS))[0], len(view.input(_DATA).shape) + 1)
