"""ARG_MAX: where along an axis the largest element is, the first of equals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, DType, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Lowered, Op, Option, Rule

_DATA, _AXIS = 0, 1
_INT32_IN_SCHEMA = 2


@dataclass(frozen=True)
class ArgMax(Op):
    """Inputs: int8 or float32 data, constant axis (int32 scalar). Output: int32 positions.

    ``output_type`` is the schema's number of the output's element type.
    """

    output_type: int = _INT32_IN_SCHEMA

    NAME: ClassVar[str] = "ARG_MAX"
    FAMILY: ClassVar[str] = "arg_max"
    OPTIONS_TABLE: ClassVar[str] = "ArgMaxOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (Option("output_type", "OutputType"),)
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 2),
        common.constant(_AXIS, "axis"),
        _move.one_int32(_AXIS, "axis"),
        Rule(
            says="its input is int8 or float32, its output int32",
            holds=lambda v: v.input(_DATA).dtype in (DType.INT8, DType.FLOAT32) and v.output.dtype is DType.INT32,
            attribute="types",
            found=lambda v: f"{v.input(_DATA).dtype.value}, {v.output.dtype.value}",
            hint="ask tf.argmax for output_type=tf.int32",
        ),
        _move.axis_in_range(_DATA, lambda v: _move.constant_ints(v.input(_AXIS))[0]),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape without the axis."""
        shape, axis = view.input(_DATA).shape, _axis(view)
        return ((*shape[:axis], *shape[axis + 1 :]),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """NumPy's own, which takes the first of equals too."""
        return [np.asarray(np.argmax(values[_DATA], axis=_axis(view))).astype(np.int32)]

    def activations(self, view: View) -> tuple[int, ...]:
        """The data."""
        del view
        return (_DATA,)

    def lower(self, view: View) -> Lowered:
        """Elements before, along and after the axis."""
        shape, axis = view.input(_DATA).shape, _axis(view)
        return Lowered(
            {
                "outer": math.prod(shape[:axis]),
                "size": shape[axis],
                "inner": math.prod(shape[axis + 1 :]),
                "real": int(view.input(_DATA).dtype is DType.FLOAT32),
            }
        )


def _axis(view: View) -> int:
    return _move.positive_axis(_move.constant_ints(view.input(_AXIS))[0], len(view.input(_DATA).shape))
