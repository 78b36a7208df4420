"""Small networks of several layers, put together by hand."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
from support.graphs import Spec, act, bias, integers, tensor, weights

from edgekit.ir.graph import Graph, Node, Tensor, View
from edgekit.ops.add import Add
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Activation, Op
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.reshape import Reshape
from edgekit.ops.softmax import Softmax
from edgekit.ops.split import Split

REFERENCE_MODELS = (
    "ad01_int8.tflite",
    "kws_ref_model.tflite",
    "pretrainedResnet_quant.tflite",
    "str_ww_ref_model.tflite",
    "vww_96_int8.tflite",
)
PROBABILITY = act(scale=1 / 256, zero_point=-128)


class Net:
    """A graph under construction; every method gives the name of a tensor."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []

    def input(self, spec: Spec) -> str:
        """A new model input."""
        self.inputs.append(self._tensor(f"input_{len(self.inputs)}", spec))
        return self.inputs[-1]

    def layer(self, op: Op, *inputs: str | Spec | None, out: tuple[Spec, ...] = (act(),)) -> list[str]:
        """A new layer on tensors and constants; the names of its outputs."""
        label = f"{op.NAME.lower()}_{len(self.nodes)}"
        names = [self._operand(f"{label}/operand_{i}", x) for i, x in enumerate(inputs)]
        outputs = tuple(self._tensor(f"{label}/out_{i}", spec) for i, spec in enumerate(out))
        node = Node(op, tuple(names), outputs, (label,))
        self.nodes.append(node)
        view = View(node, tuple(self.tensors.get(n) for n in names), tuple(self.tensors[n] for n in outputs))
        for name, shape in zip(outputs, op.output_shapes(view), strict=True):
            self.tensors[name] = replace(self.tensors[name], shape=shape)
        return list(outputs)

    def graph(self, *outputs: str) -> Graph:
        """The finished graph."""
        return Graph(self.name, self.tensors, tuple(self.nodes), tuple(self.inputs), outputs)

    def _operand(self, name: str, operand: str | Spec | None) -> str:
        if operand is None:
            return ""
        return operand if isinstance(operand, str) else self._tensor(name, operand)

    def _tensor(self, name: str, spec: Spec) -> str:
        self.tensors[name] = tensor(name, spec, spec.shape, self.rng)
        return name


def residual_net() -> Graph:
    """Convolutions with a shortcut, pooling, a classifier."""
    net = Net("residual_net")
    image = net.input(act((1, 8, 6, 3), zero_point=-4))
    (first,) = net.layer(Conv2D(activation=Activation.RELU), image, weights((4, 3, 3, 3), axis=0), bias(4))
    (deep,) = net.layer(DepthwiseConv2D(), first, weights((1, 3, 3, 4), 0.01, 3), bias(4))
    (wide,) = net.layer(Conv2D(), deep, weights((4, 1, 1, 4), 0.01, 0), None)
    (total,) = net.layer(Add(Activation.RELU), first, wide)
    (pooled,) = net.layer(AveragePool2D(stride_h=8, stride_w=6, filter_h=8, filter_w=6), total)
    (flat,) = net.layer(Reshape(new_shape=(1, 4)), pooled, integers(1, 4))
    (logits,) = net.layer(FullyConnected(), flat, weights((5, 4), 0.02), bias(5))
    return net.graph(*net.layer(Softmax(), logits, out=(PROBABILITY,)))


def two_headed_net() -> Graph:
    """Two inputs, a split, two outputs."""
    net = Net("two_headed_net")
    left, right = net.input(act((2, 8))), net.input(act((2, 8), 0.07, 9))
    (total,) = net.layer(Add(), left, right)
    first, second = net.layer(Split(num_splits=2), integers(1, shape=()), total, out=(act(), act()))
    (dense,) = net.layer(FullyConnected(), first, weights((3, 4)), bias(3))
    return net.graph(dense, second)
