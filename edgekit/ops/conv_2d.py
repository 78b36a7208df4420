"""CONV_2D: a filter (OHWI) slides over an image (NHWC); groups when the filter has fewer input channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _real
from edgekit.ops.base import Activation, Lowered, Op, Option, Padding, Rule


@dataclass(frozen=True)
class Conv2D(Op):
    """2-D convolution of int8 by int8 filters with an int32 bias.

    Inputs: image (N,H,W,IC), filter (OC,KH,KW,IC/groups), optional bias (OC). Exact with
    tensorflow/lite/kernels/internal/reference/integer_ops/conv.h, ConvPerChannel.
    """

    padding: Padding = Padding.SAME
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    activation: Activation = Activation.NONE

    NAME: ClassVar[str] = "CONV_2D"
    FAMILY: ClassVar[str] = "conv_2d"
    ROWWISE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "Conv2DOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option("padding", "Padding", Padding),
        Option("stride_h", "StrideH"),
        Option("stride_w", "StrideW"),
        Option("dilation_h", "DilationHFactor"),
        Option("dilation_w", "DilationWFactor"),
        Option("activation", "FusedActivationFunction", Activation),
    )
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 3),
        common.int8_activations(0),
        common.rank(0, 4),
        common.rank(1, 4, what="its filter"),
        common.positive("stride", lambda v: (common.op_of(v, Conv2D).stride_h, common.op_of(v, Conv2D).stride_w)),
        common.positive("dilation", lambda v: (common.op_of(v, Conv2D).dilation_h, common.op_of(v, Conv2D).dilation_w)),
        common.activation(lambda v: common.op_of(v, Conv2D).activation),
        *common.filter_rules(0, lambda v: v.input(1).shape[0]),
        Rule(
            says="its input channels divide into equal groups of the filter's channels, and its output channels too",
            holds=lambda v: (
                v.input(0).shape[3] % v.input(1).shape[3] == 0
                and v.input(1).shape[0] % (v.input(0).shape[3] // v.input(1).shape[3]) == 0
            ),
            attribute="channels",
            found=lambda v: f"{v.input(0).shape[3]} in, filter {v.input(1).shape}",
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
        return ((view.input(0).shape[0], y.out, x.out, view.input(1).shape[0]),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Sum over the taps, one matrix product per tap and group, in wrapping 32 bits."""
        y, x = self.windows(view)
        out_c, kh, kw, filter_c = view.input(1).shape
        groups = view.input(0).shape[3] // filter_c
        # The border contributes nothing: it holds the zero point, which is subtracted.
        image = common.pad_image(values[0].astype(np.int64) - view.input(0).zero_point, y, x, 0)
        filters = values[1].astype(np.int64).reshape(groups, out_c // groups, kh, kw, filter_c)
        acc = np.zeros((*self.output_shapes(view)[0][:3], groups, out_c // groups), np.int64)
        for fy in range(kh):
            for fx in range(kw):
                tap = common.taps(image, y, x, fy, fx)
                tap = tap.reshape(*tap.shape[:3], groups, filter_c)
                acc += common.exact_product("nhwgi,goi->nhwgo", tap, filters[:, :, fy, fx])
        acc = acc.reshape(self.output_shapes(view)[0])
        return [common.finish(acc, view, common.channel_scales(view), self.activation)]

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """All taps of an output position side by side, one matrix product a group."""
        y, x = self.windows(view)
        out_c, kh, kw, filter_c = view.input(1).shape
        groups = view.input(0).shape[3] // filter_c
        image = common.pad_image(values[0], y, x, 0)
        taps = [common.taps(image, y, x, fy, fx) for fy in range(kh) for fx in range(kw)]
        filters = values[1].reshape(groups, out_c // groups, kh * kw * filter_c)
        parts: list[Array] = []
        for g in range(groups):
            chosen = slice(g * filter_c, (g + 1) * filter_c)
            patches = np.concatenate([t[..., chosen] for t in taps], axis=-1)
            parts.append(patches @ filters[g].T)
        return [_real.finish(np.concatenate(parts, axis=-1), values, self.activation)]

    def lower(self, view: View) -> Lowered:
        """Window, channels, groups, zero points, clamps; filter OHWI, bias, multiplier and shift per channel."""
        out_c, _, _, filter_c = view.input(1).shape
        in_c = view.input(0).shape[3]
        base = common.weighted(view, out_c, common.channel_scales(view), self.activation)
        sizes = {**common.window_ints(*self.windows(view)), "in_c": in_c, "out_c": out_c, "groups": in_c // filter_c}
        return Lowered({**sizes, **base.ints}, base.arrays)

    def macs(self, view: View) -> int:
        """Output elements times filter taps, the border included."""
        _, kh, kw, filter_c = view.input(1).shape
        return view.output.elements * kh * kw * filter_c

    def input_rows(self, view: View, index: int, begin: int, end: int) -> tuple[int, int]:
        """Rows under the window of output rows [begin, end)."""
        del index
        return common.window_rows(self.windows(view)[0], begin, end)
