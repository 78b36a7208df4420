"""RESIZE_NEAREST_NEIGHBOR: an image at another height and width, each pixel the nearest of the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, DType, Shape, View
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Lowered, Op, Option, Rule

_DATA, _SIZE = 0, 1


@dataclass(frozen=True)
class ResizeNearestNeighbor(Op):
    """Inputs: image (N,H,W,C), constant size (OH, OW) int32.

    Exact with tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h, float32 rounding included.
    """

    align_corners: bool = False
    half_pixel_centers: bool = False

    NAME: ClassVar[str] = "RESIZE_NEAREST_NEIGHBOR"
    KEEPS_SCALE: ClassVar[bool] = True
    FAMILY: ClassVar[str] = "resize_nearest_neighbor"
    ROWWISE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "ResizeNearestNeighborOptions"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option("align_corners", "AlignCorners", bool),
        Option("half_pixel_centers", "HalfPixelCenters", bool),
    )
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 2),
        common.constant(_SIZE, "size"),
        common.rank(_DATA, 4),
        _move.same_type(_DATA),
        Rule(
            says="its size is two int32 of at least 1",
            holds=lambda v: (
                v.input(_SIZE).dtype is DType.INT32
                and v.input(_SIZE).elements == 2  # noqa: PLR2004
                and min(_move.constant_ints(v.input(_SIZE))) >= 1
            ),
            attribute="size",
            found=lambda v: f"{v.input(_SIZE).dtype.value} {_move.constant_ints(v.input(_SIZE))}",
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """(N,OH,OW,C)."""
        n, _, _, c = view.input(_DATA).shape
        height, width = _move.constant_ints(view.input(_SIZE))
        return ((n, height, width, c),)

    def nearest(self, size: int, out: int) -> Array:
        """For each of ``out`` positions that of the nearest of ``size`` elements, int32."""
        one = np.float32(1)
        if self.align_corners and out > 1:
            scale = np.float32(size - 1) / np.float32(out - 1)
        else:
            scale = np.float32(size) / np.float32(out)
        centre = one / 2 if self.half_pixel_centers else np.float32(0)
        position = (np.arange(out, dtype=np.float32) + centre) * scale
        # std::round of a float32 that is not negative; its half is exact in double
        rounded = np.floor(position.astype(np.float64) + 0.5) if self.align_corners else np.floor(position)
        return np.clip(rounded, 0, size - 1).astype(np.int32)

    def maps(self, view: View) -> tuple[Array, Array]:
        """Input row of each output row, input column of each output column."""
        _, h, w, _ = view.input(_DATA).shape
        _, out_h, out_w, _ = self.output_shapes(view)[0]
        return self.nearest(h, out_h), self.nearest(w, out_w)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Rows gathered, then columns."""
        rows, columns = self.maps(view)
        return [values[_DATA][:, rows][:, :, columns]]

    def activations(self, view: View) -> tuple[int, ...]:
        """The image."""
        del view
        return (_DATA,)

    def input_rows(self, view: View, index: int, begin: int, end: int) -> tuple[int, int]:
        """The rows nearest to [begin, end), which never run backwards."""
        del index
        rows, _ = self.maps(view)
        return int(rows[begin]), int(rows[end - 1]) + 1

    def lower(self, view: View) -> Lowered:
        """Width, bytes of a pixel, and the two maps: rows by number, columns by byte offset."""
        rows, columns = self.maps(view)
        pixel = view.output.shape[3] * view.output.dtype.size
        return Lowered(
            {"out_w": view.output.shape[2], "pixel_bytes": pixel},
            {"row_map": rows, "column_map": columns * np.int32(pixel)},
        )
