"""Small models for tests: a builder that strings ops together, and seeded random networks made with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.ir.graph import Array, DType, Graph, Node, QuantParams, Shape, Tensor, View
from edgekit.ops.add import Add
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Activation, Op, Padding
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.reshape import Reshape
from edgekit.ops.softmax import Softmax

EXTREMES = (
    lambda shape: np.full(shape, -128, np.int8),
    lambda shape: np.full(shape, 127, np.int8),
    lambda shape: np.zeros(shape, np.int8),
)


class Builder:
    """A graph under construction; every method adds a layer and returns its output's name."""

    def __init__(self, name: str, shape: Shape, seed: int = 0, zero_point: int = -1) -> None:
        self.random = np.random.default_rng(seed)
        self.name = name
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.input = self._tensor("input", shape, DType.INT8, _quant(0.05, zero_point))

    def conv(self, source: str, channels: int, size: int = 3, stride: int = 1, dead: Sequence[int] = ()) -> str:
        """A convolution with ReLU; ``dead`` channels have zero filters and wild biases."""
        in_c = self.tensors[source].shape[-1]
        filters = self.random.integers(-127, 128, (channels, size, size, in_c), np.int8)
        filters[list(dead)] = 0
        op = Conv2D(Padding.SAME, stride, stride, 1, 1, Activation.RELU)
        return self._weighted(
            op, source, filters, channels=channels, axis=0, dead=dead, scale=0.5 / (size * size * in_c)
        )

    def depthwise(self, source: str, size: int = 3, stride: int = 1) -> str:
        """A depthwise convolution with ReLU."""
        channels = self.tensors[source].shape[-1]
        filters = self.random.integers(-127, 128, (1, size, size, channels), np.int8)
        op = DepthwiseConv2D(Padding.SAME, stride, stride, 1, 1, 1, Activation.RELU)
        return self._weighted(op, source, filters, channels=channels, axis=3, scale=0.3 / (size * size))

    def fully_connected(self, source: str, features: int) -> str:
        """A fully connected layer without activation."""
        filters = self.random.integers(-127, 128, (features, self.tensors[source].shape[-1]), np.int8)
        return self._weighted(
            FullyConnected(), source, filters, channels=features, axis=0, scale=0.02, low=-10, per_channel=False
        )

    def add(self, a: str, b: str) -> str:
        """A residual add."""
        return self._node(Add(), (a, b), _quant(0.06, -100))

    def pool(self, source: str) -> str:
        """Global average pooling."""
        tensor = self.tensors[source]
        _, h, w, _ = tensor.shape
        return self._node(AveragePool2D(Padding.VALID, 1, 1, h, w), (source,), tensor.quant)

    def flatten(self, source: str) -> str:
        """A reshape to (N, features)."""
        tensor = self.tensors[source]
        shape = np.array([tensor.shape[0], tensor.elements // tensor.shape[0]], np.int32)
        target = self._constant("shape", shape, None)
        return self._node(Reshape(), (source, target), tensor.quant)

    def softmax(self, source: str) -> str:
        """A softmax over the last axis."""
        return self._node(Softmax(), (source,), _quant(1 / 256, -128))

    def graph(self, *outputs: str) -> Graph:
        """The graph with these outputs."""
        return Graph(self.name, dict(self.tensors), tuple(self.nodes), (self.input,), outputs)

    def _weighted(
        self,
        op: Op,
        source: str,
        filters: Array,
        *,
        channels: int,
        axis: int,
        dead: Sequence[int] = (),
        scale: float,
        low: int = -128,
        per_channel: bool = True,
    ) -> str:
        spread = self.random.uniform(0.5, 2.0, channels if per_channel else 1)
        quant = QuantParams(tuple(float(np.float32(scale * s)) for s in spread), (0,) * len(spread), axis)
        bias = self.random.integers(-2000, 2000, channels).astype(np.int32)
        for channel in dead:
            bias[channel] = self.random.choice([-(1 << 30), -5000, 0, 5000, 1 << 30])
        names = (source, self._constant("filter", filters, quant), self._constant("bias", bias, None))
        return self._node(op, names, _quant(0.05, low))

    def _node(self, op: Op, inputs: tuple[str, ...], quant: QuantParams | None) -> str:
        name = f"{op.NAME.lower()}_{len(self.nodes)}"
        draft = Tensor(name, (), DType.INT8, quant)
        node = Node(op, inputs, (name,), (name,))
        shape = op.output_shapes(View(node, tuple(self.tensors[n] for n in inputs), (draft,)))[0]
        self.nodes.append(node)
        return self._tensor(name, shape, DType.INT8, quant)

    def _constant(self, role: str, data: Array, quant: QuantParams | None) -> str:
        data.flags.writeable = False
        name = f"{role}_{len(self.nodes)}"
        self.tensors[name] = Tensor(name, data.shape, DType(data.dtype.name), quant, data)
        return name

    def _tensor(self, name: str, shape: Shape, dtype: DType, quant: QuantParams | None) -> str:
        self.tensors[name] = Tensor(name, shape, dtype, quant)
        return name


def _quant(scale: float, zero_point: int) -> QuantParams:
    return QuantParams((float(np.float32(scale)),), (zero_point,))


def chain_with_dead_channels(seed: int) -> Graph:
    """Convolutions, depthwise layers and a residual, some of whose channels carry no information."""
    random = np.random.default_rng(seed)
    b = Builder("dead", (1, int(random.integers(4, 8)), int(random.integers(4, 8)), 3), seed)
    width = int(random.choice([8, 12, 16]))
    dead = random.choice(width, int(random.integers(1, width)), replace=False).tolist()
    x = b.conv(b.input, width, stride=int(random.integers(1, 3)), dead=dead)
    x = b.depthwise(x, stride=int(random.integers(1, 3)))
    y = b.conv(x, width, size=1, dead=dead if random.random() < 0.5 else dead[:1])
    if random.random() < 0.7:
        y = b.add(b.conv(y, width, size=int(random.choice([1, 3])), dead=dead), y)
    y = b.conv(y, 8, size=1, dead=dead[: int(random.integers(0, 3))] if max(dead[:3]) < 8 else ())
    return b.graph(b.softmax(b.fully_connected(b.flatten(b.pool(y)), 5)))


def every_weighted_kernel() -> Graph:
    """A fixed little residual network: general, 1x1 and depthwise convolution, add, pooling, dense, softmax."""
    b = Builder("golden", (1, 9, 7, 3), seed=5)
    x = b.conv(b.input, 8, stride=2)
    y = b.conv(b.depthwise(x), 8, size=1)
    y = b.add(b.conv(y, 8), x)
    y = b.conv(b.depthwise(y, stride=2), 16, size=1)
    return b.graph(b.softmax(b.fully_connected(b.flatten(b.pool(y)), 6)))
