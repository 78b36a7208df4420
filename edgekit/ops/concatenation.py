"""CONCATENATION: tensors one after the other along an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, Shape, Tensor, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Activation, Lowered, Op, Option, Rule

_MANY = 1 << 10


@dataclass(frozen=True)
class Concatenation(Op):
    """Bytes are moved, never requantised, as TensorFlow Lite Micro does (its concatenation.cc)."""

    axis: int = 0
    activation: Activation = Activation.NONE

    NAME: ClassVar[str] = "CONCATENATION"
    FAMILY: ClassVar[str] = "concatenation"
    ROWWISE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "ConcatenationOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option("axis", "Axis"),
        Option("activation", "FusedActivationFunction", Activation),
    )
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(1, _MANY),
        _move.axis_in_range(0, lambda v: _op(v).axis),
        Rule(
            says="it has no fused activation",
            holds=lambda v: _op(v).activation is Activation.NONE,
            attribute="activation",
            found=lambda v: _op(v).activation.name,
            hint="make the activation a layer of its own",
        ),
        Rule(
            says="its inputs have the output's element type, scale and zero point",
            holds=lambda v: all(t is not None and _alike(t, v.output) for t in v.inputs),
            attribute="inputs",
            found=lambda v: ", ".join(_describe(t) for t in v.inputs),
            hint="quantise the model again: the converter gives all inputs of a concatenation one scale",
        ),
        Rule(
            says="its inputs differ along the axis only",
            holds=lambda v: len({_without(t, v) for t in v.inputs}) == 1,
            attribute="shapes",
            found=lambda v: ", ".join(str(t.shape) for t in v.inputs if t is not None),
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """Sizes along the axis added up."""
        shape = view.input(0).shape
        axis = _move.positive_axis(self.axis, len(shape))
        total = sum(view.input(i).shape[axis] for i in range(len(view.inputs)))
        return ((*shape[:axis], total, *shape[axis + 1 :]),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """NumPy's own."""
        del view
        return [np.concatenate(values, axis=self.axis)]

    def rowwise(self, view: View) -> bool:
        """Not along batch or height, where a row comes from one input only; nor of constants, which have no rows."""
        rank = len(view.output.shape)
        return _move.axis_is_within_row(_move.positive_axis(self.axis, rank), rank) and all(
            t is not None and t.data is None for t in view.inputs
        )

    def activations(self, view: View) -> tuple[int, ...]:
        """All inputs, constants too."""
        return tuple(range(len(view.inputs)))

    def lower(self, view: View) -> Lowered:
        """Parts, how often a row runs through all of them, and the bytes each gives in one go."""
        shape, size = view.output.shape, view.output.dtype.size
        axis = _move.positive_axis(self.axis, len(shape))
        parts = [math.prod(view.input(i).shape[axis:]) * size for i in range(len(view.inputs))]
        return Lowered(
            {
                "parts": len(parts),
                "blocks": _move.blocks_per_row(shape, axis, rowwise=self.rowwise(view)),
                "block_bytes": sum(parts),
            },
            {"part_bytes": np.array(parts, np.int32)},
        )


def _op(view: View) -> Concatenation:
    return common.op_of(view, Concatenation)


def _alike(tensor: Tensor, output: Tensor) -> bool:
    if tensor.dtype is not output.dtype:
        return False
    if tensor.quant is None or output.quant is None:
        return tensor.quant is output.quant
    return (tensor.quant.scale, tensor.quant.zero_point) == (output.quant.scale, output.quant.zero_point)


def _describe(tensor: Tensor | None) -> str:
    if tensor is None:
        return "absent"
    if tensor.quant is None:
        return tensor.dtype.value
    return f"{tensor.dtype.value} {tensor.scale:g}/{tensor.zero_point}"


def _without(tensor: Tensor | None, view: View) -> Shape:
    if tensor is None:
        return ()
    axis = _move.positive_axis(_op(view).axis, len(tensor.shape))
    return (*tensor.shape[:axis], -1, *tensor.shape[axis + 1 :])
