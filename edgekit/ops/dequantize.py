"""DEQUANTIZE: integers to float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, DType, Shape, View, image_rows
from edgekit.ops import _common as common
from edgekit.ops.base import Lowered, Op, Rule

_INTEGERS = (DType.INT8, DType.UINT8, DType.INT16)


@dataclass(frozen=True)
class Dequantize(Op):
    """Exact with tensorflow/lite/kernels/internal/reference/dequantize.h: one float32 product."""

    NAME: ClassVar[str] = "DEQUANTIZE"
    FAMILY: ClassVar[str] = "dequantize"
    ROWWISE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "DequantizeOptions"
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(1, 1),
        Rule(
            says="it goes from int8, uint8 or int16 with one scale to float32",
            holds=lambda v: (
                v.input(0).dtype in _INTEGERS
                and v.output.dtype is DType.FLOAT32
                and (q := v.input(0).quant) is not None
                and not q.per_channel
            ),
            attribute="types",
            found=lambda v: f"{v.input(0).dtype.value} to {v.output.dtype.value}",
            hint="quantise activations per tensor, to int8",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape."""
        return (view.input(0).shape,)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Scale times distance from the zero point."""
        tensor = view.input(0)
        centred = values[0].astype(np.int32) - np.int32(tensor.zero_point)
        return [np.float32(tensor.scale) * centred.astype(np.float32)]

    def lower(self, view: View) -> Lowered:
        """Elements of a row, bits of an input (negative if unsigned), zero point; the scale as an array of one."""
        tensor = view.input(0)
        sign = -1 if tensor.dtype is DType.UINT8 else 1
        return Lowered(
            {
                "row": image_rows(view.output.shape)[2],
                "in_bits": sign * 8 * tensor.dtype.size,
                "in_zp": tensor.zero_point,
            },
            {"scale": np.array([tensor.scale], np.float32)},
        )
