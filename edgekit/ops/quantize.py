"""QUANTIZE: float32 to integers, or integers to integers of another scale or width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, DType, Shape, Tensor, View, image_rows
from edgekit.ir.quant import INT8_MIN, quantize_multiplier, requantize
from edgekit.ops import _common as common
from edgekit.ops import _lut
from edgekit.ops.base import Lowered, Op, Rule

# What tensorflow/lite/micro/kernels/quantize_common.cc has, by input type.
_PAIRS = {
    DType.FLOAT32: (DType.INT8, DType.INT16),
    DType.INT8: (DType.INT8, DType.UINT8, DType.INT16, DType.INT32),
    DType.UINT8: (DType.INT8,),
    DType.INT16: (DType.INT8, DType.INT16, DType.INT32),
    DType.INT32: (DType.INT8, DType.INT16),
}
_BYTES = (DType.INT8, DType.UINT8)


@dataclass(frozen=True)
class Quantize(Op):
    """Exact with AffineQuantize and Requantize of tensorflow/lite/kernels/internal/reference.

    A real number beyond 2**31 steps, where the reference overflows, saturates on its own side; NaN gives the
    lowest value.
    """

    NAME: ClassVar[str] = "QUANTIZE"
    FAMILY: ClassVar[str] = "quantize"
    ROWWISE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "QuantizeOptions"
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(1, 1),
        Rule(
            says="it goes from float32 or integers to integers of 8, 16 or 32 bits as TensorFlow Lite Micro does",
            holds=lambda v: v.output.dtype in _PAIRS.get(v.input(0).dtype, ()),
            attribute="types",
            found=lambda v: f"{v.input(0).dtype.value} to {v.output.dtype.value}",
            hint="quantise the model to int8 in full",
        ),
        Rule(
            says="its integers have one scale",
            holds=lambda v: all(_one_scale(t) for t in (v.input(0), v.output)),
            attribute="scales",
            found=lambda v: [len(t.quant.scale) if t.quant else 0 for t in (v.input(0), v.output)],
            hint="quantise activations per tensor",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """The input's shape."""
        return (view.input(0).shape,)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Rounded half away from zero, or requantised; then clamped to the output's type."""
        if view.input(0).dtype is DType.FLOAT32:
            result = _from_real(view, values[0])
        else:
            result = _requantized(view, values[0].astype(np.int64))
        return [result.astype(view.output.dtype.numpy)]

    def lower(self, view: View) -> Lowered:
        """The table of a byte to byte conversion, or what the formula needs."""
        source, target = view.input(0), view.output
        if source.dtype in _BYTES and target.dtype in _BYTES:
            low = INT8_MIN if source.dtype is DType.INT8 else 0
            values = _requantized(view, np.arange(low, low + 256, dtype=np.int64))
            lowered = _lut.lower_table(view, np.roll(values.astype(target.dtype.numpy).view(np.int8), low))
            return Lowered({**lowered.ints, "table": 1 - lowered.ints["clamp"], "real": 0}, lowered.arrays)
        limits = np.iinfo(target.dtype.numpy)
        ints = {
            "row": image_rows(target.shape)[2],
            "clamp": 0,
            "table": 0,
            "real": int(source.dtype is DType.FLOAT32),
            "in_bits": 8 * source.dtype.size,
            "out_bits": 8 * target.dtype.size,
            "out_zp": target.zero_point,
            "act_min": int(limits.min),
            "act_max": int(limits.max),
        }
        if source.dtype is DType.FLOAT32:
            return Lowered(ints, {"scale": np.array([target.scale], np.float32)})
        factor = quantize_multiplier(source.scale / target.scale)
        return Lowered({**ints, "in_zp": source.zero_point, "multiplier": factor.value, "shift": factor.shift})


def _one_scale(tensor: Tensor) -> bool:
    if tensor.dtype is DType.FLOAT32:
        return True
    return tensor.quant is not None and not tensor.quant.per_channel


def _from_real(view: View, values: Array) -> Array:
    target = view.output
    limits = np.iinfo(target.dtype.numpy)
    with np.errstate(over="ignore"):
        steps = (values / np.float32(target.scale)).astype(np.float64)
    rounded = np.trunc(steps + np.copysign(0.5, steps))
    return np.clip(np.nan_to_num(rounded, nan=-np.inf) + target.zero_point, limits.min, limits.max)


def _requantized(view: View, values: Array) -> Array:
    source, target = view.input(0), view.output
    limits = np.iinfo(target.dtype.numpy)
    factor = quantize_multiplier(source.scale / target.scale)
    scaled = requantize(values - source.zero_point, factor.value, factor.shift) + target.zero_point
    return np.clip(scaled, limits.min, limits.max)
