"""DEPTHWISE_CONV_2D: each input channel meets ``depth_multiplier`` filters of its own (1,KH,KW,OC)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _real
from edgekit.ops.base import Activation, Lowered, Op, Option, Padding, Rule


@dataclass(frozen=True)
class DepthwiseConv2D(Op):
    """2-D depthwise convolution of int8 by int8 filters with an int32 bias.

    Inputs: image (N,H,W,IC), filter (1,KH,KW,IC * depth_multiplier), optional bias (OC); output channel
    ic * depth_multiplier + m. Exact with tensorflow/lite/kernels/internal/reference/integer_ops/depthwise_conv.h.
    """

    padding: Padding = Padding.SAME
    stride_h: int = 1
    stride_w: int = 1
    depth_multiplier: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    activation: Activation = Activation.NONE

    NAME: ClassVar[str] = "DEPTHWISE_CONV_2D"
    FAMILY: ClassVar[str] = "depthwise_conv_2d"
    ROWWISE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "DepthwiseConv2DOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option("padding", "Padding", Padding),
        Option("stride_h", "StrideH"),
        Option("stride_w", "StrideW"),
        Option("depth_multiplier", "DepthMultiplier"),
        Option("dilation_h", "DilationHFactor"),
        Option("dilation_w", "DilationWFactor"),
        Option("activation", "FusedActivationFunction", Activation),
    )
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 3),
        common.int8_activations(0),
        common.rank(0, 4),
        common.rank(1, 4, what="its filter"),
        common.positive("stride", lambda v: (_op(v).stride_h, _op(v).stride_w)),
        common.positive("dilation", lambda v: (_op(v).dilation_h, _op(v).dilation_w)),
        common.activation(lambda v: _op(v).activation),
        *common.filter_rules(3, lambda v: v.input(1).shape[3]),
        Rule(
            says="its filter is (1, height, width, input channels times depth multiplier)",
            holds=lambda v: (
                v.input(1).shape[0] == 1 and v.input(1).shape[3] == v.input(0).shape[3] * _op(v).depth_multiplier
            ),
            attribute="filter",
            found=lambda v: f"{v.input(1).shape}, {v.input(0).shape[3]} channels in, times {_op(v).depth_multiplier}",
            hint="the file is damaged or was written by hand",
        ),
    )

    def windows(self, view: View) -> tuple[common.Axis, common.Axis]:
        """The window along height and along width."""
        _, h, w, _ = view.input(0).shape
        _, kh, kw, _ = view.input(1).shape
        return (
            common.slide(self.padding, h, kh, self.stride_h, self.dilation_h),
            common.slide(self.padding, w, kw, self.stride_w, self.dilation_w),
        )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """(N,OH,OW,OC)."""
        y, x = self.windows(view)
        return ((view.input(0).shape[0], y.out, x.out, view.input(1).shape[3]),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Sum over the taps in wrapping 32 bits."""
        y, x = self.windows(view)
        image = common.pad_image(values[0].astype(np.int64) - view.input(0).zero_point, y, x, 0)
        acc = np.zeros(self.output_shapes(view)[0], np.int64)
        for fy in range(y.window):
            for fx in range(x.window):
                tap = np.repeat(common.taps(image, y, x, fy, fx), self.depth_multiplier, axis=3)
                acc += tap * values[1][0, fy, fx].astype(np.int64)
        return [common.finish(acc, view, common.channel_scales(view), self.activation)]

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """Sum over the taps."""
        y, x = self.windows(view)
        image = common.pad_image(np.repeat(values[0], self.depth_multiplier, axis=3), y, x, 0)
        acc = np.zeros((len(values[0]), *self.output_shapes(view)[0][1:]), np.float32)
        for fy in range(y.window):
            for fx in range(x.window):
                acc += common.taps(image, y, x, fy, fx) * values[1][0, fy, fx]
        return [_real.finish(acc, values, self.activation)]

    def lower(self, view: View) -> Lowered:
        """Window, channels, zero points, clamps; filter (KH,KW,OC), bias, multiplier and shift per channel."""
        out_c = view.input(1).shape[3]
        base = common.weighted(view, out_c, common.channel_scales(view), self.activation, axis=3)
        sizes = common.window_ints(*self.windows(view))
        sizes |= {"in_c": view.input(0).shape[3], "out_c": out_c, "depth_multiplier": self.depth_multiplier}
        return Lowered({**sizes, **base.ints}, {**base.arrays, "filter": view.input(1).value[0]})

    def macs(self, view: View) -> int:
        """Output elements times filter taps, the border included."""
        _, kh, kw, _ = view.input(1).shape
        return view.output.elements * kh * kw

    def input_rows(self, view: View, index: int, begin: int, end: int) -> tuple[int, int]:
        """Rows under the window of output rows [begin, end)."""
        del index
        return common.window_rows(self.windows(view)[0], begin, end)


def _op(view: View) -> DepthwiseConv2D:
    return common.op_of(view, DepthwiseConv2D)
