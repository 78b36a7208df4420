"""FULLY_CONNECTED: every output is a weighted sum of all features of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _real
from edgekit.ops.base import Activation, Lowered, Op, Option, Rule


@dataclass(frozen=True)
class FullyConnected(Op):
    """Rows of int8 features times an int8 filter (OC,IC) with an int32 bias.

    The input may have any shape whose elements divide into rows of IC. Exact with
    tensorflow/lite/kernels/internal/reference/integer_ops/fully_connected.h.
    """

    activation: Activation = Activation.NONE
    weights_format: int = 0
    keep_num_dims: bool = False

    NAME: ClassVar[str] = "FULLY_CONNECTED"
    FAMILY: ClassVar[str] = "fully_connected"
    OPTIONS_TABLE: ClassVar[str] = "FullyConnectedOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option("activation", "FusedActivationFunction", Activation),
        Option("weights_format", "WeightsFormat"),
        Option("keep_num_dims", "KeepNumDims", bool),
    )
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 3),
        common.int8_activations(0),
        common.rank(1, 2, what="its filter"),
        common.activation(lambda v: _op(v).activation),
        *common.filter_rules(0, lambda v: v.input(1).shape[0]),
        Rule(
            says="its weights are stored row by row",
            holds=lambda v: _op(v).weights_format == 0,
            attribute="weights_format",
            found=lambda v: _op(v).weights_format,
            hint="convert the model again without shuffled weights",
        ),
        Rule(
            says="its input divides into rows as long as the filter's",
            holds=lambda v: (
                v.input(0).elements % v.input(1).shape[1] == 0
                and (not _op(v).keep_num_dims or v.input(0).shape[-1:] == v.input(1).shape[1:])
            ),
            attribute="shape",
            found=lambda v: f"{v.input(0).shape}, filter {v.input(1).shape}",
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """(rows, OC), or the input's shape with OC in place of IC if ``keep_num_dims``."""
        units, features = view.input(1).shape
        if self.keep_num_dims:
            return ((*view.input(0).shape[:-1], units),)
        return ((view.input(0).elements // features, units),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """One matrix product in wrapping 32 bits."""
        units, features = view.input(1).shape
        rows = values[0].astype(np.int64).reshape(-1, features) - view.input(0).zero_point
        acc = common.exact_product("ri,oi->ro", rows, values[1].reshape(units, features))
        return [
            common.finish(acc, view, common.channel_scales(view), self.activation).reshape(self.output_shapes(view)[0])
        ]

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """One matrix product."""
        units, features = view.input(1).shape
        acc = values[0].reshape(-1, features) @ values[1].reshape(units, features).T
        return [_real.finish(acc, values, self.activation).reshape(self.output_shapes(view)[0])]

    def lower(self, view: View) -> Lowered:
        """Rows, features, zero points, clamps; filter (OC,IC), bias, multiplier and shift per output."""
        units, features = view.input(1).shape
        base = common.weighted(view, units, common.channel_scales(view), self.activation)
        sizes = {"rows": view.input(0).elements // features, "in_features": features, "out_features": units}
        return Lowered({**sizes, **base.ints}, base.arrays)

    def macs(self, view: View) -> int:
        """Output elements times features."""
        return view.output.elements * view.input(1).shape[1]


def _op(view: View) -> FullyConnected:
    return common.op_of(view, FullyConnected)
