"""What several ops share: window geometry, activation ranges, per-channel multipliers and common rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from edgekit.ir.graph import Array, DType, QuantParams, Tensor, View
from edgekit.ir.quant import INT8_MAX, INT8_MIN, quantize_multiplier, quantize_real, requantize, wrap_int32
from edgekit.ops import accumulators
from edgekit.ops.base import Activation, Lowered, Op, Padding, Rule

SUPPORTED_ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU_N1_TO_1, Activation.RELU6)
_MAX_TAPS = 1 << 16
OpT = TypeVar("OpT", bound=Op)


@dataclass(frozen=True)
class Axis:
    """A window sliding along one axis: sizes in elements, ``pad`` before the first element."""

    size: int
    window: int
    stride: int
    dilation: int
    out: int
    pad: int


def slide(padding: Padding, size: int, window: int, stride: int, dilation: int = 1) -> Axis:
    """Output size and leading padding of a window (tensorflow/lite/kernels/padding.h, ComputePaddingHeightWidth)."""
    extent = (window - 1) * dilation + 1
    out = -(-size // stride) if padding is Padding.SAME else (size + stride - extent) // stride
    total = max((out - 1) * stride + extent - size, 0)
    return Axis(size, window, stride, dilation, out, total // 2)


def window_rows(axis: Axis, begin: int, end: int) -> tuple[int, int]:
    """Input rows [first, last) inside the tensor that output rows [begin, end) read."""
    first = begin * axis.stride - axis.pad
    last = (end - 1) * axis.stride - axis.pad + (axis.window - 1) * axis.dilation + 1
    return min(max(first, 0), axis.size), min(max(last, 0), axis.size)


def taps(padded: Array, y: Axis, x: Axis, fy: int, fx: int) -> Array:
    """The elements of ``padded`` (N,H,W,C) that tap (fy, fx) meets at every output position: (N,OH,OW,C)."""
    top, left = fy * y.dilation, fx * x.dilation
    return padded[
        :,
        top : top + (y.out - 1) * y.stride + 1 : y.stride,
        left : left + (x.out - 1) * x.stride + 1 : x.stride,
    ]


def pad_image(values: Array, y: Axis, x: Axis, fill: float) -> Array:
    """``values`` (N,H,W,C) with a border of ``fill`` wide enough for every tap of both windows."""

    def after(axis: Axis) -> int:
        reach = (axis.out - 1) * axis.stride + (axis.window - 1) * axis.dilation + 1
        return max(reach - axis.pad - axis.size, 0)

    border = ((0, 0), (y.pad, after(y)), (x.pad, after(x)), (0, 0))
    return np.pad(values, border, constant_values=fill)


def activation_range(activation: Activation, output: Tensor) -> tuple[int, int]:
    """Clamp of an int8 output after a fused activation (CalculateActivationRangeQuantized)."""

    def q(real: float) -> int:
        return quantize_real(real, output.scale, output.zero_point)

    match activation:
        case Activation.RELU:
            return max(INT8_MIN, q(0.0)), INT8_MAX
        case Activation.RELU6:
            return max(INT8_MIN, q(0.0)), min(INT8_MAX, q(6.0))
        case Activation.RELU_N1_TO_1:
            return max(INT8_MIN, q(-1.0)), min(INT8_MAX, q(1.0))
        case _:
            return INT8_MIN, INT8_MAX


def clamp(values: Array, low: int, high: int) -> Array:
    """int8 ``values`` as TensorFlow Lite clamps them: first from below, then from above."""
    return np.minimum(np.maximum(values, low), high).astype(np.int8)


def channel_scales(view: View) -> list[float]:
    """Input scale * filter scale / output scale, one or one per output channel.

    In double, as PopulateConvolutionQuantizationParams (tensorflow/lite/kernels/kernel_util.cc) does.
    """
    quant = view.input(1).quant or QuantParams((1.0,), (0,))
    return [view.input(0).scale * s / view.output.scale for s in quant.scale]


def exact_product(subscripts: str, a: Array, b: Array) -> Array:
    """``np.einsum`` of integer arrays, exact as long as sums stay below 2**53: float64 runs on BLAS."""
    product = np.einsum(subscripts, a.astype(np.float64), b.astype(np.float64), optimize=True)
    return np.rint(product).astype(np.int64)


def finish(acc: Array, view: View, reals: list[float], act: Activation) -> Array:
    """int8 output of int32 accumulators (..., channels): bias, requantisation, zero point, clamp."""
    channels = acc.shape[-1]
    multiplier, shift = _fixed_point(reals, channels)
    scaled = requantize(wrap_int32(acc + bias_or_zeros(view, channels)), multiplier, shift)
    return clamp(scaled + view.output.zero_point, *activation_range(act, view.output))


def weighted(view: View, channels: int, reals: list[float], act: Activation, axis: int = 0) -> Lowered:
    """What every layer with a filter is lowered to beside its sizes; ``axis`` of the filter is its channels.

    ``multiplier`` and ``shift`` hold one entry per output channel; where all are equal ``per_channel`` is 0 and the
    ints ``out_multiplier`` and ``out_shift`` say the same, so that a kernel can do without the arrays. The ints of
    ``accumulators.summary`` say which fast kernels stay exact.
    """
    multiplier, shift = _fixed_point(reals, channels)
    act_min, act_max = activation_range(act, view.output)
    filters = np.moveaxis(view.input(1).value, axis, 0).reshape(channels, -1)
    bias = bias_or_zeros(view, channels)
    facts = accumulators.channels(
        filters,
        bias,
        multiplier,
        shift,
        in_zp=view.input(0).zero_point,
        out=(view.output.zero_point, act_min, act_max),
    )
    uniform = len(set(zip(multiplier.tolist(), shift.tolist(), strict=True))) == 1
    return Lowered(
        ints={
            "in_zp": view.input(0).zero_point,
            "out_zp": view.output.zero_point,
            "act_min": act_min,
            "act_max": act_max,
            "per_channel": 0 if uniform else 1,
            "out_multiplier": int(multiplier[0]) if uniform else 0,
            "out_shift": int(shift[0]) if uniform else 0,
            **accumulators.summary(facts, filters, shift),
        },
        arrays={
            "filter": view.input(1).value,
            "bias": bias,
            "multiplier": multiplier,
            "shift": shift,
        },
    )


def window_ints(y: Axis, x: Axis) -> dict[str, int]:
    """The ints of a window over an image, but for its channels."""
    return {
        "in_h": y.size, "in_w": x.size, "out_h": y.out, "out_w": x.out, "kh": y.window, "kw": x.window,
        "stride_h": y.stride, "stride_w": x.stride, "dilation_h": y.dilation, "dilation_w": x.dilation,
        "pad_top": y.pad, "pad_left": x.pad,
    }  # fmt: skip


def _fixed_point(reals: list[float], channels: int) -> tuple[Array, Array]:
    """Multipliers and shifts of real factors, one for all ``channels`` or one each."""
    pairs = [quantize_multiplier(real) for real in reals]
    if len(pairs) == 1:
        pairs *= channels
    return np.array([m.value for m in pairs], np.int32), np.array([m.shift for m in pairs], np.int32)


def bias_or_zeros(view: View, channels: int) -> Array:
    """The int32 bias of input 2, zeros if it is absent."""
    bias = view.optional(2)
    return np.zeros(channels, np.int32) if bias is None else bias.value.astype(np.int32).reshape(channels)


def op_of(view: View, kind: type[OpT]) -> OpT:
    """The op of ``view``, which must be a ``kind``: how the rules of a class reach its fields."""
    op = view.node.op
    if not isinstance(op, kind):
        message = f"{view.node.name} is not a {kind.__name__}"
        raise TypeError(message)
    return op


# Rules -------------------------------------------------------------------------------------------------------------


def counts(low: int, high: int, outputs: int = 1) -> Rule:
    """The rule about how many inputs and outputs a layer has; always the first one."""
    words = {0: "no", 1: "one", 2: "two", 3: "three", 4: "four"}
    between = "or" if high == low + 1 else "to"
    span = words.get(low, low) if low == high else f"{words.get(low, low)} {between} {words.get(high, high)}"
    taken = f"{span} input{'s' if high > 1 else ''}"
    made = f"{words.get(outputs, outputs)} output{'s' if outputs != 1 else ''}"
    return Rule(
        says=f"the layer has {taken} and {made}",
        holds=lambda v: low <= len(v.inputs) <= high and len(v.outputs) == outputs and None not in v.inputs[:low],
        attribute="inputs, outputs",
        found=lambda v: f"{sum(t is not None for t in v.inputs)}, {len(v.outputs)}",
        hint="convert the model again with a current TensorFlow Lite converter",
        decisive=True,
    )


def int8_activations(*inputs: int) -> Rule:
    """The rule that the named inputs and all outputs are int8 with one scale each."""
    return Rule(
        says="its activations are int8 with one scale each",
        holds=lambda v: all(_is_int8(t) for t in (*(v.inputs[i] for i in inputs), *v.outputs)),
        attribute="types",
        found=lambda v: ", ".join(_describe(t) for t in (*v.inputs, *v.outputs)),
        hint="quantise the model to int8 in full (inference_input_type and inference_output_type int8)",
        decisive=True,
    )


def _is_int8(tensor: Tensor | None) -> bool:
    return (
        tensor is not None and tensor.dtype is DType.INT8 and tensor.quant is not None and not tensor.quant.per_channel
    )


def _describe(tensor: Tensor | None) -> str:
    if tensor is None:
        return "absent"
    if tensor.quant is None:
        return f"{tensor.dtype.value} without scale"
    return f"{tensor.dtype.value} with {len(tensor.quant.scale)} scale(s)"


def rank(index: int, *allowed: int, what: str = "its input") -> Rule:
    """The rule about how many dimensions input ``index`` has."""
    text = " or ".join(str(r) for r in allowed)
    return Rule(
        says=f"{what} has {text} dimensions",
        holds=lambda v: len(v.input(index).shape) in allowed,
        attribute="shape",
        found=lambda v: v.input(index).shape,
        hint="reshape it before the layer",
        decisive=True,
    )


def constant(index: int, what: str) -> Rule:
    """The rule that input ``index``, if there, is a constant."""
    return Rule(
        says=f"its {what} is a constant",
        holds=lambda v: (t := v.optional(index)) is None or t.data is not None,
        attribute=what,
        found=lambda v: f"tensor '{v.input(index).name}', computed at run time",
        hint="export the model with frozen weights",
        decisive=True,
    )


def activation(get: Callable[[View], Activation]) -> Rule:
    """The rule about fused activations."""
    names = ", ".join(a.name for a in SUPPORTED_ACTIVATIONS)
    return Rule(
        says=f"its fused activation is one of {names}",
        holds=lambda v: get(v) in SUPPORTED_ACTIVATIONS,
        attribute="activation",
        found=lambda v: get(v).name,
        hint="make the activation a layer of its own",
    )


def positive(attribute: str, get: Callable[[View], tuple[int, ...]]) -> Rule:
    """The rule that some integers (strides, filter sizes) are at least 1 and fit 16 bits."""
    return Rule(
        says=f"its {attribute} is at least 1 and below 32768",
        holds=lambda v: all(1 <= n < 1 << 15 for n in get(v)),
        attribute=attribute,
        found=get,
        hint="the file is damaged or was written by hand",
    )


def filter_rules(axis: int, channels: Callable[[View], int]) -> tuple[Rule, ...]:
    """Rules about the int8 filter in input 1, quantised along ``axis``, and the int32 bias in input 2."""
    return (
        constant(1, "filter"),
        constant(2, "bias"),
        Rule(
            says="its filter is int8, symmetric, with one scale or one per output channel",
            holds=lambda v: _filter_fits(v.input(1), axis, channels(v)),
            attribute="filter",
            found=lambda v: _describe(v.input(1)),
            hint="quantise the weights to int8 with zero point 0",
        ),
        Rule(
            says=f"an output channel has at most {_MAX_TAPS} weights",
            holds=lambda v: v.input(1).elements <= _MAX_TAPS * channels(v),
            attribute="filter",
            found=lambda v: v.input(1).shape,
            hint="the sum of more products may not fit 32 bits",
        ),
        Rule(
            says="its bias is int32 with one value per output channel",
            holds=lambda v: (b := v.optional(2)) is None or (b.dtype is DType.INT32 and b.elements == channels(v)),
            attribute="bias",
            found=lambda v: f"{v.input(2).dtype.value} {v.input(2).shape}",
            hint="convert the model again with a current TensorFlow Lite converter",
        ),
    )


def _filter_fits(tensor: Tensor, axis: int, channels: int) -> bool:
    quant = tensor.quant
    if tensor.dtype is not DType.INT8 or quant is None or any(quant.zero_point):
        return False
    return not quant.per_channel or (quant.axis == axis and len(quant.scale) == channels)
