"""RESHAPE: the same elements under another shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from edgekit.ir.graph import DType, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Option, Rule

_DATA, _SHAPE = 0, 1


@dataclass(frozen=True)
class Reshape(_move.Renaming):
    """Inputs: data, constant shape (int32) unless ``new_shape`` gives it; one size may be -1: what remains."""

    new_shape: tuple[int, ...] = ()

    NAME: ClassVar[str] = "RESHAPE"
    KEEPS_SCALE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "ReshapeOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (Option("new_shape", "NewShape", tuple),)
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(1, 2),
        common.constant(_SHAPE, "shape"),
        _move.same_type(_DATA),
        Rule(
            says="its shape is int32",
            holds=lambda v: (t := v.optional(_SHAPE)) is None or t.dtype is DType.INT32,
            attribute="shape",
            found=lambda v: v.input(_SHAPE).dtype.value,
            hint="the file is damaged or was written by hand",
        ),
        Rule(
            says="its shape has as many elements as its input",
            holds=lambda v: math.prod(_shape(v)) == v.input(_DATA).elements,
            attribute="shape",
            found=lambda v: (v.input(_DATA).shape, _asked(v)),
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The shape asked for, its -1 worked out."""
        return (_shape(view),)


def _asked(view: View) -> Shape:
    tensor = view.optional(_SHAPE)
    if tensor is not None:
        return _move.constant_ints(tensor)
    return common.op_of(view, Reshape).new_shape


def _shape(view: View) -> Shape:
    asked = _asked(view)
    known = math.prod(n for n in asked if n != -1)
    rest = view.input(_DATA).elements // known if known else 0
    return tuple(rest if n == -1 else n for n in asked)
