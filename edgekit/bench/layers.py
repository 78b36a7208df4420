"""The layers of the bench: graphs of one node each, of the shapes that small networks have, or a model's own."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from edgekit.ir.graph import Array, DType, Graph, Node, QuantParams, Shape, Tensor, View
from edgekit.ops.add import Add
from edgekit.ops.arg_max import ArgMax
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Activation, Op, Padding
from edgekit.ops.concatenation import Concatenation
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.dequantize import Dequantize
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.max_pool_2d import MaxPool2D
from edgekit.ops.mean import Mean
from edgekit.ops.mul import Mul
from edgekit.ops.pad import Pad
from edgekit.ops.quantize import Quantize
from edgekit.ops.relu import Relu
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgekit.ops.softmax import Softmax
from edgekit.ops.split import Split
from edgekit.ops.tanh import Tanh
from edgekit.ops.transpose import Transpose

T = TypeVar("T")

_LOWEST = -127
_SPREAD = 25.0
"""Standard deviation of the weights: trained filters are bell curves with few values near the ends."""
_LINEAR, _RELU, _RELU6 = (Activation.NONE, 3), (Activation.RELU, -128), (Activation.RELU6, -128)


_MACS = 250_000
"""About the most MACs of a layer drawn at random: plain C on a Cortex-M0+ takes a dozen instructions for each."""


class _Draw:
    """Shapes at random, the same ones every time."""

    def __init__(self, seed: str) -> None:
        self._rng = np.random.default_rng(zlib.crc32(seed.encode()))

    def one(self, *choices: T) -> T:
        """One of these."""
        return choices[int(self._rng.integers(0, len(choices)))]

    def size(self, low: int, high: int) -> int:
        """A size between two, small ones as likely as large ones; mostly a multiple of four."""
        value = round(math.exp(self._rng.uniform(math.log(low), math.log(high))))
        return value if self._rng.random() < 0.3 else max(4, value // 4 * 4)  # noqa: PLR2004

    def image(self, pixels: int) -> tuple[int, int]:
        """Height and width of at most so many pixels, and at least two."""
        height = self.size(1, max(2, min(30, pixels)))
        return height, max(2, min(self.size(2, 30), pixels // height))


def of_model(graph: Graph) -> list[Graph]:
    """Every layer of a model that needs code, as a graph of its own; of layers that are alike, all."""
    return [_alone(graph, view) for view in graph.views() if view.node.op.FAMILY]


def _alone(graph: Graph, view: View) -> Graph:
    tensors = [t for t in (*view.inputs, *view.outputs) if t is not None]
    inputs = tuple(dict.fromkeys(t.name for t in view.inputs if t is not None and t.data is None))
    return Graph(
        f"{graph.name} {view.node.name}",
        {t.name: t for t in tensors},
        (view.node,),
        inputs,
        tuple(t.name for t in view.outputs),
    )


def grid(family: str = "") -> list[Graph]:
    """The bench's layers, of one kernel family or of all; each has a name of its own that says what it is."""
    families = {
        "conv_2d": _convolutions,
        "depthwise_conv_2d": _depthwise,
        "fully_connected": _fully_connected,
        "pool": _pools,
        "add": _adds,
        "mul": _muls,
        "softmax": _softmaxes,
    }
    made = [g for make in families.values() for g in make()] + list(_others())
    return [g for g in made if not family or family == g.nodes[0].op.FAMILY]


def _convolutions() -> Iterator[Graph]:
    pointwise = [
        (24, 24, 8, 16), (20, 7, 12, 20), (12, 12, 16, 32), (25, 5, 64, 64), (12, 13, 32, 32), (9, 6, 24, 40),
        (6, 6, 64, 48), (6, 6, 128, 32), (3, 3, 128, 128), (3, 3, 256, 64), (5, 3, 48, 50), (2, 2, 200, 64),
        (1, 1, 256, 96), (1, 30, 40, 40), (40, 1, 16, 24), (7, 7, 31, 28), (11, 9, 4, 8), (10, 10, 8, 64),
        (1, 5, 64, 64), (2, 5, 64, 64), (3, 5, 64, 48), (2, 9, 32, 32), (1, 6, 48, 64), (1, 7, 96, 40), (2, 3, 128, 64),
    ]  # fmt: skip
    for at, (h, w, i, o) in enumerate(pointwise):
        yield _conv(h, w, i, o, act=_LINEAR if at % 3 == 2 else _RELU)  # noqa: PLR2004 - every third one
    windows = [
        (24, 24, 3, 8, 3, 3, 2), (16, 16, 3, 16, 3, 3, 1), (13, 9, 3, 10, 3, 3, 1), (12, 20, 3, 12, 3, 3, 2),
        (8, 8, 16, 16, 3, 3, 1), (8, 8, 16, 32, 3, 3, 2), (5, 7, 20, 18, 3, 3, 1), (4, 4, 64, 64, 3, 3, 1),
        (6, 6, 32, 20, 3, 3, 1), (12, 12, 8, 8, 3, 3, 1), (25, 10, 1, 32, 10, 4, 2), (20, 12, 1, 16, 5, 5, 1),
        (16, 16, 1, 12, 3, 3, 2), (16, 16, 2, 8, 3, 3, 1), (10, 10, 4, 8, 5, 5, 1), (30, 1, 40, 24, 3, 1, 1),
        (20, 1, 12, 16, 5, 1, 1), (1, 24, 16, 20, 1, 5, 1), (8, 8, 32, 32, 1, 1, 2), (14, 14, 16, 24, 1, 1, 2),
        (9, 9, 24, 12, 2, 2, 2), (12, 12, 3, 16, 5, 5, 2), (9, 8, 24, 12, 3, 3, 1), (6, 16, 12, 24, 3, 3, 1),
        (5, 20, 32, 16, 3, 3, 1), (4, 8, 48, 32, 3, 3, 1), (3, 24, 8, 40, 3, 3, 1), (2, 7, 40, 30, 3, 3, 1),
        (2, 10, 1, 64, 10, 4, 2), (4, 10, 1, 48, 10, 4, 2), (1, 15, 16, 16, 3, 3, 1), (2, 24, 3, 8, 3, 3, 2),
    ]  # fmt: skip
    for at, (h, w, i, o, kh, kw, stride) in enumerate(windows):
        yield _conv(h, w, i, o, (kh, kw), stride, act=_LINEAR if at % 3 == 1 else _RELU)
    draw = _Draw("convolutions")
    for _ in range(40):
        window = draw.one((1, 1), (1, 1), (1, 1), (3, 3), (3, 3), (5, 5), (3, 1), (1, 3))
        i, o = draw.size(1, 160 if window == (1, 1) else 48), draw.size(4, 96)
        h, w = draw.image(_MACS // (i * o * window[0] * window[1]))
        act = draw.one(_LINEAR, _RELU, _RELU)
        yield _conv(h, w, 4 * i if window == (1, 1) else i, o, window, draw.one(1, 1, 2), act=act)
    for h, w, i, o, k in (
        (12, 12, 16, 32, 1),
        (6, 6, 64, 24, 1),
        (3, 3, 96, 40, 1),
        (10, 10, 8, 16, 3),
        (20, 20, 3, 8, 3),
    ):
        yield _conv(h, w, i, o, (k, k), act=_RELU6)
    for h, w, i, o, k in ((8, 8, 16, 16, 1), (10, 9, 32, 24, 1), (8, 8, 3, 8, 3), (6, 6, 16, 16, 3)):
        yield _conv(h, w, i, o, (k, k), lowest=-128)
    yield _conv(6, 6, 16, 16, (3, 3), groups=4)


def _depthwise() -> Iterator[Graph]:
    shapes = [
        (24, 24, 8, 3, 3, 1), (24, 24, 8, 3, 3, 2), (12, 12, 32, 3, 3, 1), (12, 12, 30, 3, 3, 2), (25, 5, 64, 3, 3, 1),
        (6, 6, 64, 3, 3, 1), (7, 7, 40, 3, 3, 2), (3, 3, 128, 3, 3, 1), (20, 9, 12, 3, 3, 1), (11, 16, 20, 3, 3, 2),
        (16, 16, 6, 3, 3, 1), (16, 4, 16, 3, 3, 1), (8, 21, 10, 3, 3, 1), (30, 1, 40, 9, 1, 1), (20, 1, 64, 5, 1, 1),
        (14, 2, 32, 13, 1, 1), (1, 24, 24, 1, 5, 1), (12, 12, 16, 5, 5, 1), (12, 10, 8, 5, 5, 2), (10, 10, 16, 2, 2, 2),
        (30, 1, 16, 3, 1, 1), (16, 8, 24, 3, 3, 1), (40, 3, 8, 3, 1, 2),
    ]  # fmt: skip
    for at, (h, w, c, kh, kw, stride) in enumerate(shapes):
        for act in (_LINEAR, _RELU) if at < 4 else (_LINEAR if at % 3 == 0 else _RELU,):  # noqa: PLR2004
            yield _conv_depthwise(h, w, c, (kh, kw), stride, act=act)
    draw = _Draw("depthwise")
    for _ in range(40):
        window = draw.one((3, 3), (3, 3), (3, 3), (5, 5), (5, 1), (9, 1), (1, 3))
        c = draw.size(4, 200)
        h, w = draw.image(_MACS // (4 * c * window[0] * window[1]))
        yield _conv_depthwise(h, w, c, window, draw.one(1, 1, 2), act=draw.one(_LINEAR, _RELU, _RELU))
    for h, w, c, stride in (
        (48, 48, 8, 1),
        (48, 48, 8, 2),
        (40, 30, 12, 1),
        (32, 32, 16, 2),
        (12, 12, 24, 1),
        (5, 5, 64, 1),
    ):
        yield _conv_depthwise(h, w, c, (3, 3), stride, act=_RELU6 if c > 8 else _RELU)  # noqa: PLR2004 - half of them
    bands = [
        (1, 48, 8, 1), (2, 48, 8, 1), (4, 48, 8, 1), (1, 5, 64, 1), (2, 5, 64, 1), (3, 5, 64, 1), (1, 24, 16, 1),
        (2, 24, 16, 1), (3, 12, 24, 1), (1, 12, 48, 1), (2, 9, 30, 1), (1, 24, 8, 2), (2, 24, 8, 2), (1, 12, 32, 2),
        (3, 12, 16, 2), (4, 20, 12, 1),
    ]  # fmt: skip
    for at, (h, w, c, stride) in enumerate(bands):  # inner rows of an image: there is no border above and below
        size = (h - 1) * stride + 3, (w - 1) * stride + 3
        yield _conv_depthwise(*size, c, (3, 3), stride, act=_RELU if at % 2 else _LINEAR, padding=Padding.VALID)
    yield _conv_depthwise(10, 10, 8, (3, 3), multiplier=2)
    yield _conv_depthwise(8, 8, 1, (3, 3), multiplier=8)


def _fully_connected() -> Iterator[Graph]:
    shapes = [
        (640, 32), (128, 128), (128, 8), (8, 128), (64, 12), (64, 10), (256, 2), (30, 30), (100, 64), (17, 5),
        (480, 24), (32, 100), (63, 9),
    ]  # fmt: skip
    for at, (features, units) in enumerate(shapes):
        yield _dense(features, units, act=_RELU if at % 2 else _LINEAR)
    draw = _Draw("dense")
    for _ in range(10):
        yield _dense(draw.size(8, 512), draw.size(2, 128), act=draw.one(_LINEAR, _RELU))
    yield _dense(64, 40, per_channel=True)
    yield _dense(120, 16, per_channel=True)
    yield _dense(96, 24, lowest=-128)


def _pools() -> Iterator[Graph]:
    shapes = [
        (25, 5, 64, 25, 5, 1), (8, 8, 64, 8, 8, 1), (3, 3, 200, 3, 3, 1), (16, 16, 16, 2, 2, 2), (12, 12, 24, 3, 3, 2),
        (20, 1, 40, 20, 1, 1), (9, 9, 10, 3, 3, 1), (6, 6, 128, 6, 6, 1), (7, 7, 32, 7, 7, 1), (10, 4, 48, 10, 4, 1),
        (16, 16, 8, 4, 4, 4), (24, 24, 8, 2, 2, 2), (12, 1, 24, 2, 1, 2), (2, 2, 96, 2, 2, 1), (14, 14, 12, 3, 3, 1),
    ]  # fmt: skip
    for h, w, c, fh, fw, stride in shapes:
        for kind in (AveragePool2D, MaxPool2D):
            op = kind(Padding.VALID, stride, stride, fh, fw)
            yield _layer(op, [_act("in", (1, h, w, c))], f"{h}x{w}x{c} window {fh}x{fw} stride {stride}")


def _adds() -> Iterator[Graph]:
    for h, w, c in ((8, 8, 64), (16, 16, 16), (5, 7, 24), (12, 1, 30)):
        for scale, act in ((0.05, Activation.NONE), (0.05, Activation.RELU), (0.03, Activation.NONE)):
            ins = [_act("a", (1, h, w, c)), _act("b", (1, h, w, c), scale, -5)]
            zero = -128 if act is Activation.RELU else 7
            name = f"{h}x{w}x{c}, second scale {scale} {act.name.lower()}"
            yield _layer(Add(act), ins, name, _quant(0.08, zero))
    ins = [_act("a", (1, 8, 8, 16)), _act("b", (1, 1, 1, 16))]
    yield _layer(Add(), ins, "8x8x16, broadcast", _quant(0.08, 7))


def _muls() -> Iterator[Graph]:
    for h, w, c in ((8, 8, 64), (5, 7, 24)):
        for shape in ((1, h, w, c), (1, 1, 1, c)):
            ins = [_act("a", (1, h, w, c)), _act("b", shape, 0.03, -5)]
            yield _layer(Mul(), ins, f"{h}x{w}x{c} by {'x'.join(map(str, shape[1:]))}", _quant(0.08, 7))


def _softmaxes() -> Iterator[Graph]:
    for rows, depth in ((1, 2), (1, 12), (1, 100), (20, 10)):
        yield _layer(Softmax(), [_act("in", (rows, depth))], f"{rows}x{depth}", _quant(1 / 256, -128))


def _others() -> Iterator[Graph]:
    """The families with one kernel for everything: what only moves or maps elements."""
    image = (1, 12, 10, 24)
    half = _ints("axis", 3)
    for shape in (image, (1, 5, 4, 7)):
        size = "x".join(map(str, shape[1:]))
        some = _act("in", shape)
        yield _layer(Relu(), [some], size, _quant(0.05, 3))
        yield _layer(Tanh(), [some], size, _quant(1 / 128, 0))
        yield _layer(Quantize(), [some], f"{size} other scale", _quant(0.08, -3))
        yield _layer(Quantize(), [some], f"{size} clamp", _quant(0.05, 3))
        yield _layer(Quantize(), [Tensor("in", shape, DType.FLOAT32)], f"{size} from float", _quant(0.05, 3))
        yield _layer(Quantize(), [replace(some, dtype=DType.INT16)], f"{size} from int16", _quant(0.05, 3))
        yield _layer(Dequantize(), [some], size, None, dtype=DType.FLOAT32)
        yield _layer(Mean(), [some, _ints("axis", 1, 2)], f"{size} over height and width", some.quant)
        yield _layer(Pad(), [some, _ints("paddings", 0, 0, 1, 1, 1, 1, 0, 0, shape=(4, 2))], size, some.quant)
        yield _layer(
            Pad(), [some, _ints("paddings", 0, 1, 1, 1, 1, 1, 0, 0, shape=(4, 2))], f"{size} batch", some.quant
        )
        yield _layer(Concatenation(3), [some, replace(some, name="b")], f"{size} twice", some.quant)
        yield _layer(Transpose(), [some, _ints("perm", 0, 3, 1, 2)], size, some.quant)
        yield _layer(ResizeNearestNeighbor(), [some, _ints("size", 2 * shape[1], 2 * shape[2])], size, some.quant)
        yield _layer(ArgMax(), [some, half], size, None, dtype=DType.INT32)
    yield _layer(Split(2), [half, _act("in", image)], "12x10x24 in two", _act("in", image).quant, outputs=2)


def _conv(  # noqa: PLR0917 - four sizes and a window
    h: int,
    w: int,
    in_c: int,
    out_c: int,
    window: tuple[int, int] = (1, 1),
    stride: int = 1,
    *,
    act: tuple[Activation, int] = _RELU,
    lowest: int = -127,
    groups: int = 1,
) -> Graph:
    taps = window[0] * window[1] * in_c // groups
    op = Conv2D(Padding.SAME, stride, stride, 1, 1, act[0])
    name = f"{h}x{w}x{in_c}->{out_c} {window[0]}x{window[1]}" + f" stride {stride}" * (stride > 1)
    name += (
        " linear" * (act == _LINEAR)
        + " clamped" * (act == _RELU6)
        + " wide" * (lowest != _LOWEST)
        + f" groups {groups}" * (groups > 1)
    )
    shape = (out_c, *window, in_c // groups)
    weights = [_filter(shape, name, 0, lowest=lowest), _bias(out_c, name)]
    return _layer(op, [_act("in", (1, h, w, in_c), zero_point=-128), *weights], name, _out(taps, act))


def _conv_depthwise(
    h: int,
    w: int,
    in_c: int,
    window: tuple[int, int],
    stride: int = 1,
    *,
    multiplier: int = 1,
    act: tuple[Activation, int] = _RELU,
    padding: Padding = Padding.SAME,
) -> Graph:
    out_c = in_c * multiplier
    op = DepthwiseConv2D(padding, stride, stride, multiplier, 1, 1, act[0])
    name = f"{h}x{w}x{in_c} {window[0]}x{window[1]}" + f" stride {stride}" * (stride > 1)
    name += f" multiplier {multiplier}" * (multiplier > 1) + " linear" * (act == _LINEAR) + " clamped" * (act == _RELU6)
    name += " valid" * (padding is Padding.VALID)
    weights = [_filter((1, *window, out_c), name, 3), _bias(out_c, name)]
    source = _act("in", (1, h, w, in_c), zero_point=-128)
    return _layer(op, [source, *weights], name, _out(window[0] * window[1], act))


def _dense(
    features: int,
    units: int,
    *,
    act: tuple[Activation, int] = _LINEAR,
    per_channel: bool = False,
    lowest: int = -127,
) -> Graph:
    name = f"{features}->{units}" + " per channel" * per_channel + " wide" * (lowest != _LOWEST)
    name += " linear" * (act == _LINEAR)
    filters = _filter((units, features), name, 0, per_channel=per_channel, lowest=lowest)
    source = _act("in", (1, features), zero_point=-128)
    return _layer(FullyConnected(act[0]), [source, filters, _bias(units, name)], name, _out(features, act))


def _layer(
    op: Op,
    inputs: Sequence[Tensor],
    name: str,
    quant: QuantParams | None = None,
    *,
    dtype: DType = DType.INT8,
    outputs: int = 1,
) -> Graph:
    """A graph of one node; its outputs have the first input's quantisation unless told another."""
    names = tuple(f"out{i}" for i in range(outputs))
    made = [Tensor(n, (), dtype, (quant or inputs[0].quant) if dtype is DType.INT8 else None) for n in names]
    node = Node(op, tuple(t.name for t in inputs), names, (name,))
    shapes = op.output_shapes(View(node, tuple(inputs), tuple(made)))
    shaped = [replace(t, shape=s) for t, s in zip(made, shapes, strict=True)]
    runtime = tuple(t.name for t in inputs if t.data is None)
    return Graph(f"{op.NAME} {name}", {t.name: t for t in (*inputs, *shaped)}, (node,), runtime, names)


def _act(name: str, shape: Shape, scale: float = 0.05, zero_point: int = 3) -> Tensor:
    return Tensor(name, shape, DType.INT8, _quant(scale, zero_point))


def _quant(scale: float, zero_point: int) -> QuantParams:
    return QuantParams((float(np.float32(scale)),), (zero_point,))


def _out(taps: int, act: tuple[Activation, int]) -> QuantParams:
    """Quantisation of an output that random inputs and weights spread over the int8 range, or that 6 cuts short."""
    scale = 6 / 240 if act == _RELU6 else 0.05 * 0.002 * _SPREAD * taps**0.5
    return _quant(scale, act[1])


def _filter(shape: Shape, seed: str, axis: int, *, per_channel: bool = True, lowest: int = -127) -> Tensor:
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    data = np.clip(np.rint(rng.normal(0, _SPREAD, shape)), -127, 127).astype(np.int8)
    data.flat[0] = lowest
    count = shape[axis] if per_channel else 1
    scales = tuple(float(np.float32(0.002 * (0.5 + (7 * i % 11) / 10))) for i in range(count))
    return _constant("filter", data, QuantParams(scales, (0,) * count, axis))


def _bias(channels: int, seed: str) -> Tensor:
    rng = np.random.default_rng(zlib.crc32(seed.encode()) + 1)
    return _constant("bias", rng.integers(-2000, 2000, channels).astype(np.int32), None)


def _ints(name: str, *values: int, shape: Shape | None = None) -> Tensor:
    data = np.array(values, np.int32)
    if shape is not None:
        data = data.reshape(shape)
    elif len(values) == 1 and name == "axis" and values[0] > 2:  # noqa: PLR2004 - a scalar axis
        data = data.reshape(())
    return _constant(name, data, None)


def _constant(name: str, data: Array, quant: QuantParams | None) -> Tensor:
    data.flags.writeable = False
    return Tensor(name, data.shape, DType(data.dtype.name), quant, data)
