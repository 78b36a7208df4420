"""The op catalogue: one file per op, listed once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edgekit.ops.add import Add
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.base import Op
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.max_pool_2d import MaxPool2D
from edgekit.ops.mean import Mean
from edgekit.ops.mul import Mul
from edgekit.ops.softmax import Softmax
from edgekit.ops.sub import Sub

OPS: tuple[type[Op], ...] = (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mean,
    Mul,
    Softmax,
    Sub,
)

BY_NAME: Mapping[str, type[Op]] = MappingProxyType({op.NAME: op for op in OPS})
