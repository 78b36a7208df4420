"""Seeded random networks of every op: branches, residuals, views, splits, odd sizes, constants, wild numbers.

A network grows layer by layer. Each layer takes tensors that exist already, so that tensors are read twice, views are
made of tensors that are overwritten later, and some outputs are read by nobody.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from support.graphs import Spec, act, integers, real
from support.nets import PROBABILITY
from support.random_tensors import Tensors

from edgekit.ir.graph import DType, Graph, Shape, Tensor
from edgekit.ops.add import Add
from edgekit.ops.arg_max import ArgMax
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Op, Padding
from edgekit.ops.concatenation import Concatenation
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.dequantize import Dequantize
from edgekit.ops.expand_dims import ExpandDims
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.hard_swish import HardSwish
from edgekit.ops.leaky_relu import LeakyRelu
from edgekit.ops.logistic import Logistic
from edgekit.ops.max_pool_2d import MaxPool2D
from edgekit.ops.mean import Mean
from edgekit.ops.mul import Mul
from edgekit.ops.pad import Pad, PadV2
from edgekit.ops.quantize import Quantize
from edgekit.ops.relu import Relu
from edgekit.ops.relu6 import Relu6
from edgekit.ops.reshape import Reshape
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgekit.ops.softmax import Softmax
from edgekit.ops.split import Split
from edgekit.ops.squeeze import Squeeze
from edgekit.ops.strided_slice import StridedSlice
from edgekit.ops.sub import Sub
from edgekit.ops.tanh import Tanh
from edgekit.ops.transpose import Transpose

_MAX_ELEMENTS = 1500
_IMAGE = 4
_COLOURS = 3
# Of more equal elements tflite-micro cannot hold the sum and stops (tests/ops/test_softmax.py).
_SOFTMAX_DEPTH = 511


def random_graph(seed: int) -> Graph:
    """The network of ``seed``, of two to twelve layers; the same on every machine."""
    grown = _Growth(seed)
    wanted = grown.random.randint(2, 12)
    while len(grown.net.nodes) < wanted:
        grown.step()
    return grown.finished()


class _Growth(Tensors):
    """A network under construction. Every rule adds a layer, or does nothing if its input does not suit it."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.live: list[str] = []
        for _ in range(self.random.choice([1, 1, 2])):
            self.input()
        self.rules: tuple[tuple[Callable[[str], None], int], ...] = (
            (self.conv, 4),
            (self.depthwise, 3),
            (self.bottleneck, 4),
            (self.dense, 2),
            (self.pool, 2),
            (self.unary, 4),
            (self.binary, 5),
            (self.view, 5),
            (self.concat, 2),
            (self.split, 2),
            (self.slice, 1),
            (self.transpose, 1),
            (self.pad, 1),
            (self.resize, 1),
            (self.mean, 1),
            (self.softmax, 1),
            (self.requantize, 1),
        )

    def step(self) -> None:
        """One more layer, if the rule that was drawn suits the tensor that was drawn."""
        grow = self.random.choices([r for r, _ in self.rules], [n for _, n in self.rules])[0]
        recent = self.live[-3:] if self.random.random() < 0.7 else self.live
        grow(self.random.choice(recent))

    def finished(self) -> Graph:
        """The graph; its outputs are the last tensor and up to two others, some of them read further on."""
        made = [n for n in self.live if n not in self.net.inputs]
        outputs = [self.tail(self.net.nodes[-1].outputs[-1])]
        outputs += self.random.sample(made, min(len(made), self.random.choice([0, 0, 1, 2])))
        return self.net.graph(*dict.fromkeys(outputs))

    def tail(self, source: str) -> str:
        """Sometimes an output of another type."""
        tensor = self.tensor(source)
        kind = self.random.random()
        if tensor.dtype is not DType.INT8 or kind < 0.8 or not tensor.shape:
            return source
        if kind < 0.9:
            return self.net.layer(Dequantize(), source, out=(Spec(dtype=DType.FLOAT32),))[0]
        return self.net.layer(
            ArgMax(), source, integers(len(tensor.shape) - 1, shape=()), out=(Spec(dtype=DType.INT32),)
        )[0]

    def input(self) -> None:
        """One more input, sometimes of real numbers or 16 bits, which a layer of its own makes int8."""
        spec, kind = self.spec(self.shape()), self.random.random()
        if kind < 0.8:
            self.live.append(self.net.input(spec))
            return
        wide = replace(spec, scale=(3e-4,), zero_point=(0,), dtype=DType.INT16)
        given = real(spec.shape) if kind < 0.9 else wide
        self.add(Quantize(), self.net.input(given), out=(replace(spec, shape=()),))

    # Layers -----------------------------------------------------------------------------------------------------

    def add(self, op: Op, *inputs: str | Spec | None, out: tuple[Spec, ...] | None = None) -> None:
        """A layer, unless its outputs would be large; its outputs may be read from now on."""
        before = len(self.net.nodes)
        made = self.net.layer(op, *inputs, out=out or (self.spec(),))
        if any(not 0 < self.tensor(n).elements <= _MAX_ELEMENTS for n in made):
            del self.net.nodes[before:]
            return
        self.live += made

    def like(self, source: str) -> tuple[Spec, ...]:
        """An output with the scale of ``source``."""
        tensor = self.tensor(source)
        return (act((), tensor.scale, tensor.zero_point),)

    def conv(self, source: str) -> None:
        """A convolution, sometimes in groups, strided or dilated."""
        shape, pick = self.tensor(source).shape, self.random.choice
        if len(shape) != _IMAGE:
            return
        groups = pick([g for g in (1, 1, 1, 2, 4) if shape[-1] % g == 0])
        out_c, kh, kw = groups * pick([1, 2, 3, 4, 5]), pick([1, 1, 2, 3, 5]), pick([1, 1, 2, 3])
        padding = pick([Padding.SAME, Padding.VALID])
        dh, dw = pick([1, 1, 2]), pick([1, 1, 2])
        if padding is Padding.VALID and (shape[1] <= (kh - 1) * dh or shape[2] <= (kw - 1) * dw):
            return
        op = Conv2D(padding, pick([1, 1, 2, 3]), pick([1, 1, 2]), dh, dw, self.activation())
        filters = self.filter((out_c, kh, kw, shape[-1] // groups), 0, kh * kw * shape[-1] // groups)
        self.add(op, source, filters, self.bias(out_c, source, filters))

    def depthwise(self, source: str) -> None:
        """A depthwise convolution, sometimes with several outputs a channel."""
        shape, pick = self.tensor(source).shape, self.random.choice
        if len(shape) != _IMAGE:
            return
        many, kh, kw = pick([1, 1, 1, 2, 3]), pick([1, 2, 3, 3]), pick([1, 3, 3, 4])
        padding, dilation = pick([Padding.SAME, Padding.SAME, Padding.VALID]), pick([1, 1, 1, 2])
        if padding is Padding.VALID and (shape[1] <= (kh - 1) * dilation or shape[2] <= (kw - 1) * dilation):
            return
        stride = pick([1, 1, 2])
        op = DepthwiseConv2D(padding, stride, stride, many, dilation, dilation, self.activation())
        channels = shape[-1] * many
        filters = self.filter((1, kh, kw, channels), 3, kh * kw)
        absent = ()  # tflite-micro crashes where a depthwise layer says that its bias is absent
        given = self.bias(channels, source, filters)
        self.add(op, source, filters, *((given,) if given else absent))

    def bottleneck(self, source: str) -> None:
        """A convolution to some words of channels, layers that keep them, a convolution from them.

        Nothing else reads what lies between, so that dead channels can go and the fast kernels are in reach.
        """
        if len(self.tensor(source).shape) != _IMAGE:
            return
        made, after = source, len(self.live)
        steps = [self.squeeze_or_widen, *self.random.choices(self.keepers, k=self.random.choice([0, 1, 1, 2]))]
        for step in (*steps, self.squeeze_or_widen):
            step(made)
            made = self.live[-1] if len(self.live) > after else source
        del self.live[after:-1]

    @property
    def keepers(self) -> tuple[Callable[[str], None], ...]:
        """Rules whose output channels stand for their input channels."""
        return (self.plain_depthwise, self.pool, self.relu, self.shortcut)

    def squeeze_or_widen(self, source: str) -> None:
        """A convolution to some words of channels, with numbers as training makes them."""
        in_c, out_c = self.tensor(source).shape[-1], self.random.choice([4, 8, 12])
        size = self.random.choice([1, 3, 3] if in_c == _COLOURS else [1, 1, 3])
        filters = self.filter((out_c, size, size, in_c), 0, size * size * in_c, tame=True)
        self.add(Conv2D(activation=self.activation()), source, filters, self.bias(out_c, source, filters, tame=True))

    def plain_depthwise(self, source: str) -> None:
        """A depthwise convolution with numbers as training makes them."""
        channels, stride = self.tensor(source).shape[-1], self.random.choice([1, 1, 2])
        filters = self.filter((1, 3, 3, channels), 3, 9, tame=True)
        op = DepthwiseConv2D(Padding.SAME, stride, stride, activation=self.activation())
        self.add(op, source, filters, self.bias(channels, source, filters, tame=True))

    def relu(self, source: str) -> None:
        """RELU with a scale of its own."""
        self.add(Relu(), source)

    def shortcut(self, source: str) -> None:
        """A tensor and its depthwise convolution, added."""
        self.plain_depthwise(source)
        made = self.live[-1]
        if self.tensor(made).shape == self.tensor(source).shape:
            self.add(Add(self.activation()), source, made)

    def dense(self, source: str) -> None:
        """A fully connected layer over the last axis or over everything."""
        shape, pick = self.tensor(source).shape, self.random.choice
        if not shape:
            return
        features = pick([shape[-1], math.prod(shape[1:])])
        keep = features == shape[-1] and pick([True, False])
        units = pick([1, 2, 4, 5, 9])
        filters = self.filter((units, features), 0, features)
        self.add(
            FullyConnected(self.activation(), keep_num_dims=keep), source, filters, self.bias(units, source, filters)
        )

    def pool(self, source: str) -> None:
        """Average or maximum."""
        shape, pick = self.tensor(source).shape, self.random.choice
        if len(shape) != _IMAGE:
            return
        whole = self.random.random() < 0.3
        kh, kw = (shape[1], shape[2]) if whole else (pick([1, 2, 3]), pick([1, 2, 3]))
        padding = pick([Padding.SAME, Padding.VALID])
        if padding is Padding.VALID and (shape[1] < kh or shape[2] < kw):
            return
        op = pick([AveragePool2D, MaxPool2D])(padding, pick([1, 2]), pick([1, 2, 3]), kh, kw, self.activation())
        self.add(op, source, out=self.like(source))

    def unary(self, source: str) -> None:
        """An elementwise function, with the scale its op wants."""
        op = self.random.choice([Relu(), Relu(), Relu6(), LeakyRelu(0.2), HardSwish(), Logistic(), Tanh()])
        fixed = {"LOGISTIC": act((), 1 / 256, -128), "TANH": act((), 1 / 128, 0)}.get(op.NAME)
        self.add(op, source, out=(fixed or self.random.choice([self.like(source)[0], self.spec()]),))

    def binary(self, source: str) -> None:
        """ADD, SUB or MUL with a tensor of the same shape (itself, if need be), a view's broadcast or a constant."""
        shape, pick = self.tensor(source).shape, self.random.choice
        same = [n for n in self.live if self.tensor(n).shape == shape]
        other: str | Spec = pick([*same, source])
        if len(shape) <= _IMAGE and self.random.random() < 0.4:
            dims = tuple(pick([1, n]) for n in shape)
            other = replace(self.spec(pick([dims, shape, dims[1:]])), constant=True, low=-128)
        elif len(shape) <= _IMAGE and self.random.random() < 0.3:
            small = [n for n in self.live if self.broadcasts(n, shape)]
            other = pick(small) if small else other
        operands = (source, other) if self.random.random() < 0.5 else (other, source)
        self.add(pick([Add, Add, Sub, Mul])(self.activation()), *operands)

    def broadcasts(self, name: str, shape: Shape) -> bool:
        """Whether a tensor can be stretched to ``shape``."""
        mine = self.tensor(name).shape
        return len(mine) == len(shape) and all(a in (1, b) for a, b in zip(mine, shape, strict=True))

    def view(self, source: str) -> None:
        """The same bytes under another shape."""
        tensor, pick = self.tensor(source), self.random.choice
        shape, out = tensor.shape, self.like(source)
        kind = pick(["flat", "rows", "same", "image", "expand", "squeeze"])
        if kind == "squeeze":
            ones = [i for i, n in enumerate(shape) if n == 1]
            if ones and len(shape) > 2:
                self.add(Squeeze((pick(ones),)), source, out=out)
            return
        if kind == "expand" and len(shape) < _IMAGE:
            self.add(ExpandDims(), source, integers(pick(range(-1, len(shape) + 1)), shape=()), out=out)
            return
        count, channels = tensor.elements, shape[-1] if shape else 1
        sizes = {
            "flat": (shape[0] if shape else 1, -1),
            "rows": (-1, channels),
            "image": (1, count // channels, 1, channels),
        }.get(kind, shape)
        if not sizes or pick([True, False]):  # a constant of no elements is no tensor
            known = math.prod(n for n in sizes if n != -1)
            self.add(Reshape(tuple(count // known if n == -1 else n for n in sizes)), source, out=out)
        else:
            self.add(Reshape(), source, integers(*sizes, shape=(len(sizes),)), out=out)

    def concat(self, source: str) -> None:
        """Tensors of one scale along any axis, perhaps one of them twice, perhaps a constant."""
        tensor, pick = self.tensor(source), self.random.choice
        if not tensor.shape:
            return
        axis = pick(range(len(tensor.shape)))
        fitting = [n for n in self.live if self.fits_beside(self.tensor(n), tensor, axis)]
        parts: list[str | Spec] = [source, *(pick(fitting) for _ in range(pick([0, 1, 1, 2])))]
        if pick([True, False, False]):
            parts.append(replace(self.like(source)[0], shape=tensor.shape, constant=True))
        self.random.shuffle(parts)
        self.add(Concatenation(pick([axis, axis - len(tensor.shape)])), *parts, out=self.like(source))

    @staticmethod
    def fits_beside(other: Tensor, tensor: Tensor, axis: int) -> bool:
        """Whether a concatenation along ``axis`` may hold both."""

        def rest(t: Tensor) -> Shape:
            return t.shape[:axis] + t.shape[axis + 1 :]

        return other.quant == tensor.quant and len(other.shape) == len(tensor.shape) and rest(other) == rest(tensor)

    def split(self, source: str) -> None:
        """Equal parts, of which some may never be read."""
        shape, pick = self.tensor(source).shape, self.random.choice
        cuts = [(a, k) for a, n in enumerate(shape) for k in (1, 2, 3, 4) if n % k == 0]
        if cuts:
            axis, parts = pick(cuts)
            self.add(Split(parts), integers(axis, shape=()), source, out=self.like(source) * parts)

    def slice(self, source: str) -> None:
        """A strided slice, forwards or backwards."""
        shape, pick = self.tensor(source).shape, self.random.choice
        if not 0 < len(shape) <= _IMAGE:
            return
        begins, ends, strides = [], [], []
        for n in shape:
            first, stride = pick(range(n)), pick([1, 1, 2, -1])
            begins.append(first)
            ends.append(n if stride > 0 else -n - 1)
            strides.append(stride)
        size = len(shape)
        args = [integers(*x, shape=(size,)) for x in (begins, ends, strides)]
        self.add(StridedSlice(), source, *args, out=self.like(source))

    def transpose(self, source: str) -> None:
        """Any order of the dimensions."""
        rank = len(self.tensor(source).shape)
        if rank:
            order = self.random.sample(range(rank), rank)
            self.add(Transpose(), source, integers(*order, shape=(rank,)), out=self.like(source))

    def pad(self, source: str) -> None:
        """Zeros or another value on any side."""
        rank = len(self.tensor(source).shape)
        if 0 < rank <= _IMAGE:
            amounts = [self.random.choice([0, 0, 1, 2]) for _ in range(2 * rank)]
            where = integers(*amounts, shape=(rank, 2))
            if self.random.random() < 0.5:
                self.add(Pad(), source, where, out=self.like(source))
                return
            fill = replace(self.like(source)[0], constant=True, values=(self.random.randint(-128, 127),))
            self.add(PadV2(), source, where, fill, out=self.like(source))

    def resize(self, source: str) -> None:
        """Nearest neighbours."""
        if len(self.tensor(source).shape) == _IMAGE:
            size = integers(self.random.choice([1, 3, 4, 10]), self.random.choice([1, 2, 5]))
            corners, centres = self.random.choice([(False, False), (True, False), (False, True)])
            self.add(ResizeNearestNeighbor(corners, centres), source, size, out=self.like(source))

    def mean(self, source: str) -> None:
        """Over any axes."""
        rank = len(self.tensor(source).shape)
        if rank:
            axes = sorted(self.random.sample(range(rank), self.random.randint(1, rank)))
            self.add(Mean(self.random.choice([True, False])), source, integers(*axes))

    def softmax(self, source: str) -> None:
        """Over the last axis."""
        shape = self.tensor(source).shape
        if shape and shape[-1] <= _SOFTMAX_DEPTH:
            self.add(Softmax(), source, out=(PROBABILITY,))

    def requantize(self, source: str) -> None:
        """Another scale, sometimes by way of a wider type."""
        if self.random.random() < 0.7:
            self.add(Quantize(), source)
            return
        (wide,) = self.net.layer(Quantize(), source, out=(Spec(scale=(2e-4,), dtype=DType.INT16),))
        self.add(Quantize(), wide)
