"""The op catalogue: one file per op, listed once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edgekit.ops.add import Add
from edgekit.ops.arg_max import ArgMax
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Op
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

OPS: tuple[type[Op], ...] = (
    Add,
    ArgMax,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    ExpandDims,
    FullyConnected,
    HardSwish,
    LeakyRelu,
    Logistic,
    MaxPool2D,
    Mean,
    Mul,
    Pad,
    PadV2,
    Quantize,
    Relu,
    Relu6,
    Reshape,
    ResizeNearestNeighbor,
    Softmax,
    Split,
    Squeeze,
    StridedSlice,
    Sub,
    Tanh,
    Transpose,
)

BY_NAME: Mapping[str, type[Op]] = MappingProxyType({op.NAME: op for op in OPS})
