"""What ADD, SUB and MUL share: two operands, broadcasting, how kernels walk them."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, Shape, View, image_rows
from edgekit.ops import _common as common
from edgekit.ops import _real
from edgekit.ops.base import Activation, Op, Option, Rule

MAX_BROADCAST_RANK = 4


@dataclass(frozen=True)
class Binary(Op):
    """An int8 function of two int8 operands, either of which may be a constant or be broadcast."""

    activation: Activation = Activation.NONE

    ROWWISE: ClassVar[bool] = True
    OPTIONS: ClassVar[tuple[Option, ...]] = (Option("activation", "FusedActivationFunction", Activation),)
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 2),
        common.int8_activations(0, 1),
        common.activation(lambda v: common.op_of(v, Binary).activation),
        Rule(
            says="its operands have one shape, or at most four dimensions that broadcast",
            holds=lambda v: (
                v.input(0).shape == v.input(1).shape
                or (
                    max(len(v.input(i).shape) for i in (0, 1)) <= MAX_BROADCAST_RANK
                    and _broadcast(v.input(0).shape, v.input(1).shape) is not None
                )
            ),
            attribute="shapes",
            found=lambda v: f"{v.input(0).shape} and {v.input(1).shape}",
            hint="reshape the operands before the layer",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The shape both operands broadcast to."""
        return (_broadcast(view.input(0).shape, view.input(1).shape) or view.input(0).shape,)

    @abstractmethod
    def combine(self, first: Array, second: Array) -> Array:
        """The function itself, of real numbers."""

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """The function, broadcast, and the activation."""
        del view
        return [_real.activate(self.combine(values[0], values[1]), self.activation)]

    def rowwise(self, view: View) -> bool:
        """Row by row if nothing is broadcast and both operands live in the arena."""
        return all(t is not None and t.shape == view.output.shape and t.data is None for t in view.inputs)

    def activations(self, view: View) -> tuple[int, ...]:
        """Both operands, constant or not."""
        del view
        return (0, 1)

    def walk(self, view: View) -> dict[str, int]:
        """Ints that say how a kernel visits the elements.

        Row by row (``broadcast`` 0): ``row`` elements each. Else the whole output as up to four nested loops of
        ``d0`` to ``d3`` elements, over which operand i moves by ``s<i>_0`` to ``s<i>_3``.
        """
        if self.rowwise(view):
            return {"broadcast": 0, "row": image_rows(view.output.shape)[2]}
        dims, first, second = _loops(view.output.shape, view.input(0).shape, view.input(1).shape)
        loops = {f"d{i}": d for i, d in enumerate(dims)}
        loops |= {f"s0_{i}": s for i, s in enumerate(first)} | {f"s1_{i}": s for i, s in enumerate(second)}
        return {"broadcast": 1, **loops}


def operands(values: list[Array], view: View) -> tuple[Array, Array]:
    """Both operands less their zero points, as int64, in a common shape."""
    first, second = (v.astype(np.int64) - view.input(i).zero_point for i, v in enumerate(values))
    shaped = np.broadcast_arrays(first, second)
    return shaped[0], shaped[1]


def _broadcast(a: Shape, b: Shape) -> Shape | None:
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def _loops(out: Shape, a: Shape, b: Shape) -> tuple[list[int], list[int], list[int]]:
    """Loop sizes and operand strides, innermost last, neighbouring loops merged where both operands allow it."""
    dims: list[int] = []
    first: list[int] = []
    second: list[int] = []
    for size, s, t in zip(out, _strides(a, len(out)), _strides(b, len(out)), strict=True):
        if size == 1:
            continue
        if dims and first[-1] == s * size and second[-1] == t * size:
            dims[-1], first[-1], second[-1] = dims[-1] * size, s, t
        else:
            dims, first, second = [*dims, size], [*first, s], [*second, t]
    missing = MAX_BROADCAST_RANK - len(dims)
    return [1] * missing + dims, [0] * missing + first, [0] * missing + second


def _strides(shape: Shape, rank: int) -> list[int]:
    """Elements between neighbours along each axis of the output; 0 along a broadcast axis."""
    padded = (1,) * (rank - len(shape)) + shape
    return [0 if d == 1 else math.prod(padded[i + 1 :]) for i, d in enumerate(padded)]
