"""SQUEEZE: dimensions of size 1 taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgekit.ir.graph import Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Option, Rule


@dataclass(frozen=True)
class Squeeze(_move.Renaming):
    """``squeeze_dims`` may count from the end; empty means every dimension of size 1."""

    squeeze_dims: tuple[int, ...] = ()

    NAME: ClassVar[str] = "SQUEEZE"
    KEEPS_SCALE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "SqueezeOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (Option("squeeze_dims", "SqueezeDims", tuple),)
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(1, 1),
        _move.same_type(0),
        Rule(
            says="the dimensions it takes out exist and have size 1",
            holds=lambda v: all(0 <= d < len(v.input(0).shape) and v.input(0).shape[d] == 1 for d in _removed(v)),
            attribute="squeeze_dims",
            found=lambda v: (v.input(0).shape, sorted(_removed(v))),
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape without them."""
        removed = _removed(view)
        return (tuple(n for i, n in enumerate(view.input(0).shape) if i not in removed),)


def _removed(view: View) -> set[int]:
    shape, asked = view.input(0).shape, common.op_of(view, Squeeze).squeeze_dims
    if not asked:
        return {i for i, n in enumerate(shape) if n == 1}
    return {_move.positive_axis(d, len(shape)) for d in asked}
