"""What AVERAGE_POOL_2D and MAX_POOL_2D share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _real
from edgekit.ops.base import Activation, Lowered, Op, Option, Padding, Rule

_SCALE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Pool2D(Op):
    """A window over each channel of an image (N,H,W,C).

    Exact with tensorflow/lite/kernels/internal/reference/integer_ops/pooling.h.
    """

    padding: Padding = Padding.VALID
    stride_h: int = 1
    stride_w: int = 1
    filter_h: int = 1
    filter_w: int = 1
    activation: Activation = Activation.NONE

    FAMILY: ClassVar[str] = "pool"
    KEEPS_SCALE: ClassVar[bool] = True
    ROWWISE: ClassVar[bool] = True
    IS_MAX: ClassVar[bool]
    OPTIONS_TABLE: ClassVar[str] = "Pool2DOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option("padding", "Padding", Padding),
        Option("stride_h", "StrideH"),
        Option("stride_w", "StrideW"),
        Option("filter_h", "FilterHeight"),
        Option("filter_w", "FilterWidth"),
        Option("activation", "FusedActivationFunction", Activation),
    )
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(1, 1),
        common.int8_activations(0),
        common.rank(0, 4),
        common.positive("stride", lambda v: (_op(v).stride_h, _op(v).stride_w)),
        common.positive("filter", lambda v: (_op(v).filter_h, _op(v).filter_w)),
        common.activation(lambda v: _op(v).activation),
        Rule(
            says="its input and output have the same scale and zero point",
            holds=lambda v: (
                abs(v.input(0).scale - v.output.scale) <= _SCALE_TOLERANCE
                and v.input(0).zero_point == v.output.zero_point
            ),
            attribute="quantisation",
            found=lambda v: f"{v.input(0).quant} in, {v.output.quant} out",
            hint="convert the model again with a current TensorFlow Lite converter",
        ),
    )

    def windows(self, view: View) -> tuple[common.Axis, common.Axis]:
        """The window along height and along width."""
        _, h, w, _ = view.input(0).shape
        return (
            common.slide(self.padding, h, self.filter_h, self.stride_h),
            common.slide(self.padding, w, self.filter_w, self.stride_w),
        )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """(N,OH,OW,C)."""
        y, x = self.windows(view)
        n, _, _, c = view.input(0).shape
        return ((n, y.out, x.out, c),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Each window reduced over the elements that lie inside the image."""
        border = np.iinfo(np.int8).min if self.IS_MAX else 0
        reduced = self.reduce(*self._windowed(view, values[0].astype(np.int64), border))
        return [common.clamp(reduced, *common.activation_range(self.activation, view.output))]

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """Each window reduced over the elements that lie inside the image."""
        taps, count = self._windowed(view, values[0], -np.inf if self.IS_MAX else 0)
        reduced = np.max(taps, axis=0) if self.IS_MAX else np.sum(taps, axis=0) / count
        return [_real.activate(reduced, self.activation)]

    def _windowed(self, view: View, image: Array, border: float) -> tuple[list[Array], Array | int]:
        """The elements at each tap, ``border`` outside the image, and how many of each window lie inside."""
        y, x = self.windows(view)
        padded = common.pad_image(image, y, x, border)
        inside = common.pad_image(np.ones_like(image[:1, :, :, :1]), y, x, 0)
        taps = [(fy, fx) for fy in range(y.window) for fx in range(x.window)]
        counts: list[Array] = [common.taps(inside, y, x, *tap) for tap in taps]
        return [common.taps(padded, y, x, *tap) for tap in taps], sum(counts)

    @abstractmethod
    def reduce(self, taps: list[Array], count: Array | int) -> Array:
        """One value per window, given the elements at each tap and how many lie inside the image."""

    def lower(self, view: View) -> Lowered:
        """Window, channels, clamps; ``max`` tells the two ops apart."""
        act_min, act_max = common.activation_range(self.activation, view.output)
        c = view.input(0).shape[3]
        ints = {**common.window_ints(*self.windows(view)), "in_c": c, "out_c": c}
        return Lowered({**ints, "act_min": act_min, "act_max": act_max, "max": int(self.IS_MAX)})

    def input_rows(self, view: View, index: int, begin: int, end: int) -> tuple[int, int]:
        """Rows under the window of output rows [begin, end)."""
        del index
        return common.window_rows(self.windows(view)[0], begin, end)


def _op(view: View) -> Pool2D:
    return common.op_of(view, Pool2D)
